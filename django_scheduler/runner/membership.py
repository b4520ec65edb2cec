"""A process's row: its id, its lease, its end. An id that was given up never lives again."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from datetime import timedelta

from .. import __version__, conf
from ..clock import Clock
from ..context import clean_text
from ..models import Process
from ..models.vendors import read_now
from ..states import ALIVE, ProcessKind, ProcessState
from .identity import Identity

__all__ = ["CLOCKS_APART", "Membership"]

logger = logging.getLogger("django_scheduler.heartbeat")

CLOCKS_APART = timedelta(seconds=1)
"""A machine's clock that is further from the database's than this is reported."""


class Membership:
    """This process among those that share the database.

    Between two beats nothing but the lease says that it lives. It therefore starts nothing
    once its own monotonic time is close to the lease's end, whoever may have judged it by then.
    """

    def __init__(
        self, kind: ProcessKind, name: str, clock: Clock, using: str, lease: timedelta
    ) -> None:
        self.id = uuid.uuid4()
        self.host = socket.gethostname()[:255]
        self.pid = os.getpid()
        self.name = clean_text(name or f"{self.host}:{self.pid}")[:255]
        self._kind = kind
        self._clock = clock
        self._using = using
        self._lease = lease
        self._latest_beat = 1.5 * conf.current().heartbeat_interval.total_seconds()
        self._beaten: float | None = None
        self._steady: tuple[float, float] | None = None
        self._apart = False
        self.identity = Identity.own()

    def join(self) -> None:
        """Insert the row; from here on the process is alive."""
        sent = self._clock.boottime()
        now = read_now(self._clock, self._using)
        own = self.identity
        Process.objects.using(self._using).create(
            id=self.id,
            kind=self._kind.value,
            host=self.host,
            pid=self.pid,
            name=self.name,
            version=__version__,
            state=ProcessState.RUNNING.value,
            started_at=now,
            heartbeat_at=now,
            lease_until=now + self._lease,
            clock_offset=self._offset(),
            boot_id=own.boot_id if own else "",
            namespaces=own.namespaces if own else "",
            pid_started=own.pid_started if own else None,
        )
        self._beaten = sent
        self._note_beat()

    def renew(self) -> bool:
        """Extend the lease; return False if this process was given up meanwhile.

        The fuse counts from before the question was sent, so it blows before the lease ends.
        """
        sent = self._clock.boottime()
        try:
            now = read_now(self._clock, self._using)
            alive = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
            renewed = alive.update(
                heartbeat_at=now, lease_until=now + self._lease, clock_offset=self._offset()
            )
        except Exception:
            self._steady = None
            raise
        self._beaten = sent if renewed else None
        self._note_beat()
        return bool(renewed)

    def _note_beat(self) -> None:
        at = self._clock.monotonic()
        steady = self._steady
        in_time = steady is not None and at - steady[1] <= self._latest_beat
        self._steady = (steady[0], at) if steady and in_time else (at, at)

    def steady_for(self) -> float:
        """Return for how many seconds each beat of this process has come, and in time.

        Who was away itself, frozen or without the database, knows nothing of the others' silence.
        """
        at = self._clock.monotonic()
        steady = self._steady
        if steady is None or at - steady[1] > self._latest_beat:
            return 0.0
        return at - steady[0]

    def _offset(self) -> timedelta:
        """Return how far this machine's clock is ahead; a wrong clock is reported once."""
        offset = self._clock.offset()
        apart = abs(offset) > CLOCKS_APART
        if apart and not self._apart:
            logger.warning(
                "This machine's clock is %+.1f s off the database's. Jobs run by the database's; "
                "what they stamp themselves does not agree with it. Set both by NTP.",
                offset.total_seconds(),
            )
        self._apart = apart
        return offset

    def is_safe(self) -> bool:
        """Tell whether the lease surely still holds, with a tenth of it as margin."""
        beaten = self._beaten
        if beaten is None:
            return False
        return self._clock.boottime() - beaten < 0.9 * self._lease.total_seconds()

    def leave(self) -> None:
        """Show that this process is stopping; it still holds its runs."""
        rows = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
        rows.update(state=ProcessState.STOPPING.value)

    def close(self) -> None:
        """Mark the row ``stopped``, after the last outcome has been written."""
        self._beaten = None
        rows = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
        rows.update(state=ProcessState.STOPPED.value)
