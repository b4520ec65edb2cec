"""Each hook, whatever it does, beside each end of the function: who is called, what is recorded.

The expectation is computed from the two small tables below, never from the code. After each case
the job runs again next time: no hook may leave a job unable to run (H1, H2; semantics 8).
"""

from __future__ import annotations

import itertools
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
}
"""What the function does: the hooks that are called, and the run's status and reason."""

FAILS_A_RUN_THAT = {"on_start": set(ENDS), "on_success": {"returns"}, "on_finally": {"returns"}}
"""At which ends of the function the hook's error makes the run `failed`; at no other."""

HOOKS = ("on_start", "on_success", "on_error", "on_stop", "on_finally")
DEEDS: dict[str, type[BaseException] | None] = {
    "returns": None,
    "raises": ValueError,
    "exits": SystemExit,
}


class Stage:
    """A job whose function and hooks do once what the case says, and nothing after that."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.story: list[str] = []
        self.is_quiet = False

    def hook(self, name: str, error: type[BaseException] | None = None) -> Callable[..., Any]:
        def call(context: Any, given: BaseException | None = None) -> None:
            self.story.append(name)
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
            self.story.append("function")
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

    def _be_told(self, context: Any) -> None:
        self.scheduler.scheduler.session.heartbeat.step()
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


CASES = list(itertools.product(HOOKS, DEEDS, (False, True), ENDS))


@pytest.fixture
def stage(manual_scheduler: Any) -> Any:
    yield Stage(manual_scheduler)
    registry.unregister("case")


def _declare(stage: Stage, hook: str, deed: str, ignored: bool, end: str, make: Any) -> None:
    hooks = {name: Hook(make(name)) for name in HOOKS}
    hooks[hook] = Hook(make(hook, DEEDS[deed]), ignore_error=ignored)
    registry.register(Definition("case", stage.function(end), takes_context=True, hooks=hooks))
    jobs.add("case", schedule=every(minutes=1), timeout=10)


@pytest.mark.parametrize(("hook", "deed", "ignored", "end"), CASES)
def test_a_hook_has_the_effect_it_is_said_to_have(stage, hook, deed, ignored, end):
    """H1 H2"""
    _declare(stage, hook, deed, ignored, end, stage.hook)
    _assert_has_its_effect(stage, hook, deed, ignored, end)


@pytest.mark.parametrize(
    ("hook", "deed", "end"), list(itertools.product(HOOKS, ("raises", "exits"), ENDS))
)
def test_a_coroutine_as_a_hook_has_the_same_effect(stage, hook, deed, end):
    """H1 H2"""
    _declare(stage, hook, deed, False, end, stage.later)
    _assert_has_its_effect(stage, hook, deed, False, end)


def _assert_has_its_effect(stage: Stage, hook: str, deed: str, ignored: bool, end: str) -> None:
    stage.scheduler.advance(timedelta(minutes=1, seconds=15))
    run = Run.objects.get()
    told = (stage.story, run.status, run.reason, set(run.hook_errors))
    assert told == expected(hook, deed, ignored, end)
    for text in run.hook_errors.values():
        assert text == f"{DEEDS[deed].__name__}: {hook}"
    assert run.left_at is not None
    _assert_runs_again(stage)


def _assert_runs_again(stage: Stage) -> None:
    stage.story.clear()
    stage.is_quiet = True
    stage.scheduler.advance(timedelta(minutes=1))
    assert stage.story == ["on_start", "function", "on_success", "on_finally"]
    assert Run.objects.latest("scheduled_for").status == "succeeded"


def test_the_tables_name_every_hook_there_is():
    """`on_pause` and `on_resume` are called while the function holds, see the tests of holding."""
    elsewhere = {"on_pause", "on_resume"}
    assert {*HOOKS, *elsewhere} == set(registry.HOOK_NAMES)
    assert {name for called, *_ in ENDS.values() for name in called} == set(HOOKS)
