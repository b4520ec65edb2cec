"""Which hooks are called when a run does not end the way its function does (H1, H2)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import Hook, Retry, SkipRun, every, jobs, registry, runs
from django_scheduler.exceptions import InvalidArguments, RunInterrupted, RunStopped, RunTimedOut
from django_scheduler.models import Run
from django_scheduler.registry import HOOK_NAMES, Definition
from django_scheduler.states import Reason, RunStatus


class Told:
    """A job that is due each minute, whose hooks note their names and the errors they are given."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.story: list[str] = []
        self.errors: dict[str, BaseException] = {}

    def declare(self, function: Any, *, instead: dict[str, Any] | None = None, **fields: Any):
        """Make the job; hooks in `instead` are called after their names were noted."""
        hooks = {name: Hook(self._noting(name, instead or {})) for name in HOOK_NAMES}
        registry.register(Definition("told", function, takes_context=True, hooks=hooks))
        jobs.add("told", **{"schedule": every(minutes=1), **fields})

    def _noting(self, name: str, instead: dict[str, Any]) -> Any:
        def hook(context: Any, error: Any = None) -> None:
            self.story.append(name)
            if error is not None:
                self.errors[name] = error
            if name in instead:
                instead[name](context)

        return hook

    def pass_by(self, seconds: float) -> None:
        """Let time pass while the function is inside, and the heartbeat look at it."""
        self.scheduler.clock.advance(timedelta(seconds=seconds))
        self.scheduler.scheduler.session.heartbeat.step()

    def stop(self, context: Any) -> None:
        """Have a person stop the run, and the run told of it."""
        runs.stop(context.run_id, reason="not today")
        self.pass_by(0)

    def shut_down(self, context: Any) -> None:
        """Tell the first run that the process ends, as a process does when the grace is over."""
        if "shut down" not in self.story:
            self.story.append("shut down")
            context.orders.stop(RunStatus.STOPPED, Reason.SHUTDOWN)

    def run(self) -> Run:
        """Let the first occurrence come, and return its run."""
        self.scheduler.advance(timedelta(seconds=90))
        return Run.objects.order_by("scheduled_for", "number")[0]


@pytest.fixture
def told(manual_scheduler: Any) -> Iterator[Told]:
    yield Told(manual_scheduler)
    if registry.is_registered("told"):
        registry.unregister("told")


def _raise(error: BaseException) -> Any:
    raise error


AFTER = {
    "returns": (lambda: "late", None),
    "raises": (lambda: _raise(LookupError("late")), LookupError),
    "skips": (lambda: _raise(SkipRun("late")), SkipRun),
    "exits": (lambda: _raise(SystemExit(3)), SystemExit),
}
"""What a function does that does not look whether its run is over, and the cause it leaves."""


@pytest.mark.parametrize(("deed", "cause"), AFTER.values(), ids=AFTER)
def test_a_run_over_its_timeout_is_told_to_on_error_whatever_comes_after(told, deed, cause):
    def late(context):
        told.pass_by(11)
        return deed()

    told.declare(late, timeout=10)
    run = told.run()
    assert told.story == ["on_start", "on_error", "on_finally"]
    assert isinstance(told.errors["on_error"], RunTimedOut)
    assert type(told.errors["on_error"].__cause__) is (cause or type(None))
    assert (run.status, run.result, run.left_at is None) == ("timed_out", None, False)


@pytest.mark.parametrize(("deed", "cause"), AFTER.values(), ids=AFTER)
def test_a_stopped_run_is_told_to_on_stop_whatever_comes_after(told, deed, cause):
    def heedless(context):
        told.stop(context)
        return deed()

    told.declare(heedless)
    run = told.run()
    assert told.story == ["on_start", "on_stop", "on_finally"]
    assert type(told.errors["on_stop"]) is RunStopped
    assert type(told.errors["on_stop"].__cause__) is (cause or type(None))
    assert (run.status, run.reason) == ("stopped", "not today")
    assert run.result == ("late" if cause is None else None)


def test_a_function_that_leaves_at_a_checkpoint_hands_that_error_on(told):
    def heeding(context):
        told.stop(context)
        context.checkpoint()

    told.declare(heeding)
    told.run()
    assert told.errors["on_stop"].__cause__ is None
    assert "not today" in str(told.errors["on_stop"])


def test_a_stalled_run_is_told_to_on_error(told):
    told.declare(lambda context: told.pass_by(11), stall_timeout=10)
    run = told.run()
    assert told.story == ["on_start", "on_error", "on_finally"]
    assert type(told.errors["on_error"]) is RunInterrupted
    assert (run.status, run.reason) == ("interrupted", "stalled")


def test_a_run_taken_from_its_process_is_told_to_on_error(told):
    def taken(context):
        Run.objects.filter(pk=context.run_id).update(epoch=7)
        told.pass_by(0)
        return "late"

    told.declare(taken)
    told.run()
    assert told.story == ["on_start", "on_error", "on_finally"]
    assert type(told.errors["on_error"]) is RunInterrupted


def test_a_run_that_returns_before_the_process_ends_has_succeeded(told):
    told.declare(told.shut_down)
    assert told.run().status == "succeeded"
    assert told.story == ["on_start", "shut down", "on_success", "on_finally"]


def test_a_run_that_leaves_because_the_process_ends_is_told_to_on_stop(told):
    def leaving(context):
        told.shut_down(context)
        context.checkpoint()

    told.declare(leaving)
    run = told.run()
    assert told.story[:4] == ["on_start", "shut down", "on_stop", "on_finally"]
    assert (run.status, run.reason) == ("stopped", "shutdown")
    assert Run.objects.get(key=run.key, number=2, attempt=1).status == "succeeded"


def test_a_hook_that_leaves_because_the_process_ends_has_not_failed_the_run(told):
    """Or an orderly shutdown would burn an attempt."""

    def leaving(context):
        told.shut_down(context)
        context.checkpoint()

    told.declare(lambda context: None, instead={"on_success": leaving})
    run = told.run()
    assert (run.status, run.reason) == ("stopped", "shutdown")
    assert list(run.hook_errors) == ["on_success"]
    assert Run.objects.get(key=run.key, number=2, attempt=1).status == "succeeded"


def test_arguments_that_do_not_fit_are_told_to_on_error_and_nothing_starts(told):
    called = []
    told.declare(lambda context: called.append(context))
    run = jobs.trigger("told")
    Run.objects.filter(pk=run.pk).update(kwargs={"gone": 1})
    told.scheduler.run_due()
    assert told.story == ["on_error", "on_finally"]
    assert isinstance(told.errors["on_error"], InvalidArguments)
    assert (runs.get(run).reason, called) == ("arguments", [])


def test_a_function_that_is_not_known_any_more_has_no_hooks(told, monkeypatch):
    told.declare(lambda context: None)
    run = jobs.trigger("told")
    monkeypatch.setattr(registry, "get", lambda name: _raise(registry._unknown(name)))
    told.scheduler.run_due()
    assert told.story == []
    assert (runs.get(run).status, runs.get(run).reason) == ("failed", "arguments")


@pytest.mark.parametrize(
    ("meanwhile", "hook", "status"),
    [("timeout", "on_error", "timed_out"), ("stop", "on_stop", "stopped")],
)
def test_a_function_is_not_called_when_its_run_is_to_end_by_then(told, meanwhile, hook, status):
    called = []

    def on_start(context):
        told.pass_by(11) if meanwhile == "timeout" else told.stop(context)

    told.declare(lambda context: called.append(1), instead={"on_start": on_start}, timeout=10)
    run = told.run()
    assert told.story == ["on_start", hook, "on_finally"]
    assert (run.status, called) == (status, [])


def test_what_hooks_come_to_after_the_end_is_kept_and_logged(told, caplog):
    def late(context):
        told.pass_by(11)
        raise LookupError("too late")

    broken = {"on_error": lambda context: _raise(OSError("no mail"))}
    told.declare(late, instead=broken, timeout=10)
    with caplog.at_level(logging.WARNING, logger="django_scheduler.runs"):
        run = told.run()
    assert (run.status, run.hook_errors) == ("timed_out", {"on_error": "OSError: no mail"})
    assert [record.getMessage() for record in caplog.records] == [
        "The hook on_error failed",
        f"Run {run.pk} of told was over already when it failed: LookupError: too late",
    ]
    assert {record.job for record in caplog.records} == {"told"}
    assert {record.run_id for record in caplog.records} == {str(run.pk)}


def test_a_run_failed_by_a_hook_shows_where_and_is_retried_for_its_error(told):
    once = [OSError("no disk")]
    told.declare(
        lambda context: None,
        instead={"on_success": lambda context: once and _raise(once.pop())},
        retry=Retry(max_attempts=2, retry_on=(OSError,)),
    )
    run = told.run()
    assert (run.status, run.reason, run.error) == ("failed", "hook", "on_success: OSError: no disk")
    assert "in hook" in run.traceback
    assert "The hook on_success failed" in run.log
    assert Run.objects.get(key=run.key, attempt=2).status == "succeeded"


def test_a_hook_sees_what_the_function_saved(told):
    """X2"""
    seen = []
    told.declare(
        lambda context: context.save_data(rows=3),
        instead={"on_success": lambda context: seen.append(context.data)},
    )
    told.run()
    assert seen == [{"rows": 3}]
