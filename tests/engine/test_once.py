"""What `runscheduler --once` leaves behind: nothing that was due and could run (C1)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from django_scheduler import jobs
from django_scheduler.engine import Scheduler
from django_scheduler.models import Job, JobClock, Run
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def _once(threads: int = 2) -> None:
    Scheduler(threads=threads, sync_code=False).run_once()


def _statuses() -> list[str]:
    return list(Run.objects.order_by("pk").values_list("status", flat=True))


def _short(_context: object) -> None:
    threading.Event().wait(0.1)


@pytest.mark.parametrize("schedule", [None, "@daily"])
def test_a_full_queue_is_waited_for(settings, recorder, schedule):
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "QUEUE_LIMITS": {"mail": 1}}
    recorder.behaviour = _short
    for number in range(4):
        job = jobs.add(f"job {number}", "recorder", schedule=schedule, queue="mail")
        if schedule:
            jobs.run_within(job, 0)
        else:
            jobs.trigger(job)
    _once()
    assert _statuses() == ["succeeded"] * 4


def test_runs_that_wait_for_the_one_before_are_run(recorder):
    recorder.behaviour = _short
    job = jobs.add("job", "recorder", overlap="queue_all", buffer_limit=5)
    for _ in range(3):
        jobs.trigger(job)
    _once()
    assert _statuses() == ["succeeded"] * 3


def test_what_was_missed_is_caught_up_one_by_one(recorder):
    recorder.behaviour = _short
    job = jobs.add("job", "recorder", schedule="@every 1m", catch_up="all")
    _move_back(job, minutes=4)
    _once()
    assert _statuses() == ["succeeded"] * 4
    newest = Run.objects.latest("scheduled_for")
    assert jobs.get("job").next_run_at == newest.scheduled_for + timedelta(minutes=1)


def _move_back(job: Job, minutes: int) -> None:
    """Let the job have been added some minutes ago, and nobody have looked since."""
    span = timedelta(minutes=minutes)
    clock = JobClock.objects.get(job=job)
    at = clock.next_run_at - span
    JobClock.objects.update(
        planned_until=clock.planned_until - span, next_run_at=at, next_occurrence=at
    )
    Job.objects.update(anchor=job.anchor - span)


@pytest.mark.parametrize("overlap", ["queue", "allow"])
@pytest.mark.parametrize("span", [0, 0.1])
def test_it_ends_though_a_run_makes_the_next_one_due(recorder, overlap, span):
    """C1: with its one thread always taken it would go on for ever."""

    def again(context):
        threading.Event().wait(span)
        if recorder.times < 10:
            jobs.trigger(context.job_name)

    recorder.behaviour = again
    jobs.trigger(jobs.add("job", "recorder", overlap=overlap))
    _once(threads=1)
    assert _statuses() == ["succeeded", "queued"]


def test_it_ends_while_everything_is_paused(recorder):
    jobs.trigger(jobs.add("job", "recorder"))
    jobs.pause_all()
    _once()
    assert _statuses() == ["queued"]


@pytest.mark.parametrize("span", [0.5, 60])
def test_a_locked_job_is_waited_for_but_not_for_ever(settings, recorder, span):
    """With SQLite who locks one row locks all, and every statement waits."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no locks of rows")
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "WRITE_RETRY_BUDGET": 1.5}
    for name in ("held", "free"):
        jobs.run_within(jobs.add(name, "recorder", schedule="@daily"), 0)
    is_held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            JobClock.objects.select_for_update().get(job__name="held")
            is_held.set()
            let_go.wait(span)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    wait_until(is_held.is_set)
    _once()
    let_go.set()
    holder.join()
    expected = ["free", "held"] if span < 1 else ["free"]
    assert sorted(run.job_name for run in Run.objects.filter(status="succeeded")) == expected
