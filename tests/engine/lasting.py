"""Runs that take time on a clock that stands still.

Each run is a thread that is parked inside its function until the clock has come to its end, or
until it was asked to stop. Only one thread works at any moment, so a scene plays the same way
each time. A parked thread touches no database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django_scheduler.clock import Clock
from django_scheduler.executors import Executor
from django_scheduler.lifecycle import Fact
from django_scheduler.runner import Dispatch, Reporter, Runner
from django_scheduler.testing import ManualClock, ManualScheduler

PATIENCE = 20.0
"""How many real seconds a thread has to come to its next stop; then something is broken."""


class _Stay(threading.Thread):
    """One run inside its function."""

    def __init__(self, carry_out: Callable[[Dispatch], None], dispatch: Dispatch) -> None:
        super().__init__(name=f"lasting-{dispatch.job_name}", daemon=True)
        self._carry_out, self._dispatch = carry_out, dispatch
        self._arrived, self._may_go = threading.Event(), threading.Event()
        self._question: Fact | None = None
        self._answer = False
        self.context: Any = None
        self.until: datetime | None = None
        self.is_deaf = False

    def run(self) -> None:
        try:
            self._carry_out(self._dispatch)
        finally:
            self._arrived.set()

    def begin(self, ask: Callable[[Fact], bool]) -> None:
        """Let it go until it is parked or over; what it asks meanwhile is asked from here."""
        self.start()
        self._await_arrival()
        while self._question is not None:
            self._answer, self._question = ask(self._question), None
            self._arrived.clear()
            self._may_go.set()
            self._await_arrival()

    def _await_arrival(self) -> None:
        assert self._arrived.wait(PATIENCE), f"{self.name} neither waits nor ends"

    def ask(self, fact: Fact) -> bool:
        """Have the thread that began this one write the fact, and return its answer."""
        self._question = fact
        self._halt()
        return self._answer

    def _halt(self) -> None:
        self._arrived.set()
        assert self._may_go.wait(PATIENCE), f"{self.name} was forgotten"
        self._may_go.clear()

    def park(self, context: Any, until: datetime, *, deaf: bool) -> None:
        """Stay here until somebody lets it go on."""
        self.context, self.until, self.is_deaf = context, until, deaf
        self._halt()

    def go_on(self) -> None:
        """Let it run to its end."""
        self._may_go.set()
        self.join(PATIENCE)
        assert not self.is_alive(), f"{self.name} does not end"

    def is_over(self, now: datetime) -> bool:
        """Whether its time has come, or it was asked to stop."""
        assert self.until is not None
        return now >= self.until or (self.context.stop_requested and not self.is_deaf)


class _Messenger:
    """Takes words of the runs' threads to the one that may write them."""

    def __init__(self, reporter: Reporter) -> None:
        self.tell = reporter.tell

    def ask(self, fact: Fact) -> bool:
        here = threading.current_thread()
        assert isinstance(here, _Stay)
        return here.ask(fact)


class LastingExecutor(Executor):
    """Keeps each run inside its function for as long as the function wants to stay."""

    def __init__(self, alias: str = "default", slots: int = 1_000) -> None:
        super().__init__(alias)
        self.slots = slots
        self._carry_out: Any = None
        self._ask: Any = None
        self._clock: Any = None
        self._inside: list[_Stay] = []

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Remember who carries runs out, and whose time it is."""
        own = Runner(clock, _Messenger(reporter), runner.watch)
        self._carry_out, self._ask, self._clock = own.carry_out, reporter.ask, clock

    def free_slots(self) -> int:
        """Return how many more may be inside."""
        return self.slots - len(self._inside)

    def submit(self, dispatch: Dispatch) -> None:
        """Begin the run and return once it is inside, or over already."""
        stay = _Stay(self._carry_out, dispatch)
        stay.begin(self._ask)
        if stay.is_alive() and stay.until is not None:
            self._inside.append(stay)

    def stay(self, context: Any, span: timedelta, *, deaf: bool = False) -> None:
        """Called by a function: let ``span`` pass, or less if it is asked to stop and listens."""
        here = threading.current_thread()
        assert isinstance(here, _Stay)
        here.park(context, self._clock.now() + span, deaf=deaf)
        context.checkpoint()

    def let_go(self) -> int:
        """End what is over by now, oldest first; return how many that were."""
        over = [stay for stay in self._inside if stay.is_over(self._clock.now())]
        for stay in over:
            self._inside.remove(stay)
            stay.go_on()
        return len(over)

    def next_end(self) -> datetime | None:
        """Return when the next of them ends by itself."""
        return min((stay.until for stay in self._inside if stay.until), default=None)

    def withdraw(self) -> list[Dispatch]:
        """Return nothing: what was submitted has begun."""
        return []

    def stop(self, timeout: float) -> bool:
        """End what was asked to stop; return whether nothing is left."""
        self.let_go()
        return not self._inside


class LastingScheduler(ManualScheduler):
    """A manual scheduler whose runs take time: the clock also halts where they end."""

    def __init__(self, clock: ManualClock, slots: int = 1_000) -> None:
        self.executor = LastingExecutor(slots=slots)
        super().__init__(clock, executors={"default": self.executor})

    def run_due(self) -> timedelta:
        """Carry out what is due now, ends and stops included; return how long nothing will be."""
        while True:
            wait = super().run_due()
            session = self.scheduler.session
            assert session is not None
            # So that orders to stop, just given, are heard.
            session.heartbeat.step()
            if not self.executor.let_go():
                break
        end = self.executor.next_end()
        return wait if end is None else min(wait, end - self.clock.now())

    def kill(self) -> None:
        """Be gone at once, with everything that goes on."""
        self.executor = LastingExecutor(slots=self.executor.slots)
        self._executors = {"default": self.executor}
        super().kill()
