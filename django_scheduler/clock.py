"""The one place that reads a clock.

Rooms above take a :class:`Clock`, pure functions take the instant. The database's clock decides
what is due; a process keeps an estimate of it, made from monotonic time, so that a stepping
system clock neither fires a job early nor lets a duration turn negative.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Protocol

__all__ = ["Clock", "SystemClock", "install", "installed"]


class Clock(Protocol):
    """What a living object needs of time. Safe to share between threads."""

    def now(self) -> datetime:
        """Return the estimate of the database's present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; the zero is arbitrary."""

    def boottime(self) -> float:
        """Return seconds that never go back and, where the system can, count suspension too.

        For the lease alone: it goes on while this machine sleeps.
        """

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Wait until ``event`` is set or ``timeout`` seconds passed; return whether it is set."""

    def pinned(self) -> datetime | None:
        """Return the instant SQL must take for now, or None for the database's own clock."""

    def calibrate(self, instant: datetime, sent: float) -> None:
        """Adopt ``instant`` as what the database's clock said after monotonic time ``sent``."""

    def offset(self) -> timedelta:
        """Return how far this machine's wall clock is ahead of the estimate."""

    def error(self) -> timedelta:
        """Return how far the estimate may be ahead of the database's clock, at most."""


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """Real time. Until the first :meth:`calibrate` it estimates with the machine's wall clock."""

    def __init__(self) -> None:
        self._base = (datetime.now(timezone.utc), time.monotonic())
        self._error: timedelta | None = None

    def now(self) -> datetime:
        """Return the estimated instant of the database's clock.

        It is never earlier than that clock: an answer is dated to when the question was sent.
        Work claimed as due therefore never records a start before its due instant.
        """
        return self._estimate(time.monotonic())

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def boottime(self) -> float:
        """Return the machine's monotonic seconds, those of its suspension included if it can."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Block until ``event`` is set or ``timeout`` seconds (None: no limit) passed."""
        return event.wait(timeout)

    def pinned(self) -> datetime | None:
        """Return None: SQL asks the database."""
        return None

    def calibrate(self, instant: datetime, sent: float) -> None:
        """Bring the estimate within what the answer allows.

        The database's clock was read between ``sent`` and now: it is not later than the one
        bound and not earlier than the other. An estimate between them stands, for it may stem
        from a quicker answer; so the quickest one counts, and a clock that was set is followed.
        """
        received = time.monotonic()
        latest = instant + timedelta(seconds=received - sent)
        estimate = self._estimate(received)
        if self._error is None or not instant <= estimate <= latest:
            # One tuple is replaced, so readers in other threads see a whole.
            self._base = (latest, received)
            self._error = latest - instant
        else:
            self._error = min(self._error, estimate - instant)

    def error(self) -> timedelta:
        """Return the bound given by the quickest answer; zero before the first."""
        return self._error or timedelta(0)

    def _estimate(self, at: float) -> datetime:
        instant, since = self._base
        return instant + timedelta(seconds=at - since)

    def offset(self) -> timedelta:
        """Return the machine's wall clock minus the estimate."""
        return datetime.now(timezone.utc) - self.now()


_installed: Clock = SystemClock()


def installed() -> Clock:
    """Return the clock of code that is given none: the facades and the models."""
    return _installed


def install(clock: Clock) -> Clock:
    """Make ``clock`` the one :func:`installed` returns, and return the one it replaces."""
    global _installed
    previous, _installed = _installed, clock
    return previous
