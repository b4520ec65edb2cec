"""What mends itself: dead processes, runs that hang, jobs that lost their clock.

Each duty is one short transaction that any process may carry out; the second one finds nothing
left to do. What serves all is done by one process an interval; if it fails, the next one does it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from .. import conf, lifecycle, signals
from ..clock import Clock
from ..executors import Executor
from ..models import Job, JobClock, Process
from ..models.vendors import read_now
from ..states import ALIVE, JobState, ProcessState
from .mending import Mending
from .share import Share
from .turns import turn_of

__all__ = ["Maintenance"]

logger = logging.getLogger("django_scheduler.maintenance")

_BATCH = 200
_RECONCILE = "reconcile"


class Maintenance:
    """The duties of one process, done in its database thread when they are due."""

    def __init__(
        self, clock: Clock, executors: Mapping[str, Executor], share: Share, using: str
    ) -> None:
        self._clock = clock
        self._executors = executors
        self._share = share
        self._using = using
        self._settings = conf.current()
        self._rows = Mending(using)
        self._suspects: dict[uuid.UUID, tuple[datetime, float]] = {}
        self._next_judgement = 0.0
        self._next_round = 0.0

    def do_what_is_due(self, process: uuid.UUID, held: Collection[uuid.UUID]) -> None:
        """Judge the leases once a beat, and look for what hangs once a reconcile interval."""
        at = self._clock.monotonic()
        if at >= self._next_judgement:
            self._next_judgement = at + self._settings.heartbeat_interval.total_seconds()
            self.judge(process)
        if at >= self._next_round:
            self._next_round = at + self._settings.reconcile_interval.total_seconds()
            now = self.audit(process, held)
            every = self._settings.reconcile_interval
            with turn_of(_RECONCILE, every, now, self._using) as mine:
                if mine:
                    self.mend()

    def judge(self, process: uuid.UUID) -> int:
        """Give up processes whose lease is over, and take over what they held; return how many.

        A lease counts as over only if the same heartbeat was read twice, one and a half beats
        apart: after an outage of the database all leases are over at once, and their owners
        must have the time to renew them.
        """
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            expired = Process.objects.using(self._using).filter(
                state__in=ALIVE, lease_until__lt=now
            )
            dead = [row for row in expired.exclude(pk=process) if self._is_over(row)]
            for row in dead:
                self._give_up(row)
            found = lifecycle.take_over_orphans(now=now, using=self._using)
        if found:
            logger.warning("Took over %d runs of dead processes", found)
        return found

    def _is_over(self, row: Process) -> bool:
        at = self._clock.monotonic()
        seen, since = self._suspects.setdefault(row.pk, (row.heartbeat_at, at))
        if seen != row.heartbeat_at:
            self._suspects[row.pk] = (row.heartbeat_at, at)
            return False
        return at - since >= 1.5 * self._settings.heartbeat_interval.total_seconds()

    def _give_up(self, row: Process) -> None:
        same = Process.objects.using(self._using).filter(
            pk=row.pk, heartbeat_at=row.heartbeat_at, state__in=ALIVE
        )
        if same.update(state=ProcessState.DEAD.value):
            self._suspects.pop(row.pk, None)
            signals.announce(signals.process_lost, using=self._using, sender=Process, process=row)

    def reconcile(self, process: uuid.UUID, held: Collection[uuid.UUID]) -> None:
        """Mend what no event would lead on, whoever's turn it is."""
        self.audit(process, held)
        self.mend()

    def audit(self, process: uuid.UUID, held: Collection[uuid.UUID]) -> datetime:
        """Do what only this process can, compare its rows with its memory; return the instant."""
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            for executor in self._executors.values():
                if executor.redispatch_after is not None:
                    lifecycle.redispatch_unreceived(
                        executor.alias, executor.redispatch_after, now=now, using=self._using
                    )
            lifecycle.free_unknown(process, held, now=now, using=self._using)
        return now

    def mend(self) -> None:
        """Do what one process does for all. Costs the same whatever the number of jobs."""
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            self._rows.mend(now)
            lifecycle.promote_left_behind(now, self._using)
            self._break_unclaimed(now)
            lifecycle.skip_unclaimable(
                self._share.functions(),
                list(self._executors),
                due_before=now - self._settings.unknown_function_grace,
                now=now,
                using=self._using,
            )

    def _break_unclaimed(self, now: datetime) -> None:
        """Set jobs aside that nobody with their code has claimed within the grace."""
        before = now - self._settings.unknown_function_grace
        overdue = JobClock.objects.using(self._using).filter(next_run_at__lt=before)
        if not overdue.exists():
            return  # the left edge of an index; what follows joins all that is overdue
        unclaimed = Job.objects.using(self._using).filter(
            ~Q(function__in=self._share.functions()),
            clock__next_run_at__lt=before,
            state=JobState.ACTIVE.value,
            removed_at__isnull=True,
        )
        for job in unclaimed.order_by("pk")[:_BATCH]:
            lifecycle.mark_broken(
                job,
                f"No process knows the function {job.function!r}. Bring it back, or give the "
                "job another one.",
                using=self._using,
            )
