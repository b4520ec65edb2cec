"""A hook that does not return is ended by its run's timeout, as its function would be (R4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import Hook, every, jobs, registry
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.engine.stories import timeline

MINUTE = timedelta(minutes=1)


class Hanging:
    """A job due every 10 minutes, with a timeout of 3, one of whose hooks hangs for 25 once."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        self.story: list[str] = []
        self.was_told: list[bool] = []

    def declare(self, hook: str, function: Any = lambda context: None, *, deaf: bool) -> None:
        def hang(context: Any) -> None:
            if self.was_told:
                return
            try:
                self.stage.executor.stay(context, 25 * MINUTE, deaf=deaf)
            finally:
                self.was_told.append(context.stop_requested)

        names = ("on_start", "on_success", "on_error", "on_finally")
        hooks = {name: Hook(self._noting(name, hang if name == hook else None)) for name in names}
        registry.register(Definition("hanging", function, takes_context=True, hooks=hooks))
        jobs.add("hanging", schedule=every(minutes=10), timeout=180)

    def _noting(self, name: str, then: Any) -> Any:
        def hook(context: Any, error: Any = None) -> None:
            self.story.append(name)
            if then is not None:
                then(context)

        return hook


@pytest.fixture
def hanging(stage: Any) -> Iterator[Hanging]:
    yield Hanging(stage)
    registry.unregister("hanging")


def _fail(context: Any) -> None:
    raise ValueError("no")


CASES = {
    "on_start": (lambda context: None, ["on_start", "on_finally"], "succeeded"),
    "on_success": (lambda context: None, ["on_start", "on_success", "on_finally"], "succeeded"),
    "on_error": (_fail, ["on_start", "on_error", "on_finally"], "exception"),
    "on_finally": (lambda context: None, ["on_start", "on_success", "on_finally"], "succeeded"),
}
"""Which hook hangs: the function, the hooks of that run, and how the job's next run ends."""


@pytest.mark.parametrize("hook", CASES)
def test_a_hook_that_hangs_is_timed_out_and_the_job_runs_again_when_it_has_left(hanging, hook):
    function, story, again = CASES[hook]
    hanging.declare(hook, function, deaf=True)
    hanging.stage.advance(13 * MINUTE)
    hanging.stage.run_due()
    run = Run.objects.get()
    assert (run.status, run.left_at) == ("timed_out", None)
    assert run.finished_at - run.started_at == 3 * MINUTE
    hanging.stage.advance(28 * MINUTE)
    assert hanging.was_told == [True]
    assert hanging.story[: len(story)] == story
    told = timeline("hanging")
    seen = [(10, "timeout"), (20, "overlap"), (30, "overlap"), (40, again)]
    assert [(due, said) for due, said, _, _ in told] == seen
    assert told[0][3] == 35


def test_a_hook_that_looks_is_told_and_leaves_at_once(hanging):
    hanging.declare("on_success", deaf=False)
    hanging.stage.advance(13 * MINUTE)
    hanging.stage.run_due()
    run = Run.objects.get()
    assert run.status == "timed_out"
    assert run.left_at - run.started_at == 3 * MINUTE
    assert run.hook_errors == {"on_success": "RunTimedOut: The run is to end: timeout."}
