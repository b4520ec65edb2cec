"""One bad row, value or function: the others are served, and nothing stays running for ever."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import jobs, registry, runs
from django_scheduler.context import RunContext
from django_scheduler.exceptions import (
    InvalidData,
    InvalidJob,
    InvalidRunState,
    RetryLater,
    SkipRun,
)
from django_scheduler.models import Job, Run
from django_scheduler.registry import Definition
from django_scheduler.states import JobState, RunStatus
from django_scheduler.testing import ManualScheduler

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def register() -> Iterator[Callable[..., None]]:
    """Register functions for one test."""
    made: list[str] = []

    def add(name: str, function: Callable[..., Any], *, takes_context: bool = False) -> None:
        registry.register(Definition(name, function, takes_context))
        made.append(name)

    yield add
    for name in made:
        registry.unregister(name)


class _Changing(dict[str, int]):
    """What a thread changes while it is read."""

    def items(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


def test_job_no_run_can_be_made_of_is_set_aside_and_the_others_run(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    register("poison", lambda: None)
    for name in ("bad", "good"):
        jobs.add(name, "poison", schedule="@every 1m")
    Job.objects.filter(name="bad").update(start_deadline=timedelta(days=3_650_000))

    manual_scheduler.advance(MINUTE)

    assert jobs.get("bad").state == JobState.BROKEN
    assert runs.query("good").get().status == RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    "change",
    [{"schedule": "* * * * *"}, {"schedule": "@every 1m"}, {"timezone": "Asia/Kolkata"}],
)
def test_edit_runs_nothing_of_the_past(
    manual_scheduler: ManualScheduler, register: Callable[..., None], change: dict[str, str]
) -> None:
    """S7: an edit is never retroactive; what the old schedule left undone is one record."""
    register("edited", lambda: None)
    schedule = "0 * * * *" if "timezone" in change else "@every 100d"
    jobs.add("edited", schedule=schedule, catch_up="all", overlap="allow")
    manual_scheduler.clock.advance(timedelta(hours=5))

    jobs.update("edited", **change)
    manual_scheduler.advance(2 * HOUR if "timezone" in change else 20 * MINUTE)

    records = runs.query("edited", status="skipped")
    assert list(records.values_list("reason", "missed")) == (
        [("missed", 5)] if "timezone" in change else []
    )
    ran = runs.query("edited", status="succeeded")
    assert ran.count() == (2 if "timezone" in change else 20)
    assert set(ran.values_list("missed", flat=True)) == {0}


def test_raised_limit_of_occurrences_does_not_catch_up_what_lay_beyond_the_old_one(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    register("limited", lambda: None)
    jobs.add("limited", schedule="@every 1m", max_runs=1, catch_up="all", overlap="allow")
    manual_scheduler.advance(timedelta(hours=1))

    jobs.update("limited", max_runs=100)
    manual_scheduler.advance(MINUTE)

    assert runs.query("limited").count() == 2


def test_one_unreadable_schedule_does_not_keep_everything_paused(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    register("paused", lambda: None)
    for name in ("bad", "good"):
        jobs.add(name, "paused", schedule="@every 1m")
    jobs.pause_all()
    manual_scheduler.advance(10 * MINUTE)
    Job.objects.filter(name="bad").update(schedule="junk")

    jobs.resume_all()
    manual_scheduler.advance(MINUTE)

    assert jobs.get("bad").state == JobState.BROKEN
    assert runs.query("good").get().status == RunStatus.SUCCEEDED


def _retry_in_ages() -> None:
    raise RetryLater(1e13)


def _skip_for_no_text() -> None:
    raise SkipRun(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "status"),
    [
        (_retry_in_ages, RunStatus.FAILED),
        (_skip_for_no_text, RunStatus.SKIPPED),
        (_Changing, RunStatus.SUCCEEDED),
    ],
)
def test_what_a_function_leaves_always_ends_its_run(
    manual_scheduler: ManualScheduler,
    register: Callable[..., None],
    function: Callable[[], Any],
    status: RunStatus,
) -> None:
    register("leaves", lambda: function() if function is not _Changing else _Changing(a=1))
    jobs.add("leaves", schedule="@every 1h")

    manual_scheduler.advance(timedelta(hours=1))

    assert runs.query("leaves", status=status).count() == 1


def test_run_that_would_wait_for_itself_is_told_so(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    def remove(context: RunContext) -> None:
        with pytest.raises(InvalidRunState):
            runs.wait(context.run_id)
        with pytest.raises(InvalidJob):
            jobs.remove(context.job_name, running="stop")
        jobs.remove(context.job_name, running="leave")

    register("itself", remove, takes_context=True)
    run = jobs.trigger(jobs.add("itself"))

    manual_scheduler.run_due()
    manual_scheduler.advance(MINUTE)

    assert runs.get(run).status == RunStatus.SUCCEEDED
    assert not Job.objects.filter(name="itself").exists()


def test_data_beyond_a_megabyte_is_refused_and_the_run_goes_on(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    def save(context: RunContext) -> None:
        context.save_data(kept=1)
        with pytest.raises(InvalidData):
            context.save_data(huge="a" * 1024 * 1024)
        with pytest.raises(InvalidData):
            context.progress(2**63)

    register("saves", save, takes_context=True)
    run = jobs.trigger(jobs.add("saves"))

    manual_scheduler.run_due()

    assert (runs.get(run).status, runs.get(run).data) == (RunStatus.SUCCEEDED, {"kept": 1})


def test_row_of_a_dead_process_edited_by_hand_is_taken_over(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    register("edited", lambda: None)
    run = jobs.trigger(jobs.add("edited", on_lost="fail"))
    Run.objects.filter(pk=run.pk).update(
        status="running", process=uuid.uuid4(), epoch=1, due_at=None, data=[1], hook_errors=[2]
    )

    manual_scheduler.run_due()

    assert runs.get(run).status == RunStatus.LOST


def test_next_run_asked_for_in_ages_still_ends_the_run(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    def ask(context: RunContext) -> None:
        context.run_again_in(1e13)

    register("ages", ask, takes_context=True)
    jobs.add("ages", schedule="@every 1h")

    manual_scheduler.advance(timedelta(hours=1))

    assert runs.query("ages").get().status == RunStatus.SUCCEEDED
    following = jobs.get("ages").next_run_at
    assert following is not None and following > datetime(2100, 1, 1, tzinfo=timezone.utc)


def test_policy_edited_by_hand_fails_its_run_alone(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    register("policy", lambda: None)
    run = jobs.trigger(jobs.add("policy"))
    Run.objects.filter(pk=run.pk).update(policy={"timeout": 1e300})

    manual_scheduler.run_due()

    assert runs.get(run).status == RunStatus.FAILED


def test_run_that_waited_for_a_function_that_died_with_its_process_goes_on(
    manual_scheduler: ManualScheduler, register: Callable[..., None]
) -> None:
    """O3: nobody tells that a given-up function has left when its whole process is gone."""
    register("waits", lambda: None)
    job = jobs.add("waits", overlap="queue")
    manual_scheduler.run_due()
    waiting = jobs.trigger(job)
    Run.objects.filter(pk=waiting.pk).update(due_at=None, reason="waiting")

    manual_scheduler.advance(MINUTE)

    assert runs.get(waiting).status == RunStatus.SUCCEEDED
