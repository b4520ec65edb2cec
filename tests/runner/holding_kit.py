"""A run that can be held without a database: its row is an object, its clock stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django_scheduler.clock import SystemClock
from django_scheduler.context import Facts, RunContext
from django_scheduler.lifecycle import Fact, Paused, Resumed
from django_scheduler.runner import Dispatch, Watch
from django_scheduler.runner.asking import ask_in_thread
from django_scheduler.runner.holding import Holding
from django_scheduler.runner.pipeline import Call, HookSteps
from tests.executors.doubles import DUE, make_dispatch


class Row:
    """What the database would keep of the run, and the answers it would give."""

    def __init__(self) -> None:
        self.status = "running"
        self.asked: list[Fact] = []
        self.before_answer: Callable[[Fact], Any] = lambda _fact: None
        self.pause_stands = True
        self._lock = threading.Lock()

    def tell(self, fact: Fact) -> None:
        """Take the fact as any other."""
        self.ask(fact)

    def ask(self, fact: Fact) -> bool:
        """Let the fact change the status if it may."""
        self.before_answer(fact)
        with self._lock:
            self.asked.append(fact)
            paused = isinstance(fact, Paused)
            held = self.pause_stands if paused else self.status == "paused"
            if held:
                self.status = "paused" if paused else "running"
            return held

    def ask_then(self, fact: Fact, answer: Callable[[bool], None]) -> None:
        """Do the same in another thread, as the engine does."""
        ask_in_thread(self.ask, fact, answer)

    @property
    def words(self) -> list[str]:
        """The kinds of what was asked, in order."""
        return [_word(fact) for fact in self.asked]


def _word(fact: Fact) -> str:
    ends = isinstance(fact, Resumed) and fact.to_end
    return f"{type(fact).__name__}{' to end' if ends else ''}"


class SteeredClock(SystemClock):
    """Time passes when a test says so; who waits for an event waits for it really."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


class HeldRun:
    """One run under way, and whoever gives it orders."""

    def __init__(self, **fields: Any) -> None:
        self.clock = clock = SteeredClock()
        dispatch: Dispatch = make_dispatch(**fields)
        self.context = RunContext(_facts(dispatch))
        self.watch = Watch(clock)
        self.watched = self.watch.enter(dispatch, self.context, DUE)
        self.row = Row()
        self.hooks: dict[str, Callable[[Any], Any]] = {}
        self.called: list[str] = []
        self.watched.in_between = self._steps
        self.context.holder = Holding(self.watched, self.row, clock)

    @property
    def orders(self) -> Any:
        return self.context.orders

    def _steps(self, name: str) -> HookSteps:
        def hook() -> Any:
            self.called.append(name)
            return self.hooks.get(name, lambda _context: None)(self.context)

        yield Call(hook)
        return True


def _facts(dispatch: Dispatch) -> Facts:
    return Facts(
        job_name=dispatch.job_name,
        run_id=str(dispatch.run_id),
        key=dispatch.key,
        trigger=dispatch.trigger,
        attempt=1,
        args=(),
        kwargs={},
        metadata={},
        schedule="",
        scheduled_for=DUE,
        started_at=DUE,
    )
