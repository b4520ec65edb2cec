"""What follows from an end, in the same transaction: retry, counters, promotion, the next time."""

from __future__ import annotations

import pytest

from django_scheduler import Retry, every, jobs
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.signals import run_finished, run_retry_planned, run_succeeded
from tests.facades.fixed import DAY, HOUR, MINUTE, NOW, SECOND, make_process, make_row
from tests.ledger.held import end, held

pytestmark = pytest.mark.django_db


def retry_of(run):
    """The one row made after this one; None if there is none."""
    return Run.objects.filter(key=run.key, number__gt=run.number).first()


def take(run, **values):
    """The retry as it is when a process has claimed and started it."""
    claimed = {"status": "running", "process": make_process().pk, "epoch": 1, "started_at": NOW}
    Run.objects.filter(pk=run.pk).update(**{**claimed, "due_at": None, **values})
    run.refresh_from_db()
    return run


def test_failed_run_is_tried_again_in_a_row_of_its_own():
    """Y1"""
    job = jobs.add("report", args=["north"], retry=Retry(max_attempts=3, delay=60))
    run = end(held(job, args=["north"], metadata={"k": 1}, priority=4, queue="q"), "failed")
    again = retry_of(run)
    assert (run.status, again.status, again.trigger) == ("failed", "queued", "retry")
    assert (again.attempt, again.number, again.key) == (2, 2, run.key)
    assert (again.due_at, again.queued_at, again.process) == (NOW + MINUTE, NOW, None)
    assert (again.args, again.metadata, again.priority, again.queue) == (
        ["north"],
        {"k": 1},
        4,
        "q",
    )
    assert (again.scheduled_for, again.policy, again.epoch) == (run.scheduled_for, run.policy, 0)


def test_retries_end_with_the_budget_and_the_chain_counts_once():
    """Y1, R5"""
    job = jobs.add("plain", retry=Retry(max_attempts=3, delay=1))
    run = held(job)
    counts = []
    for _ in range(3):
        end(run, "failed")
        job.refresh_from_db()
        counts.append((job.failure_count, job.consecutive_failures))
        again = retry_of(run)
        run = take(again) if again else run
    assert counts == [(0, 0), (0, 0), (1, 1)]
    assert (Run.objects.count(), run.attempt, job.retries_used) == (3, 3, 2)


def test_success_after_a_retry_is_no_failure():
    """R5"""
    job = jobs.add("plain", retry=3)
    Job.objects.update(consecutive_failures=4)
    run = held(job)
    end(run, "failed")
    end(take(retry_of(run)), "succeeded")
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 0, 0)
    assert Run.objects.count() == 2


def test_without_a_policy_a_failure_is_the_end():
    """Y1: off by default."""
    run = end(held(jobs.add("plain")), "failed")
    assert retry_of(run) is None


@pytest.mark.parametrize(
    ("error_types", "retried"),
    [(("shop.Busy", "builtins.OSError"), True), (("builtins.ValueError",), False)],
)
def test_only_named_errors_are_worth_another_try(error_types, retried):
    """Y2"""
    job = jobs.add("plain", retry=Retry(retry_on=(OSError,)))
    run = end(held(job), "failed", error_types=error_types)
    assert (retry_of(run) is not None) is retried


@pytest.mark.parametrize("reason", ["arguments"])
def test_arguments_that_do_not_fit_fit_no_better_later(reason):
    run = end(held(jobs.add("plain", retry=3)), "failed", reason=reason)
    assert retry_of(run) is None


def test_function_may_choose_when_to_be_tried_again():
    """Y2: RetryLater, also without a policy, and with a floor of one second."""
    run = end(held(jobs.add("plain")), "failed", reason="retry_later", retry_in=HOUR)
    assert retry_of(run).due_at == NOW + HOUR
    soon = end(held(jobs.add("report")), "failed", reason="retry_later", retry_in=0 * SECOND)
    assert retry_of(soon).due_at == NOW + SECOND


def test_lifetime_budget_ends_the_job():
    """Y1"""
    job = jobs.add("plain", schedule="@hourly", retry=Retry(max_attempts=2, reset_on_success=False))
    Job.objects.update(retries_used=1)
    run = end(held(job), "failed")
    job.refresh_from_db()
    assert retry_of(run) is None
    assert (job.state, job.next_run_at) == ("ended", None)
    assert "used up" in job.error


@pytest.mark.parametrize(("on_lost", "attempts"), [("retry", [1, 2]), ("fail", [1])])
def test_lost_run_follows_the_jobs_policy(on_lost, attempts):
    """P5"""
    job = jobs.add("plain", on_lost=on_lost)
    end(held(job), "lost", reason="worker_lost")
    assert sorted(Run.objects.values_list("attempt", flat=True)) == attempts


def test_lost_run_spends_the_retry_budget():
    """P5"""
    job = jobs.add("plain", retry=2)
    run = end(held(job, attempt=2), "lost", reason="worker_lost")
    assert retry_of(run) is None


def test_orderly_shutdown_burns_no_attempt():
    """C4, Y4"""
    run = end(held(jobs.add("plain"), attempt=2), "stopped", reason="shutdown")
    again = retry_of(run)
    assert (again.attempt, again.number, again.due_at) == (2, 2, NOW)


@pytest.mark.parametrize("choice", ["supersede", "independent"])
def test_what_a_shutdown_interrupted_is_no_retry_that_gives_way(choice):
    """Nothing of it has failed: no occurrence may take its place, nor count it as a failure."""
    retry = Retry(max_attempts=3, delay=60, on_next_occurrence=choice)
    job = jobs.add("plain", schedule="@hourly", retry=retry.to_dict())
    again = retry_of(end(held(job), "stopped", reason="shutdown"))
    assert (again.attempt, again.reason) == (1, "")
    assert jobs.trigger("plain").reason == "overlap"
    again.refresh_from_db()
    assert again.status == "queued"


def test_shutdown_of_what_may_run_only_once_is_its_end():
    """C4: with on_lost=fail what was called is never called again."""
    run = end(held(jobs.add("plain", on_lost="fail")), "stopped", reason="shutdown")
    assert retry_of(run) is None


@pytest.mark.parametrize("status", ["failed", "lost", "stopped", "timed_out"])
def test_run_with_a_stop_request_ends_stopped_and_is_never_retried(status):
    """C3"""
    run = held(jobs.add("plain", retry=5), stop_requested_at=NOW, reason="asked")
    end(run, status, reason="exception")
    assert (run.status, run.reason) == ("stopped", "asked")
    assert Run.objects.count() == 1


def waiting(job, hours):
    return make_row(job, "queued", reason="waiting", due_at=None, scheduled_for=NOW + hours * HOUR)


def test_end_lets_the_oldest_waiting_run_go():
    """T6"""
    job = jobs.add("plain", overlap="queue_all")
    active, newer, older = held(job), waiting(job, 2), waiting(job, 1)
    end(active, now=NOW + MINUTE)
    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.status, older.due_at, older.reason) == ("queued", NOW + MINUTE, "")
    assert (newer.due_at, newer.reason) == (None, "waiting")


def test_waiting_run_waits_for_the_last_active_one():
    """T6"""
    job = jobs.add("plain", overlap="queue")
    first, second, third = held(job), held(job), waiting(job, 1)
    end(first)
    third.refresh_from_db()
    assert third.due_at is None
    end(second)
    third.refresh_from_db()
    assert third.due_at == NOW


def test_retry_goes_before_what_waits():
    """T6: a chain that waits for its retry is active."""
    job = jobs.add("plain", overlap="queue", retry=3)
    active, next_one = held(job), waiting(job, 1)
    end(active, "failed")
    next_one.refresh_from_db()
    assert retry_of(active).due_at is not None
    assert next_one.due_at is None


def test_function_that_has_not_left_keeps_others_waiting():
    """R4: given up is not gone."""
    job = jobs.add("plain", overlap="queue")
    active, next_one = held(job), waiting(job, 1)
    end(active, "timed_out", left=False)
    next_one.refresh_from_db()
    assert next_one.due_at is None


def test_end_does_not_move_a_fixed_rate():
    """S5"""
    job = jobs.add("plain", schedule=every(hours=1))
    end(held(job), now=NOW + MINUTE)
    assert jobs.get("plain").next_run_at == NOW + HOUR


@pytest.mark.parametrize("status", ["succeeded", "failed", "stopped", "skipped"])
def test_fixed_delay_is_measured_from_the_end_of_the_chain(status):
    """S6: by any final move."""
    job = jobs.add("plain", schedule=every(minutes=10, after="finish"))
    JobClock.objects.update(next_run_at=None, next_occurrence=None)
    end(held(job), status, reason="x", duration=90 * SECOND, now=NOW + 90 * SECOND)
    assert jobs.get("plain").next_run_at == NOW + 90 * SECOND + 10 * MINUTE


def test_fixed_delay_waits_for_the_retry():
    """S6"""
    job = jobs.add("plain", schedule=every(minutes=10, after="finish"), retry=3)
    JobClock.objects.update(next_run_at=None, next_occurrence=None)
    end(held(job), "failed")
    assert jobs.get("plain").next_run_at is None


@pytest.mark.parametrize(
    ("asked", "expected"), [(5 * MINUTE, NOW + 5 * MINUTE), (0 * SECOND, NOW + SECOND)]
)
def test_job_says_itself_when_it_runs_again(asked, expected):
    """S9"""
    job = jobs.add("plain", schedule=every(hours=1))
    end(held(job), run_again_in=asked)
    assert jobs.get("plain").next_run_at == expected


def test_only_a_success_chooses_its_next_run():
    """S9"""
    job = jobs.add("plain", schedule=every(hours=1))
    end(held(job), "failed", run_again_in=MINUTE)
    assert jobs.get("plain").next_run_at == NOW + HOUR


def test_paused_job_is_not_scheduled_by_an_end():
    """C1"""
    job = jobs.add("plain", schedule=every(minutes=10, after="finish"))
    run = held(job)
    jobs.pause("plain")
    end(run, run_again_in=MINUTE)
    assert (jobs.get("plain").state, jobs.get("plain").next_run_at) == ("paused", None)


def test_schedule_that_cannot_be_read_breaks_the_job_and_keeps_the_outcome():
    """R7"""
    job = jobs.add("plain", schedule=every(minutes=10, after="finish"))
    run = held(job)
    Job.objects.update(schedule="nonsense")
    JobClock.objects.update(next_run_at=None, next_occurrence=None)
    end(run)
    job.refresh_from_db()
    assert (run.status, job.success_count, job.state) == ("succeeded", 1, "broken")
    assert job.error


def test_end_of_a_run_whose_job_is_gone_is_written_all_the_same():
    """J6"""
    job = jobs.add("plain", retry=3)
    run = held(job)
    Job.objects.all().delete()
    run.refresh_from_db()
    assert end(run, "failed").status == "failed"
    assert Run.objects.count() == 1


def test_end_is_told_after_commit_with_what_follows(django_capture_on_commit_callbacks):
    """H3, H4"""
    seen = []

    def over(run, **_kwargs):
        seen.append(("finished", run.status))

    def good(run, **_kwargs):
        seen.append(("succeeded", run.status))

    def planned(run, next_run, **_kwargs):
        seen.append(("retry", next_run.attempt))

    receivers = ((run_finished, over), (run_succeeded, good), (run_retry_planned, planned))
    for signal, receiver in receivers:
        signal.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            run = held(jobs.add("plain", retry=3))
            end(run, "failed")
            end(take(retry_of(run)))
            assert seen == []
    finally:
        for signal, receiver in receivers:
            signal.disconnect(receiver)
    assert seen == [
        ("finished", "failed"),
        ("retry", 2),
        ("finished", "succeeded"),
        ("succeeded", "succeeded"),
    ]


def test_day_passes_between_retry_and_end_without_harm():
    """A retry keeps the occurrence it belongs to."""
    job = jobs.add("plain", retry=3)
    run = held(job, scheduled_for=NOW - DAY)
    end(run, "failed")
    assert retry_of(run).scheduled_for == NOW - DAY
