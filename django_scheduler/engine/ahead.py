"""What was claimed ahead of its time, released at its exact instant.

A claim is a transaction and takes milliseconds; made a little early, it costs a job none of them.
"""

from __future__ import annotations

import heapq
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from ..clock import Clock
from ..runner import Dispatch

__all__ = ["Ahead", "Timer"]


class Ahead:
    """The runs this process holds that are not due yet. Safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._heap: list[tuple[datetime, int, uuid.UUID]] = []
        self._held: dict[uuid.UUID, Dispatch] = {}
        self._sooner = threading.Event()
        self._numbers = 0

    def hold(self, dispatch: Dispatch) -> None:
        """Keep a run until it is due."""
        with self._lock:
            self._numbers += 1
            sooner = not self._heap or dispatch.due_at < self._heap[0][0]
            heapq.heappush(self._heap, (dispatch.due_at, self._numbers, dispatch.run_id))
            self._held[dispatch.run_id] = dispatch
        if sooner:
            self._sooner.set()

    def release(self) -> list[Dispatch]:
        """Return the runs that are due by now, earliest first, and hold them no longer.

        By the database's clock as it has been reached for sure, so that nothing begins early.
        """
        now = self._clock.reached()
        due: list[Dispatch] = []
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                dispatch = self._held.pop(heapq.heappop(self._heap)[2], None)
                if dispatch is not None:
                    due.append(dispatch)
        return due

    def until_next(self) -> timedelta | None:
        """Return how long nothing is due; None if nothing is held."""
        with self._lock:
            if not self._heap:
                return None
            instant = self._heap[0][0]
        return max(timedelta(0), instant - self._clock.reached())

    def drop(self, runs: Collection[uuid.UUID]) -> list[Dispatch]:
        """Hold these runs no longer, and return those that were held."""
        with self._lock:
            found = [self._held.pop(run_id, None) for run_id in runs]
        return [dispatch for dispatch in found if dispatch is not None]

    def drain(self) -> list[Dispatch]:
        """Hold nothing any more, and return what was held."""
        return self.drop(list(self._held))

    def all(self) -> list[Dispatch]:
        """Return the runs that are held."""
        with self._lock:
            return list(self._held.values())

    def by_executor(self) -> Counter[str]:
        """Return how many runs are held for each executor."""
        return Counter(dispatch.executor for dispatch in self.all())

    def wait(self) -> None:
        """Wait until something may be due, or something sooner is held, or :meth:`wake`."""
        ahead = self.until_next()
        self._clock.wait(self._sooner, None if ahead is None else ahead.total_seconds())
        self._sooner.clear()

    def wake(self) -> None:
        """End a wait."""
        self._sooner.set()


class Timer:
    """A thread that does nothing but release what is due, whatever the others are at."""

    def __init__(self, ahead: Ahead, submit: Callable[[Dispatch], None]) -> None:
        self._ahead = ahead
        self._submit = submit
        self._ended = False
        self._thread = threading.Thread(target=self._loop, name="scheduler-timer", daemon=True)

    def start(self) -> None:
        """Begin to release."""
        self._thread.start()

    def stop(self) -> None:
        """Return once nothing is released any more; what is held stays held."""
        self._ended = True
        self._ahead.wake()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while not self._ended:
            for dispatch in self._ahead.release():
                self._submit(dispatch)
            self._ahead.wait()
