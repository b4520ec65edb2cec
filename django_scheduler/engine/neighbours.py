"""Processes of this very machine that are gone: taken over at a start, without waiting for leases.

A scheduler that is started again after a crash finds what its predecessor held, and whose end the
operating system can vouch for. Whoever it cannot vouch for is judged by the lease.
"""

from __future__ import annotations

import logging

from django.db.models import QuerySet

from .. import lifecycle, signals
from ..clock import Clock
from ..models import Process
from ..models.vendors import locked, read_now
from ..runner import Identity, is_gone
from ..states import ALIVE, ProcessState

__all__ = ["neighbours", "take_over_gone"]

logger = logging.getLogger("django_scheduler.maintenance")


def take_over_gone(own: Identity | None, *, clock: Clock, using: str) -> int:
    """Mark this machine's vanished processes dead and take over what they held; return how many.

    Only those count that were started since this machine was, and in the same namespace: another
    container's process ids mean other processes. None, for a system that does not tell who this
    is: nobody is judged.
    """
    gone = [] if own is None else _gone(own, using)
    if not gone:
        return 0
    ids = [row.pk for row in gone]
    alive = Process.objects.using(using).filter(pk__in=ids, state__in=ALIVE)
    # Skipped are those that another one, starting beside this one, is marking now.
    mine = list(locked(alive, skip=True))
    alive.filter(pk__in=[row.pk for row in mine]).update(state=ProcessState.DEAD.value)
    for row in mine:
        logger.warning("The process %s is gone from this machine", row)
        signals.announce(signals.process_lost, using=using, sender=Process, process=row)
    # Read after whatever had to be waited for: nothing may end before it began.
    return lifecycle.take_over_orphans(now=read_now(clock, using), using=using)


def _gone(own: Identity, using: str) -> list[Process]:
    return [row for row in neighbours(own, using) if is_gone(row.pid, row.pid_started or 0)]


def neighbours(own: Identity | None, using: str) -> QuerySet[Process]:
    """Return the processes of this very machine that count as alive; None: nobody knows which."""
    rows = Process.objects.using(using)
    if own is None:
        return rows.none()
    return rows.filter(
        state__in=ALIVE,
        boot_id=own.boot_id,
        namespaces=own.namespaces,
        pid_started__isnull=False,
    )
