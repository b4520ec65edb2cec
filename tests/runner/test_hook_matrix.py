"""Each hook, whatever it does, beside each end of the function: who is called, what is recorded.

The expectation is computed from the two small tables below, never from the code. After each case
the job runs again next time: no hook may leave a job unable to run (H1, H2; semantics 8).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import Hook, SkipRun, every, jobs, registry, runs
from django_scheduler.models import Run
from django_scheduler.registry import Definition

ENDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "returns": (("on_start", "on_success", "on_finally"), "succeeded", ""),
    "raises": (("on_start", "on_error", "on_finally"), "failed", "exception"),
    "skips": (("on_start", "on_finally"), "skipped", "nothing new"),
    "is stopped": (("on_start", "on_stop", "on_finally"), "stopped", "asked"),
    "times out": (("on_start", "on_error", "on_finally"), "timed_out", "timeout"),
    "pauses": (("on_start", "on_pause", "on_resume", "on_success", "on_finally"), "succeeded", ""),
}
"""What the function does: the hooks that are called, and the run's status and reason."""

FAILS_A_RUN_THAT = {
    "on_start": set(ENDS),
    "on_pause": {"pauses"},
    "on_resume": {"pauses"},
    "on_success": {"returns", "pauses"},
    "on_finally": {"returns", "pauses"},
}
"""At which ends of the function the hook's error makes the run `failed`; at no other."""

HOOKS = registry.HOOK_NAMES
DEEDS: dict[str, type[BaseException] | None] = {
    "returns": None,
    "raises": ValueError,
    "exits": SystemExit,
}


class Stage:
    """Jobs whose functions and hooks do once what their case says, and nothing after that."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.stories: defaultdict[str, list[str]] = defaultdict(list)
        self.is_quiet = False

    def hook(self, name: str, error: type[BaseException] | None = None) -> Callable[..., Any]:
        def call(context: Any, given: BaseException | None = None) -> None:
            self.stories[context.job_name].append(name)
            if name == "on_pause":
                self._let_go(context)
            if error is not None and not self.is_quiet:
                raise error(name)

        return call

    def later(self, name: str, error: type[BaseException] | None = None) -> Callable[..., Any]:
        plain = self.hook(name, error)

        async def call(context: Any, given: BaseException | None = None) -> None:
            plain(context, given)

        return call

    def function(self, end: str) -> Callable[[Any], None]:
        def call(context: Any) -> None:
            self.stories[context.job_name].append("function")
            if not self.is_quiet:
                getattr(self, end.replace(" ", "_"))(context)

        return call

    def returns(self, context: Any) -> None:
        """Do nothing."""

    def raises(self, context: Any) -> None:
        raise LookupError("the function")

    def skips(self, context: Any) -> None:
        raise SkipRun("nothing new")

    def is_stopped(self, context: Any) -> None:
        runs.stop(context.run_id)
        self._be_told(context)

    def times_out(self, context: Any) -> None:
        self.scheduler.clock.advance(timedelta(seconds=11))
        self._be_told(context)

    def pauses(self, context: Any) -> None:
        runs.pause(context.run_id)
        self._hear()
        context.checkpoint()

    def _let_go(self, context: Any) -> None:
        """Have the run resumed; a coroutine may not ask the database and gives the order itself."""
        if asyncio._get_running_loop() is not None:
            context.orders.go_on()
        else:
            runs.resume(context.run_id)
            self._hear()

    def _hear(self) -> None:
        self.scheduler.scheduler.session.heartbeat.step()

    def _be_told(self, context: Any) -> None:
        self._hear()
        context.checkpoint()
        raise AssertionError("the checkpoint let it pass")


def expected(hook: str, deed: str, ignored: bool, end: str) -> tuple[list[str], str, str, set[str]]:
    """The story, status, reason and hook errors of the run, by the tables."""
    called, status, reason = ENDS[end]
    fails = deed != "returns" and hook in called
    counts = fails and not ignored and end in FAILS_A_RUN_THAT.get(hook, ())
    if counts:
        status, reason = "failed", "hook"
    if counts and hook == "on_start":
        story = ["on_start", "on_finally"]
    else:
        story = ["on_start", "function", *called[1:]]
    return story, status, reason, {hook} if fails else set()


DEEDS_AND_MARKS = list(itertools.product(DEEDS, (False, True)))


@pytest.fixture
def stage(manual_scheduler: Any) -> Any:
    yield Stage(manual_scheduler)
    for deed, ignored in DEEDS_AND_MARKS:
        registry.unregister(f"{deed} {ignored}")


def _declare(stage: Stage, hook: str, deed: str, ignored: bool, end: str, make: Any) -> None:
    name = f"{deed} {ignored}"
    hooks = {each: Hook(make(each)) for each in HOOKS}
    hooks[hook] = Hook(make(hook, DEEDS[deed]), ignore_error=ignored)
    registry.register(Definition(name, stage.function(end), takes_context=True, hooks=hooks))
    # Its start is on record before it is called: what has not begun cannot be paused.
    jobs.add(name, schedule=every(minutes=5), timeout=10, on_lost="fail")


@pytest.mark.parametrize("kind", ["hook", "later"], ids=["plain", "coroutine"])
@pytest.mark.parametrize(("hook", "end"), list(itertools.product(HOOKS, ENDS)))
def test_a_hook_has_the_effect_it_is_said_to_have(stage, hook, end, kind):
    """H1 H2: whatever it does, marked `ignore_error` or not; each is a job of its own."""
    for deed, ignored in DEEDS_AND_MARKS:
        _declare(stage, hook, deed, ignored, end, getattr(stage, kind))
    stage.scheduler.advance(timedelta(minutes=6))
    for deed, ignored in DEEDS_AND_MARKS:
        name = f"{deed} {ignored}"
        run = Run.objects.get(job_name=name)
        told = (stage.stories[name], run.status, run.reason, set(run.hook_errors))
        assert told == expected(hook, deed, ignored, end), name
        for text in run.hook_errors.values():
            assert text == f"{DEEDS[deed].__name__}: {hook}"
        assert run.left_at is not None
    _assert_all_run_again(stage)


def _assert_all_run_again(stage: Stage) -> None:
    stage.stories.clear()
    stage.is_quiet = True
    stage.scheduler.advance(timedelta(minutes=5))
    whole = ["on_start", "function", "on_success", "on_finally"]
    assert stage.stories == {f"{deed} {ignored}": whole for deed, ignored in DEEDS_AND_MARKS}
    second = Run.objects.filter(scheduled_for=Run.objects.latest("scheduled_for").scheduled_for)
    assert list(second.values_list("status", flat=True)) == ["succeeded"] * len(DEEDS_AND_MARKS)


def test_the_tables_name_every_hook_there_is():
    assert {name for called, *_ in ENDS.values() for name in called} == set(HOOKS)
