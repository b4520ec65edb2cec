"""From due to recorded, on a manual clock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Max

from django_scheduler import RetryLater, SkipRun, cron, every, jobs, manual, once, runs
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.policies import Retry
from django_scheduler.states import JobState

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def _add(name="job", schedule=None, **fields):
    return jobs.add(name, function="recorder", schedule=schedule or every(minutes=1), **fields)


def _story(name="job"):
    """Return (minutes after the start, status, reason) of the job's runs, oldest first."""
    found = Run.objects.filter(job_name=name).order_by("scheduled_for", "number")
    return [((r.scheduled_for - START) / MINUTE, r.status, r.reason) for r in found]


def test_an_interval_fires_on_its_grid(manual_scheduler, recorder):
    """S5, R1"""
    _add()
    manual_scheduler.advance(3 * MINUTE)
    assert _story() == [(n, "succeeded", "") for n in (1, 2, 3)]
    run = Run.objects.order_by("pk").last()
    assert (run.started_at, run.lateness) == (START + 3 * MINUTE, timedelta(0))
    assert jobs.get("job").next_run_at == START + 4 * MINUTE


def test_the_context_tells_the_function_about_its_run(manual_scheduler, recorder):
    """X1"""
    _add(metadata={"region": "north"})
    manual_scheduler.advance(2 * MINUTE)
    first, second = recorder.contexts
    assert (first.job_name, first.attempt, first.trigger) == ("job", 1, "schedule")
    assert first.key == "2026-01-01T00:01:00Z"
    assert first.metadata == {"region": "north"}
    assert (first.last_success_at, second.last_success_at) == (None, START + MINUTE)
    assert second.scheduled_for <= second.started_at


def test_what_was_missed_becomes_one_run_that_says_so(manual_scheduler, recorder):
    """T8: after ten missed intervals, one run that missed nine."""
    _add()
    manual_scheduler.clock.advance(10 * MINUTE)
    manual_scheduler.run_due()
    assert recorder.times == 1
    assert recorder.contexts[0].missed == 9
    assert jobs.get("job").next_run_at == START + 11 * MINUTE


def test_skipped_occurrences_leave_one_record(manual_scheduler, recorder):
    """T8"""
    _add(catch_up="skip", misfire_grace=0)
    manual_scheduler.clock.advance(timedelta(minutes=10, seconds=30))
    manual_scheduler.run_due()
    assert recorder.times == 0
    record = Run.objects.get()
    assert (record.status, record.reason, record.missed) == ("skipped", "missed", 10)
    assert record.key == "missed:2026-01-01T00:01:00Z/2026-01-01T00:10:00Z"


def test_all_missed_occurrences_run_one_after_the_other(manual_scheduler, recorder):
    """T8"""
    _add(catch_up="all", misfire_grace=0)
    manual_scheduler.clock.advance(timedelta(minutes=4, seconds=30))
    manual_scheduler.run_due()
    assert _story() == [(n, "succeeded", "") for n in (1, 2, 3, 4)]
    assert jobs.get("job").next_run_at == START + 5 * MINUTE


def test_an_overlapping_occurrence_is_recorded_as_skipped(manual_scheduler, recorder):
    """T6"""
    _add()
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + timedelta(days=1))
    manual_scheduler.advance(MINUTE)
    assert _story()[-1] == (1, "skipped", "overlap")
    assert recorder.times == 0


def test_allowed_overlap_runs_beside_it_up_to_the_limit(manual_scheduler, recorder):
    """T6, T12"""
    _add(overlap="allow", max_running=2)
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + timedelta(days=1))
    manual_scheduler.advance(MINUTE)
    assert _story()[-1] == (1, "succeeded", "")


def test_a_queued_occurrence_runs_when_the_active_run_has_ended(manual_scheduler, recorder):
    """T6"""
    _add(overlap="queue")
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + 90 * timedelta(seconds=1))
    manual_scheduler.advance(MINUTE)
    assert _story()[-1] == (1, "queued", "waiting")
    manual_scheduler.advance(MINUTE / 2)
    assert [status for _, status, _ in _story()] == ["succeeded", "succeeded"]


def test_a_failed_run_keeps_its_error_and_the_next_occurrence_runs(manual_scheduler, recorder):
    """R3, R5"""

    def fail(context):
        raise SystemExit("out of paper")

    recorder.behaviour = fail
    _add()
    manual_scheduler.advance(2 * MINUTE)
    assert _story() == [(1, "failed", "exception"), (2, "failed", "exception")]
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
    _add(schedule=manual(), retry=Retry(max_attempts=3, delay=10))
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
    _add(schedule=manual(), retry=2)
    jobs.trigger("job")
    manual_scheduler.advance(10 * MINUTE)
    job = jobs.get("job")
    assert (recorder.times, job.failure_count, job.consecutive_failures) == (2, 1, 1)


def test_only_named_exceptions_are_retried(manual_scheduler, recorder):
    """Y2"""
    recorder.behaviour = lambda context: 1 / 0
    _add(schedule=manual(), retry=Retry(max_attempts=3, retry_on=(KeyError,)))
    jobs.trigger("job")
    manual_scheduler.advance(10 * MINUTE)
    assert recorder.times == 1


def test_a_function_may_ask_to_be_tried_later(manual_scheduler, recorder):
    """Y2"""

    def later(context):
        if context.attempt == 1:
            raise RetryLater(30)

    recorder.behaviour = later
    _add(schedule=manual())
    jobs.trigger("job")
    manual_scheduler.advance(timedelta(seconds=29))
    assert recorder.times == 1
    manual_scheduler.advance(timedelta(seconds=1))
    assert [status for _, status, _ in _story()] == ["failed", "succeeded"]


def test_a_function_may_skip_its_run(manual_scheduler, recorder):
    """Y2"""

    def skip(context):
        raise SkipRun("nothing new")

    recorder.behaviour = skip
    _add(schedule=manual())
    jobs.trigger("job")
    manual_scheduler.run_due()
    assert _story() == [(0, "skipped", "nothing new")]


def test_fixed_delay_counts_from_the_end_of_the_run(manual_scheduler, recorder):
    """S6"""
    recorder.behaviour = lambda context: manual_scheduler.clock.advance(30) and None
    _add(schedule=every(minutes=1, after="finish"))
    manual_scheduler.advance(3 * MINUTE)
    assert [minute for minute, _, _ in _story()] == [1.0, 2.5]


def test_a_job_may_choose_its_next_run_itself(manual_scheduler, recorder):
    """S9"""
    recorder.behaviour = lambda context: context.run_again_in(10)
    _add(schedule=every(hours=1), next_run_in=MINUTE)
    manual_scheduler.advance(MINUTE)
    assert jobs.get("job").next_run_at == START + MINUTE + timedelta(seconds=10)
    manual_scheduler.advance(timedelta(seconds=20))
    assert recorder.times == 3


def test_once_in_the_past_runs_once_now_and_never_again(manual_scheduler, recorder):
    """S7"""
    _add(schedule=once(START - timedelta(days=3)))
    manual_scheduler.run_due()
    manual_scheduler.kill()
    manual_scheduler.advance(timedelta(days=2))
    assert recorder.times == 1
    assert jobs.get("job").state == JobState.ENDED


def test_a_job_set_to_once_again_runs_once_more(manual_scheduler, recorder):
    """J4, S7"""
    _add(schedule=once(START - timedelta(days=3)))
    manual_scheduler.run_due()
    jobs.schedule("job", once(START + MINUTE))
    manual_scheduler.advance(timedelta(days=1))
    assert recorder.times == 2


def test_a_job_ends_after_its_last_allowed_occurrence(manual_scheduler, recorder):
    """S8"""
    _add(max_runs=2)
    manual_scheduler.advance(timedelta(hours=1))
    assert (recorder.times, jobs.get("job").state) == (2, JobState.ENDED)


def test_a_job_runs_only_within_its_window(manual_scheduler, recorder):
    """S8"""
    _add(start_at=START + 3 * MINUTE, end_at=START + 5 * MINUTE)
    manual_scheduler.advance(timedelta(hours=1))
    assert [minute for minute, _, _ in _story()] == [3, 4, 5]
    assert jobs.get("job").state == JobState.ENDED


def test_a_brought_forward_run_takes_the_place_of_the_next(manual_scheduler, recorder):
    """T4: the occurrence keeps its identity and nothing is early."""
    _add(schedule=every(hours=1))
    assert jobs.run_within("job", 30) == START + timedelta(seconds=30)
    manual_scheduler.advance(timedelta(minutes=90))
    assert recorder.times == 1
    assert recorder.contexts[0].key == "2026-01-01T01:00:00Z"
    assert recorder.contexts[0].started_at >= recorder.contexts[0].scheduled_for
    assert jobs.get("job").next_run_at == START + timedelta(hours=2)


def test_a_job_without_a_schedule_can_be_brought_forward(manual_scheduler, recorder):
    """T4"""
    _add(schedule=manual())
    jobs.run_within("job", 30)
    manual_scheduler.advance(timedelta(hours=2))
    job = jobs.get("job")
    assert (recorder.times, job.state, job.next_run_at) == (1, "active", None)


def test_resuming_after_hours_waits_for_the_next_occurrence(manual_scheduler, recorder):
    """C1"""
    _add()
    jobs.pause("job", "maintenance")
    manual_scheduler.advance(timedelta(hours=5, seconds=30))
    jobs.resume("job")
    manual_scheduler.run_due()
    assert recorder.times == 0
    manual_scheduler.advance(timedelta(seconds=30))
    assert (recorder.times, recorder.contexts[0].missed) == (1, 0)


def test_a_pause_ends_by_itself(manual_scheduler, recorder):
    """C1"""
    _add()
    jobs.pause("job", until=START + timedelta(minutes=30))
    manual_scheduler.advance(timedelta(hours=2))
    assert jobs.get("job").state == JobState.ACTIVE
    assert min(c.scheduled_for for c in recorder.contexts) > START + timedelta(minutes=30)


def test_a_pause_of_everything_claims_nothing_and_catches_nothing_up(manual_scheduler, recorder):
    """C4"""
    _add()
    jobs.pause_all("database upgrade")
    manual_scheduler.advance(timedelta(hours=1))
    assert recorder.times == 0
    jobs.resume_all()
    manual_scheduler.run_due()
    assert recorder.times == 0
    manual_scheduler.advance(MINUTE)
    assert recorder.times == 1


def test_a_poisonous_row_stops_only_itself(manual_scheduler, recorder):
    """T10"""
    for name in ("bad zone", "bad cron", "good"):
        _add(name)
    Job.objects.filter(name="bad zone").update(timezone="Mars/Olympus")
    Job.objects.filter(name="bad cron").update(schedule="nonsense")
    manual_scheduler.advance(MINUTE)
    broken = {job.name: job.error for job in jobs.all(state="broken")}
    assert set(broken) == {"bad zone", "bad cron"}
    assert "Mars/Olympus" in broken["bad zone"]
    assert _story("good") == [(1, "succeeded", "")]


def test_mending_a_broken_job_brings_it_back(manual_scheduler, recorder):
    """T10"""
    _add()
    Job.objects.update(timezone="Mars/Olympus")
    manual_scheduler.advance(MINUTE)
    jobs.update("job", timezone="Europe/Paris")
    manual_scheduler.advance(MINUTE)
    assert (jobs.get("job").state, recorder.times) == ("active", 1)


def test_a_job_of_unknown_code_is_left_to_others_then_set_aside(manual_scheduler, recorder):
    """T9"""
    _add()
    Job.objects.update(function="elsewhere")
    manual_scheduler.advance(5 * MINUTE)
    assert jobs.get("job").state == JobState.ACTIVE
    manual_scheduler.advance(timedelta(hours=2))
    job = jobs.get("job")
    assert (job.state, recorder.times) == (JobState.BROKEN, 0)
    assert "elsewhere" in job.error


def test_a_row_made_past_the_facade_is_planned(manual_scheduler, recorder):
    """J5"""
    Job.objects.create(name="job", function="recorder", schedule="@every 1m", created_at=START)
    manual_scheduler.advance(timedelta(hours=2))
    assert recorder.times > 0


def test_an_edit_in_bulk_takes_effect_without_a_run(manual_scheduler, recorder):
    """J5: the next claim notices that the schedule is not the one planned."""
    _add()
    Job.objects.update(schedule="@every 1h")
    manual_scheduler.advance(2 * MINUTE)
    assert recorder.times == 0
    assert jobs.get("job").next_run_at == START + timedelta(hours=1)


def test_runs_due_at_once_start_in_the_order_of_priority(manual_scheduler, recorder):
    """T11"""
    for name, priority in (("late", 5), ("soon", -5), ("middle", 0)):
        _add(name, priority=priority)
    manual_scheduler.advance(MINUTE)
    assert [c.job_name for c in recorder.contexts] == ["soon", "middle", "late"]


def test_a_run_past_its_start_deadline_is_skipped(manual_scheduler, recorder):
    """semantics 5"""
    _add(schedule=manual(), start_deadline=60)
    jobs.trigger("job")
    manual_scheduler.clock.advance(61)
    manual_scheduler.run_due()
    assert _story() == [(0, "skipped", "expired")]


def test_a_triggered_run_does_not_move_the_schedule(manual_scheduler, recorder):
    """T3"""
    _add(schedule=every(hours=1))
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    assert runs.get(run).status == "succeeded"
    assert jobs.get("job").next_run_at == START + timedelta(hours=1)


def test_the_high_water_mark_survives_pruned_history(manual_scheduler, recorder):
    """peers: doubles when deduplication rows go early."""
    _add()
    manual_scheduler.advance(3 * MINUTE)
    Run.objects.all().delete()
    JobClock.objects.update(next_run_at=START, next_occurrence=START + MINUTE)
    manual_scheduler.run_due()
    assert recorder.times == 3
    assert jobs.get("job").next_run_at == START + 4 * MINUTE


def test_a_claim_is_a_constant_number_of_queries_more_per_job(
    manual_scheduler, recorder, django_assert_max_num_queries
):
    """T2: an idle turn does not grow with the number of jobs."""
    for number in range(30):
        _add(f"job {number}", schedule=cron("0 0 1 1 *"))
    manual_scheduler.run_due()
    with django_assert_max_num_queries(8):
        manual_scheduler.scheduler.tick()


def test_run_ids_sort_by_time(manual_scheduler, recorder):
    """engine 5"""
    _add()
    manual_scheduler.advance(5 * MINUTE)
    newest = Run.objects.aggregate(Max("scheduled_for"))["scheduled_for__max"]
    assert Run.objects.order_by("-pk")[0].scheduled_for == newest


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
def test_the_zone_of_the_job_decides_the_hour(manual_scheduler, recorder, zone):
    """S11"""
    _add(schedule=cron("0 9 * * *", timezone=zone))
    manual_scheduler.advance(timedelta(days=1))
    run = Run.objects.get()
    assert run.scheduled_for.astimezone(ZoneInfo(zone)).hour == 9
