"""Jobs there is room for, due behind many that have none: they begin all the same (T7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import Retry, every, jobs, manual
from django_scheduler.engine.edges import OVERDUE
from django_scheduler.executors.inline import InlineExecutor
from django_scheduler.lifecycle import claims
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.testing import ManualScheduler

MINUTE = timedelta(minutes=1)
MANY = 20
pytestmark = pytest.mark.django_db


@pytest.fixture
def idle(scheduler_clock):
    """A scheduler whose `default` has no slot, and whose `other` has one."""
    executors = {
        "default": InlineExecutor("default", slots=0),
        "other": InlineExecutor("other", slots=1),
    }
    scheduler = ManualScheduler(scheduler_clock, executors=executors)
    yield scheduler
    scheduler.close()


def _add_many(function: str, **fields: object) -> None:
    for number in range(MANY):
        jobs.add(f"many {number}", function, schedule=every(minutes=1), **fields)


def _status_after_turns(scheduler: ManualScheduler, name: str) -> str:
    for _ in range(2):
        scheduler.scheduler.tick()
    return Run.objects.filter(job_name=name).values_list("status", flat=True).first() or "not made"


def test_an_idle_executor_does_not_wait_for_what_a_full_one_has_overdue(
    idle, scheduler_clock, recorder
):
    _add_many("recorder")
    jobs.add("beside", "recorder", schedule=every(minutes=1))
    Job.objects.filter(name="beside").update(executor="other")
    JobClock.objects.filter(job__name="beside").update(
        next_run_at=scheduler_clock.now() + MINUTE + timedelta(seconds=20)
    )
    scheduler_clock.advance(MINUTE + timedelta(seconds=20))
    assert _status_after_turns(idle, "beside") == "succeeded"


def test_jobs_of_an_executor_that_is_unknown_here_are_left_to_others(
    idle, scheduler_clock, recorder
):
    """Another process may have it; once they are overdue they are queued, to be seen."""
    _add_many("recorder", priority=-1)
    Job.objects.update(executor="elsewhere")
    jobs.add("own", "recorder", schedule=every(minutes=1))
    Job.objects.filter(name="own").update(executor="other")
    idle.advance(MINUTE)
    assert set(Run.objects.values_list("job_name", "status")) == {("own", "succeeded")}
    idle.advance(OVERDUE + timedelta(seconds=1))
    queued = Run.objects.filter(status="queued", process=None)
    assert queued.filter(executor="elsewhere").count() == MANY


@pytest.mark.parametrize("queue", ["default", "news"])
def test_a_full_queue_holds_up_no_other(settings, stage, scheduler_clock, queue):
    settings.DJANGO_SCHEDULER = {
        **settings.DJANGO_SCHEDULER,
        "QUEUE_LIMITS": {"mail": 1, "news": 1},
    }
    stage.executor.slots = 3
    jobs.trigger(jobs.add("busy", "lasting", queue="mail", metadata={"minutes": 30}))
    stage.run_due()
    _add_many("lasting", queue="mail")
    scheduler_clock.advance(1)
    jobs.add("beside", "lasting", schedule=every(minutes=1), queue=queue, metadata={"minutes": 30})
    stage.advance(58)
    scheduler_clock.advance(3)
    assert _status_after_turns(stage, "beside") == "running"


def test_a_retry_whose_job_is_locked_holds_up_no_other(stage, recorder, monkeypatch):
    """Somebody may hold a job for long, and its retry be the oldest of what waits for a slot."""
    stage.executor.slots = 1
    recorder.behaviour = lambda context: 1 // (context.job_name != "held")
    retry = Retry(delay=0, on_next_occurrence="independent")
    jobs.trigger(jobs.add("held", "recorder", retry=retry))
    stage.run_due()
    stage.clock.advance(2)
    jobs.trigger(jobs.add("beside", "recorder"))
    monkeypatch.setattr(claims, "lock_at_hand", lambda ids, _using: ({}, set(ids)))
    assert _status_after_turns(stage, "beside") == "succeeded"
    assert Run.objects.filter(job_name="held", status="queued").exists()


def test_a_claim_ends_only_so_many_expired_runs_at_once(
    idle, scheduler_clock, recorder, monkeypatch
):
    """Each costs its job's lock and its consequences: thousands would outlast the lease."""
    monkeypatch.setattr(claims, "_BATCH", 5)
    jobs.add("late", "recorder", schedule=manual(), overlap="allow", start_deadline=1)
    Job.objects.update(executor="other")
    for _ in range(MANY):
        jobs.trigger("late")
    scheduler_clock.advance(10)
    idle.scheduler.tick()
    assert 0 < Run.objects.filter(status="skipped", reason="expired").count() < MANY
    idle.advance(1)
    assert Run.objects.filter(status="skipped", reason="expired").count() == MANY
