"""What an executor promises, whatever carries out its runs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..clock import Clock
from ..exceptions import SchedulerError
from ..policies import to_timedelta
from ..runner import Dispatch, Reporter, Runner

__all__ = ["Executor", "LocalExecutor", "read_flag", "read_number", "read_span"]


class Executor(ABC):
    """Takes dispatches and has them carried out.

    Its methods are called by the engine's database thread, outside any transaction; none may
    block for long. What becomes of a run is reported through the runner's reporter, or, by an
    executor that only hands runs on, through ``reporter``.

    Attributes:
        redispatch_after: after how long a published run that nobody received is published
            again; None for executors that carry runs out themselves.
    """

    redispatch_after: timedelta | None = None

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @classmethod
    def from_options(cls, alias: str, options: Mapping[str, Any], *, threads: int) -> Executor:
        """Return an executor configured by the settings' ``OPTIONS``.

        Raises:
            TypeError: an option it does not know.
            ValueError: an option out of range.
        """
        return cls(alias, **options)

    @abstractmethod
    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Get ready to take dispatches."""

    @abstractmethod
    def free_slots(self) -> int:
        """Return how many more dispatches it could begin at once now."""

    def waiting(self) -> int:
        """Return how many runs were taken over and wait here for a free slot."""
        return 0

    def reclaim(self) -> list[Dispatch]:
        """Return the runs that wait for a free slot, if any do; they begin here no more."""
        return []

    @abstractmethod
    def submit(self, dispatch: Dispatch) -> None:
        """Take a run over. It may wait here, but it is never refused."""

    @abstractmethod
    def withdraw(self) -> list[Dispatch]:
        """Return the runs that have not begun and never will here; take no more."""

    @abstractmethod
    def stop(self, timeout: float) -> bool:
        """Wait at most ``timeout`` seconds for what has begun; return whether all of it ended."""


class LocalExecutor(Executor):
    """Carries runs out on this machine: so many at once, the others wait for a place.

    Args:
        places: how many at once.
    """

    def __init__(self, alias: str, places: int) -> None:
        super().__init__(alias)
        self._places = places
        self._state = threading.Condition(threading.RLock())
        self._waiting: deque[Dispatch] = deque()
        self._busy = 0
        self._closed = False

    def free_slots(self) -> int:
        """Return how many runs could begin at once."""
        with self._state:
            return 0 if self._closed else max(0, self._places - self._busy - len(self._waiting))

    def waiting(self) -> int:
        """Return how many runs wait for a place."""
        return len(self._waiting)

    def reclaim(self) -> list[Dispatch]:
        """Return the runs that wait for a place; they wait no longer."""
        with self._state:
            waiting = list(self._waiting)
            self._waiting.clear()
            return waiting

    def stop(self, timeout: float) -> bool:
        """Wait until no run goes on. Nothing that is left can hold the process back."""
        with self._state:
            return self._state.wait_for(lambda: self._busy == 0, timeout)

    def _take_place(self, dispatch: Dispatch) -> bool:
        """Return whether there is a place for the run, and keep the run for later if not."""
        with self._state:
            if self._busy >= self._places:
                self._waiting.append(dispatch)
                return False
            self._busy += 1
            return True

    def _leave_place(self) -> Dispatch | None:
        """Return the run whose the place is now; None: none waits, and the place is free."""
        with self._state:
            if self._waiting:
                return self._waiting.popleft()
            self._busy -= 1
            self._state.notify_all()
            return None


def read_number(name: str, value: object, least: int = 1) -> int:
    """Return an option that is a whole number; raise ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, not {value!r}")
    return value


def read_flag(name: str, value: object) -> bool:
    """Return an option that is True or False; raise ValueError for anything else."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def read_span(name: str, value: object) -> timedelta:
    """Return an option that is a ``timedelta`` or seconds; raise ValueError for anything else."""
    try:
        span = to_timedelta(value, name)
    except SchedulerError as error:
        raise ValueError(str(error)) from error
    if span is None:
        raise ValueError(f"{name} must be seconds or a timedelta, not None")
    return span
