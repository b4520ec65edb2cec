"""The child's side of one run: the same runner as everywhere, whose words cross to the parent."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.db import connections

from ... import clock as clocks
from ...clock import Clock
from ...context import Orders, Report
from ...context.said import Said
from ...lifecycle import Fact, Finished, Left
from ...runner import Dispatch, Runner, Watch
from ...runner.asking import Answerer, ask_in_thread
from ...runner.outcome import Outcome
from ...runner.runner import here, whatever_happens
from ...runner.watch import Watched
from ...states import RunStatus
from .wire import plain, read

__all__ = ["Asking", "carry_out", "obey", "work_on"]

SPACING = 0.02
"""How long to wait, in seconds, after something was told at once: a function may save in a loop."""


class Line(Protocol):
    """Speaks to the parent."""

    def say(self, kind: str, **fields: Any) -> None:
        """Say it."""


class Inbox(Protocol):
    """Has what the parent says."""

    def hand_over_to(self, obey: Callable[[dict[str, Any]], None]) -> None:
        """Have ``obey`` called with all of it."""


def work_on(databases: Mapping[str, str]) -> None:
    """Use the databases of these names: the parent may have others than its settings, in tests.

    A pool is for many requests, and opens several connections for the first of them.
    """
    for alias, settings in connections.settings.items():
        name = databases.get(alias, str(settings["NAME"]))
        if str(settings["NAME"]) != name:
            settings["NAME"] = name
        settings["OPTIONS"].pop("pool", None)


class Asking:
    """The child's reporter: the parent's, at the other end of the pipe."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[threading.Event, list[bool]]] = {}

    def tell(self, fact: Fact) -> None:
        """Have the fact written down soon. The run's end is the parent's to tell."""
        if not isinstance(fact, (Finished, Left)):
            self._say(fact, None)

    def ask(self, fact: Fact) -> bool:
        """Have the fact written down and return whether it still held once that is committed."""
        number, answered, answer = next(self._numbers), threading.Event(), [False]
        with self._lock:
            self._waiting[number] = (answered, answer)
        self._say(fact, number)
        answered.wait()
        return answer[0]

    def ask_then(self, fact: Fact, answer: Answerer) -> None:
        """Have the fact written down, and ``answer`` called with what ``ask`` returns."""
        ask_in_thread(self.ask, fact, answer)

    def _say(self, fact: Fact, number: int | None) -> None:
        self._line.say("fact", id=number, name=type(fact).__name__, fields=plain(fact))

    def answered(self, number: int, answer: bool) -> None:
        """Give the answer to who asked under this number."""
        with self._lock:
            waits = self._waiting.pop(number, None)
        if waits is not None:
            waits[1][0] = answer
            waits[0].set()


class _Telling:
    """A thread that tells the parent what the function says: data at once, progress in time."""

    def __init__(self, line: Line, clock: Clock, interval: float) -> None:
        self._line = line
        self._clock = clock
        self._interval = interval
        self._lock = threading.Lock()
        self._told = Report()
        self._over = threading.Event()
        self.wake = threading.Event()

    @contextlib.contextmanager
    def of(self, said: Said) -> Iterator[None]:
        """Tell within the block; what was said by its end is told when it is left."""
        threading.Thread(target=self._loop, args=(said,), name="told", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            self._tell(said)

    def _loop(self, said: Said) -> None:
        while not self._clock.wait(self._over, SPACING):
            self._clock.wait(self.wake, self._interval)
            self.wake.clear()
            self._tell(said)

    def _tell(self, said: Said) -> None:
        # One lock for reading and telling: what is older must not be told after what is newer.
        with self._lock:
            report = said.report()
            if report != self._told:
                self._line.say("said", report=plain(report))
                self._told = report


def obey(message: dict[str, Any], orders: Orders, asking: Asking) -> None:
    """Carry out what the parent says."""
    kind = message["kind"]
    if kind == "stop":
        orders.stop(RunStatus(message["status"]), message["reason"])
    elif kind == "pause":
        orders.pause()
    elif kind == "go_on":
        orders.go_on()
    elif kind == "reply":
        asking.answered(message["id"], message["answer"])


def carry_out(given: dict[str, Any], inbox: Inbox, line: Line) -> None:
    """Carry out the run that was given; its outcome has been told when this returns."""
    clock = clocks.installed()
    watch, asking = Watch(clock), Asking(line)
    telling = _Telling(line, clock, given["interval"])
    watch.wake = telling.wake.set

    def perform(watched: Watched) -> Outcome:
        context = watched.context
        assert watched.tail is not None
        watched.tail.listener = partial(_tell_line, line)
        inbox.hand_over_to(lambda message: obey(message, context.orders, asking))
        line.say("began")
        with telling.of(context.said):
            outcome = whatever_happens(here, watched)
        line.say("outcome", outcome=plain(outcome))
        return outcome

    try:
        Runner(clock, asking, watch).carry_out(
            read(Dispatch, given["dispatch"]),
            started_at=datetime.fromisoformat(given["started_at"]),
            perform=perform,
        )
    finally:
        _close_connections()


def _tell_line(line: Line, text: str) -> None:
    line.say("log", line=text)


def _close_connections() -> None:
    """Say good-bye to servers: a connection that only ends is an error in their logs."""
    for connection in connections.all(initialized_only=True):
        with contextlib.suppress(Exception):
            connection.close()
