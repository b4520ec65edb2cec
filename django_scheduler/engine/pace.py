"""How many runs may wait in this process for a slot: as many as will have one in a moment."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from ..clock import Clock

__all__ = ["Pace"]

MOMENT = 0.25
"""Seconds. What ended within the last moment may be waiting here for the next one."""

STUCK = 1.0
"""Seconds without an end after which runs that wait for a slot are given back."""


class Pace:
    """Counts the runs that end, by executor.

    Functions of a few microseconds would leave the slots empty while the next runs are claimed.
    Where runs take long nothing waits: another process may have a slot at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, str]] = deque()
        self._counts: Counter[str] = Counter()
        self._last: dict[str, float] = {}

    def note(self, executors: Iterable[str]) -> None:
        """Count a run that has ended for each of ``executors``."""
        at = self._clock.monotonic()
        for alias in executors:
            self._ended.append((at, alias))
            self._counts[alias] += 1
            self._last[alias] = at

    def is_stuck(self, executor: str) -> bool:
        """Tell whether no run has ended for so long that what waits should not wait here."""
        return self._clock.monotonic() - self._last.get(executor, 0.0) > STUCK

    def waiting_room(self, executor: str) -> int:
        """Return how many runs may wait for a slot of ``executor`` now."""
        before = self._clock.monotonic() - MOMENT
        while self._ended and self._ended[0][0] < before:
            self._counts[self._ended.popleft()[1]] -= 1
        return self._counts[executor]
