"""From due to recorded, on a manual clock."""

from __future__ import annotations

from datetime import timedelta

from django_scheduler import RetryLater, SkipRun, every, jobs, manual, once
from django_scheduler.models import Run
from django_scheduler.policies import Retry
from django_scheduler.states import JobState
from tests.engine.stories import MINUTE, START, add, story


def test_an_interval_fires_on_its_grid(manual_scheduler, recorder):
    """S5, R1"""
    add()
    manual_scheduler.advance(3 * MINUTE)
    assert story() == [(n, "succeeded", "") for n in (1, 2, 3)]
    run = Run.objects.order_by("pk").last()
    assert (run.started_at, run.lateness) == (START + 3 * MINUTE, timedelta(0))
    assert jobs.get("job").next_run_at == START + 4 * MINUTE


def test_the_context_tells_the_function_about_its_run(manual_scheduler, recorder):
    """X1"""
    add(metadata={"region": "north"})
    manual_scheduler.advance(2 * MINUTE)
    first, second = recorder.contexts
    assert (first.job_name, first.attempt, first.trigger) == ("job", 1, "schedule")
    assert first.key == "2026-01-01T00:01:00Z"
    assert first.metadata == {"region": "north"}
    assert (first.last_success_at, second.last_success_at) == (None, START + MINUTE)
    assert second.scheduled_for <= second.started_at


def test_what_was_missed_becomes_one_run_that_says_so(manual_scheduler, recorder):
    """T8: after ten missed intervals, one run that missed nine."""
    add()
    manual_scheduler.clock.advance(10 * MINUTE)
    manual_scheduler.run_due()
    assert recorder.times == 1
    assert recorder.contexts[0].missed == 9
    assert jobs.get("job").next_run_at == START + 11 * MINUTE


def test_skipped_occurrences_leave_one_record(manual_scheduler, recorder):
    """T8"""
    add(catch_up="skip", misfire_grace=0)
    manual_scheduler.clock.advance(timedelta(minutes=10, seconds=30))
    manual_scheduler.run_due()
    assert recorder.times == 0
    record = Run.objects.get()
    assert (record.status, record.reason, record.missed) == ("skipped", "missed", 10)
    assert record.key == "missed:2026-01-01T00:01:00Z/2026-01-01T00:10:00Z"


def test_all_missed_occurrences_run_one_after_the_other(manual_scheduler, recorder):
    """T8"""
    add(catch_up="all", misfire_grace=0)
    manual_scheduler.clock.advance(timedelta(minutes=4, seconds=30))
    manual_scheduler.run_due()
    assert story() == [(n, "succeeded", "") for n in (1, 2, 3, 4)]
    assert jobs.get("job").next_run_at == START + 5 * MINUTE


def test_an_overlapping_occurrence_is_recorded_as_skipped(manual_scheduler, recorder):
    """T6"""
    add()
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + timedelta(days=1))
    manual_scheduler.advance(MINUTE)
    assert story()[-1] == (1, "skipped", "overlap")
    assert recorder.times == 0


def test_allowed_overlap_runs_beside_it_up_to_the_limit(manual_scheduler, recorder):
    """T6, T12"""
    add(overlap="allow", max_running=2)
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + timedelta(days=1))
    manual_scheduler.advance(MINUTE)
    assert story()[-1] == (1, "succeeded", "")


def test_a_queued_occurrence_runs_when_the_active_run_has_ended(manual_scheduler, recorder):
    """T6"""
    add(overlap="queue")
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + 90 * timedelta(seconds=1))
    manual_scheduler.advance(MINUTE)
    assert story()[-1] == (1, "queued", "waiting")
    manual_scheduler.advance(MINUTE / 2)
    assert [status for _, status, _ in story()] == ["succeeded", "succeeded"]


def test_a_failed_run_keeps_its_error_and_the_next_occurrence_runs(manual_scheduler, recorder):
    """R3, R5"""

    def fail(context):
        raise SystemExit("out of paper")

    recorder.behaviour = fail
    add()
    manual_scheduler.advance(2 * MINUTE)
    assert story() == [(1, "failed", "exception"), (2, "failed", "exception")]
    run = Run.objects.latest("pk")
    assert run.error == "SystemExit: out of paper"
    assert "in fail" in run.traceback
    assert jobs.get("job").consecutive_failures == 2


def test_retries_end_with_success_and_count_once(manual_scheduler, recorder):
    """Y1"""

    def twice_bad(context):
        if context.attempt < 3:
            raise ValueError("not yet")

    recorder.behaviour = twice_bad
    add(schedule=manual(), retry=Retry(max_attempts=3, delay=10))
    jobs.trigger("job")
    manual_scheduler.advance(MINUTE)
    assert [c.attempt for c in recorder.contexts] == [1, 2, 3]
    assert len({c.key for c in recorder.contexts}) == 1
    job = jobs.get("job")
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 0, 0)
    assert (job.last_status, job.retries_used) == ("succeeded", 2)


def test_a_spent_retry_policy_counts_one_failure(manual_scheduler, recorder):
    """Y1"""
    recorder.behaviour = lambda context: 1 / 0
    add(schedule=manual(), retry=2)
    jobs.trigger("job")
    manual_scheduler.advance(10 * MINUTE)
    job = jobs.get("job")
    assert (recorder.times, job.failure_count, job.consecutive_failures) == (2, 1, 1)


def test_only_named_exceptions_are_retried(manual_scheduler, recorder):
    """Y2"""
    recorder.behaviour = lambda context: 1 / 0
    add(schedule=manual(), retry=Retry(max_attempts=3, retry_on=(KeyError,)))
    jobs.trigger("job")
    manual_scheduler.advance(10 * MINUTE)
    assert recorder.times == 1


def test_a_function_may_ask_to_be_tried_later(manual_scheduler, recorder):
    """Y2"""

    def later(context):
        if context.attempt == 1:
            raise RetryLater(30)

    recorder.behaviour = later
    add(schedule=manual())
    jobs.trigger("job")
    manual_scheduler.advance(timedelta(seconds=29))
    assert recorder.times == 1
    manual_scheduler.advance(timedelta(seconds=1))
    assert [status for _, status, _ in story()] == ["failed", "succeeded"]


def test_a_function_may_skip_its_run(manual_scheduler, recorder):
    """Y2"""

    def skip(context):
        raise SkipRun("nothing new")

    recorder.behaviour = skip
    add(schedule=manual())
    jobs.trigger("job")
    manual_scheduler.run_due()
    assert story() == [(0, "skipped", "nothing new")]


def test_fixed_delay_counts_from_the_end_of_the_run(manual_scheduler, recorder):
    """S6"""
    recorder.behaviour = lambda context: manual_scheduler.clock.advance(30) and None
    add(schedule=every(minutes=1, after="finish"))
    manual_scheduler.advance(3 * MINUTE)
    assert [minute for minute, _, _ in story()] == [1.0, 2.5]


def test_a_job_may_choose_its_next_run_itself(manual_scheduler, recorder):
    """S9"""
    recorder.behaviour = lambda context: context.run_again_in(10)
    add(schedule=every(hours=1), next_run_in=MINUTE)
    manual_scheduler.advance(MINUTE)
    assert jobs.get("job").next_run_at == START + MINUTE + timedelta(seconds=10)
    manual_scheduler.advance(timedelta(seconds=20))
    assert recorder.times == 3


def test_once_in_the_past_runs_once_now_and_never_again(manual_scheduler, recorder):
    """S7"""
    add(schedule=once(START - timedelta(days=3)))
    manual_scheduler.run_due()
    manual_scheduler.kill()
    manual_scheduler.advance(timedelta(days=2))
    assert recorder.times == 1
    assert jobs.get("job").state == JobState.ENDED


def test_a_job_set_to_once_again_runs_once_more(manual_scheduler, recorder):
    """J4, S7"""
    add(schedule=once(START - timedelta(days=3)))
    manual_scheduler.run_due()
    jobs.schedule("job", once(START + MINUTE))
    manual_scheduler.advance(timedelta(days=1))
    assert recorder.times == 2


def test_a_job_ends_after_its_last_allowed_occurrence(manual_scheduler, recorder):
    """S8"""
    add(max_runs=2)
    manual_scheduler.advance(timedelta(hours=1))
    assert (recorder.times, jobs.get("job").state) == (2, JobState.ENDED)


def test_a_job_runs_only_within_its_window(manual_scheduler, recorder):
    """S8"""
    add(start_at=START + 3 * MINUTE, end_at=START + 5 * MINUTE)
    manual_scheduler.advance(timedelta(hours=1))
    assert [minute for minute, _, _ in story()] == [3, 4, 5]
    assert jobs.get("job").state == JobState.ENDED


def test_a_brought_forward_run_takes_the_place_of_the_next(manual_scheduler, recorder):
    """T4: the occurrence keeps its identity and nothing is early."""
    add(schedule=every(hours=1))
    assert jobs.run_within("job", 30) == START + timedelta(seconds=30)
    manual_scheduler.advance(timedelta(minutes=90))
    assert recorder.times == 1
    assert recorder.contexts[0].key == "2026-01-01T01:00:00Z"
    assert recorder.contexts[0].started_at >= recorder.contexts[0].scheduled_for
    assert jobs.get("job").next_run_at == START + timedelta(hours=2)


def test_a_job_without_a_schedule_can_be_brought_forward(manual_scheduler, recorder):
    """T4"""
    add(schedule=manual())
    jobs.run_within("job", 30)
    manual_scheduler.advance(timedelta(hours=2))
    job = jobs.get("job")
    assert (recorder.times, job.state, job.next_run_at) == (1, "active", None)
