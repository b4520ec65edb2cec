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

    def reached(self) -> datetime:
        """Return an instant the database's clock has reached for sure, as late as is known."""


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """Real time. Until the first :meth:`calibrate` it estimates with the machine's wall clock."""

    def __init__(self) -> None:
        # The estimate at a monotonic time, and how far it may be ahead; None: nobody was asked yet.
        # One tuple, so that readers in other threads see a whole. Monotonic time is read first:
        # whatever comes between the readings, the estimate is not behind.
        since = time.monotonic()
        self._base: tuple[datetime, float, timedelta | None]
        self._base = (datetime.now(timezone.utc), since, None)
        self._asking = threading.Lock()

    def now(self) -> datetime:
        """Return the estimated instant of the database's clock.

        It is never earlier than that clock: an answer is dated to when the question was sent.
        Work claimed as due therefore never records a start before its due instant.
        """
        at, since, _ = self._base
        return at + timedelta(seconds=time.monotonic() - since)

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
        with self._asking:
            received = time.monotonic()
            latest = instant + timedelta(seconds=received - sent)
            at, since, error = self._base
            estimate = at + timedelta(seconds=received - since)
            if error is None or not instant <= estimate <= latest:
                self._base = (latest, received, latest - instant)
            else:
                self._base = (at, since, min(error, estimate - instant))

    def reached(self) -> datetime:
        """Return the estimate less the bound of its error, which the quickest answer gave."""
        at, since, error = self._base
        return at + timedelta(seconds=time.monotonic() - since) - (error or timedelta(0))

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
