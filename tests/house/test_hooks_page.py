"""The tables of the page about hooks are what the runner does: every cell is computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest

from django_scheduler.context import Facts, RunContext
from django_scheduler.exceptions import InvalidArguments, RetryLater, RunStopped, SkipRun
from django_scheduler.hooks import HOOK_NAMES, Hook
from django_scheduler.registry import Definition
from django_scheduler.runner.outcome import Outcome
from django_scheduler.runner.pipeline import Answer, Pipeline
from django_scheduler.runner.runner import steps_or_outcome
from django_scheduler.runner.watch import Watched
from django_scheduler.states import Reason, RunStatus
from tests.executors.doubles import DUE, make_dispatch
from tests.house.sources import REFERENCE, documented

PAGE = (REFERENCE / "hooks.md").read_text(encoding="utf-8")


def _table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, the heading of its columns included."""
    text = PAGE.partition(heading)[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return [row for row in rows if set(row) != {"---"}]


@dataclass
class End:
    """What happens at and after the function, and what the page says of its error."""

    answer: Answer = Answer()
    order: tuple[str, RunStatus, Reason] | None = None
    too_soon: bool = False
    misfit: BaseException | None = None
    failing: str = ""


ASKED = ("stop", RunStatus.STOPPED, Reason.ASKED)
SHUTDOWN = ("stop", RunStatus.STOPPED, Reason.SHUTDOWN)
TIMEOUT = ("end", RunStatus.TIMED_OUT, Reason.TIMEOUT)
OWN = "what it raised"

ENDS = {
    "the function returns": End(),
    "the function raises anything, `SystemExit` included": End(Answer(error=SystemExit(1))),
    "the function raises `RetryLater`": End(Answer(error=RetryLater(1))),
    "the function raises `SkipRun`": End(Answer(error=SkipRun())),
    "somebody stopped the run, whatever the function does then": End(order=ASKED),
    "the process ends, and the function leaves at a checkpoint": End(
        Answer(error=RunStopped()), SHUTDOWN
    ),
    "the process ends, and the function returns in time": End(order=SHUTDOWN),
    "over its `timeout`, whatever the function does then": End(order=TIMEOUT),
    "no progress for `stall_timeout`, whatever the function does then": End(
        order=("end", RunStatus.INTERRUPTED, Reason.STALLED)
    ),
    "the run was taken from its process, whatever the function does then": End(
        order=("end", RunStatus.INTERRUPTED, Reason.WORKER_LOST)
    ),
    "the run is to end before the function was called": End(order=ASKED, too_soon=True),
    "`on_start` fails": End(failing="on_start"),
    "the arguments do not fit the function any more": End(misfit=InvalidArguments()),
}


class Walk:
    """The steps of one run, each answered as the end says."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.called: list[str] = []
        self.error = ""
        self.context = RunContext(_facts())
        names = {name: self._named(name) for name in HOOK_NAMES}
        hooks = {name: Hook(call) for name, call in names.items()}
        self._names = {call: name for name, call in names.items()}
        self.outcome = self._go(Definition("walk", lambda: None, hooks=hooks))

    def _named(self, name: str) -> Callable[..., None]:
        def hook(context: Any, error: Any = None) -> None:
            """Never called: the walk answers."""

        return hook

    def _go(self, definition: Definition) -> Outcome:
        steps = Pipeline(definition, self.context).steps(self.end.misfit)
        try:
            call = next(steps)
            while True:
                call = steps.send(self._answer(call))
        except StopIteration as over:
            return over.value

    def _answer(self, call: Any) -> Answer:
        name = self._names.get(call.function)
        if name is None:
            self._order()
            return self.end.answer
        self.called.append(name)
        if len(call.args) > 1:
            own = call.args[1] is self.end.answer.error and self.end.order is None
            self.error = OWN if own else f"`{type(call.args[1]).__name__}`"
        if self.end.too_soon and name == "on_start":
            self._order()
        return Answer(error=ValueError() if name == self.end.failing else None)

    def _order(self) -> None:
        if self.end.order is not None:
            how, status, reason = self.end.order
            getattr(self.context.orders, how)(status, reason)


def _facts() -> Facts:
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return Facts("job", "run", "key", "manual", 1, (), {}, {}, "@manual", now, now)


def _recorded(outcome: Outcome) -> str:
    return ", ".join(f"`{word}`" for word in (outcome.status.value, str(outcome.reason)) if word)


def test_the_page_names_every_hook():
    assert documented("hooks.md") == set(HOOK_NAMES)


def test_the_page_names_every_end():
    told = [row[0] for row in _table("## What is called at which end")[1:]]
    assert told == [*ENDS, "the function is not known in this process"]


@pytest.mark.parametrize("end", ENDS)
def test_what_is_called_at_an_end_is_what_the_page_says(end):
    (row,) = [row for row in _table("## What is called at which end") if row[0] == end]
    walk = Walk(ENDS[end])
    called = " ".join(f"`{name}`" for name in walk.called)
    assert row[1:] == [called, _recorded(walk.outcome), walk.error]


def test_a_function_that_is_not_known_has_no_steps():
    dispatch = make_dispatch(function="nobody knows it")
    outcome = steps_or_outcome(Watched(dispatch, RunContext(_facts()), None, DUE, 0.0))
    row = _table("## What is called at which end")[-1]
    assert isinstance(outcome, Outcome)
    assert row[1:] == ["", _recorded(outcome), ""]


WAS_TO_BE = {
    "`succeeded`": "the function returns",
    "`failed`": "the function raises anything, `SystemExit` included",
    "`timed_out`": "over its `timeout`, whatever the function does then",
    "`stopped`": "somebody stopped the run, whatever the function does then",
    "`skipped`": "the function raises `SkipRun`",
}
"""By which end a run comes to what the columns of the second table say."""


def test_what_an_error_of_a_hook_does_is_what_the_page_says():
    (_, *columns), *rows = _table("## What an error of a hook does")
    assert columns == list(WAS_TO_BE)
    assert {row[0].strip("`") for row in rows} == set(HOOK_NAMES) - {"on_pause", "on_resume"}
    for hook, *cells in rows:
        for column, cell in zip(columns, cells, strict=True):
            end = ENDS[WAS_TO_BE[column]]
            walk = Walk(End(end.answer, end.order, failing=hook.strip("`")))
            called = hook.strip("`") in walk.called
            assert cell == (f"`{walk.outcome.status.value}`" if called else "–"), (hook, column)
