"""A process's row: its id, its lease, its end. An id that was given up never lives again."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta

from .. import __version__
from ..clock import Clock
from ..context import clean_text
from ..models import Process
from ..models.vendors import read_now
from ..states import ALIVE, ProcessKind, ProcessState

__all__ = ["Membership"]


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
        self._beaten: float | None = None

    def join(self) -> None:
        """Insert the row; from here on the process is alive."""
        sent = self._clock.monotonic()
        now = read_now(self._clock, self._using)
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
            clock_offset=self._clock.offset(),
        )
        self._beaten = sent

    def renew(self) -> bool:
        """Extend the lease; return False if this process was given up meanwhile.

        The fuse counts from before the question was sent, so it blows before the lease ends.
        """
        sent = self._clock.monotonic()
        now = read_now(self._clock, self._using)
        alive = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
        renewed = alive.update(
            heartbeat_at=now, lease_until=now + self._lease, clock_offset=self._clock.offset()
        )
        self._beaten = sent if renewed else None
        return bool(renewed)

    def is_safe(self) -> bool:
        """Tell whether the lease surely still holds, with a tenth of it as margin."""
        if self._beaten is None:
            return False
        return self._clock.monotonic() - self._beaten < 0.9 * self._lease.total_seconds()

    def leave(self) -> None:
        """Show that this process is stopping; it still holds its runs."""
        rows = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
        rows.update(state=ProcessState.STOPPING.value)

    def close(self) -> None:
        """Mark the row ``stopped``, after the last outcome has been written."""
        self._beaten = None
        rows = Process.objects.using(self._using).filter(pk=self.id, state__in=ALIVE)
        rows.update(state=ProcessState.STOPPED.value)
