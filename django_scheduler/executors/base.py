"""What an executor promises, whatever carries out its runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..clock import Clock
from ..runner import Dispatch, Reporter, Runner

__all__ = ["Executor"]


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
