"""``jobs.remove``: new occurrences stop at once, history stays under the job's name."""

from __future__ import annotations

import pytest

from django_scheduler import jobs, runs
from django_scheduler.exceptions import InvalidJob, JobAlreadyExists, JobNotFound
from django_scheduler.models import Job, Run
from tests.facades.fixed import HOUR, NOW, make_process, make_row

pytestmark = pytest.mark.django_db


def busy_job():
    """A job with one run that goes on, one that waits, and one that is over."""
    job = jobs.add("plain", schedule="@hourly")
    process = make_process()
    return (
        make_row(job, "running", process=process.pk, started_at=NOW),
        make_row(job, "queued", due_at=NOW),
        make_row(job, "succeeded"),
    )


def end(run):
    Run.objects.filter(pk=run.pk).update(status="succeeded")


def test_idle_job_is_gone_and_its_history_stays():
    """J6"""
    make_row(jobs.add("plain"), "succeeded")
    jobs.remove("plain")
    assert not Job.objects.exists()
    (run,) = runs.query(job="plain")
    assert (run.job_id, run.job_name, run.status) == (None, "plain", "succeeded")


def test_name_is_free_again_after_removal():
    jobs.add("plain", schedule="@hourly")
    jobs.remove("plain")
    assert jobs.add("plain").schedule == "@manual"


def test_what_was_due_and_not_claimed_is_recorded(clock):
    """Nothing disappears silently, not even with its job."""
    jobs.add("plain", schedule="@every 1h")
    clock.advance(2.5 * HOUR)
    jobs.remove("plain")
    (record,) = runs.query(job="plain")
    assert (record.status, record.reason, record.missed) == ("skipped", "missed", 2)
    assert record.scheduled_for == NOW + 2 * HOUR


def test_a_paused_job_takes_nothing_along(clock):
    jobs.add("plain", schedule="@every 1h")
    jobs.pause("plain")
    clock.advance(2.5 * HOUR)
    jobs.remove("plain")
    assert not runs.query(job="plain").exists()


def test_leave_returns_at_once_and_lets_running_runs_go_on():
    """J6"""
    running, waiting, _over = busy_job()
    jobs.remove("plain", running="leave")
    running.refresh_from_db()
    waiting.refresh_from_db()
    assert (running.status, running.stop_requested_at) == ("running", None)
    assert (waiting.status, waiting.reason) == ("stopped", "job_removed")
    tombstone = Job.objects.get()
    assert (tombstone.removed_at, tombstone.next_run_at) == (NOW, None)


def test_tombstone_is_invisible_but_holds_its_name():
    busy_job()
    jobs.remove("plain", running="leave")
    assert list(jobs.all()) == []
    with pytest.raises(JobNotFound):
        jobs.get("plain")
    with pytest.raises(JobAlreadyExists, match="free once its last run has ended"):
        jobs.add("plain")


def test_wait_returns_when_the_last_run_has_ended(clock):
    """J6"""
    running, _waiting, _over = busy_job()
    waits = []

    def on_wait():
        waits.append(Job.objects.count())
        if len(waits) == 3:
            end(running)

    clock.on_wait = on_wait
    jobs.remove("plain", running="wait")
    assert waits == [1, 1, 1]
    assert not Job.objects.exists()
    assert Run.objects.get(pk=running.pk).stop_requested_at is None


def test_stop_orders_running_runs_to_stop_and_waits(clock):
    """J6"""
    running, _waiting, _over = busy_job()

    def on_wait():
        run = Run.objects.get(pk=running.pk)
        assert (run.stop_requested_at, run.reason) == (NOW, "job_removed")
        end(running)

    clock.on_wait = on_wait
    jobs.remove("plain", running="stop")
    assert not Job.objects.exists()
    assert Run.objects.get(pk=running.pk).stop_requested_at == NOW


def test_waiting_ends_at_the_timeout_and_the_job_stays_buried():
    """J6"""
    busy_job()
    with pytest.raises(TimeoutError):
        jobs.remove("plain", timeout=2)
    assert Job.objects.get().removed_at == NOW


def test_unknown_word_for_running_removes_nothing():
    busy_job()
    with pytest.raises(InvalidJob) as raised:
        jobs.remove("plain", running="kill")
    assert raised.value.field == "running"
    assert Job.objects.get().removed_at is None
    assert Run.objects.filter(status="queued").count() == 1
