"""What mends itself: dead processes, runs that hang, jobs that lost their clock.

Each duty is one short transaction that any process may carry out; the second one finds nothing
left to do. What serves all is done by one process an interval; if it fails, the next one does it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

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
from .unclaimed import Unclaimed

__all__ = ["Maintenance"]

logger = logging.getLogger("django_scheduler.maintenance")

_BATCH = 200
_RECONCILE = "reconcile"


class Maintenance:
    """The duties of one process, done in its database thread when they are due."""

    def __init__(
        self,
        clock: Clock,
        executors: Mapping[str, Executor],
        share: Share,
        using: str,
        steady_for: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._executors = executors
        self._share = share
        self._using = using
        self._steady_for = steady_for
        self._unclaimed = Unclaimed(using)
        self._settings = conf.current()
        self._rows = Mending(using)
        self._beat = self._settings.heartbeat_interval.total_seconds()
        self._seen: dict[uuid.UUID, tuple[datetime, float]] = {}
        self._next_judgement = 0.0
        self._next_round = 0.0

    def do_what_is_due(self, process: uuid.UUID, held: Collection[uuid.UUID]) -> None:
        """Judge the leases twice a beat, and look for what hangs once a reconcile interval.

        Twice: two beats are the shortest lease. Who saw a heartbeat within half of one has seen it
        for one and a half when the lease ends, and judges within half a beat after that.
        """
        at = self._clock.monotonic()
        if at >= self._next_judgement:
            self._next_judgement = at + self._beat / 2
            self.judge(process)
        if at >= self._next_round:
            self._next_round = at + self._settings.reconcile_interval.total_seconds()
            now = self.audit(process, held)
            every = self._settings.reconcile_interval
            with turn_of(_RECONCILE, every, now, self._using) as mine:
                if mine:
                    self.mend()

    def audit_soon(self) -> None:
        """Compare rows and memory the next time: a commit may have been made and not answered."""
        self._next_round = 0.0

    def until_judgement(self) -> timedelta:
        """Return how long nobody's lease needs to be looked at."""
        left = self._next_judgement - self._clock.monotonic()
        return timedelta(seconds=max(0.0, left))

    def judge(self, process: uuid.UUID) -> int:
        """Give up processes whose lease is over, and take over what they held; return how many.

        A lease counts as over only if the same heartbeat was read twice, one and a half beats
        apart, and none of this process's own beats failed or was late in between: after an outage
        of the database all leases are over at once, and their owners must have the time to renew
        them.
        """
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            alive = Process.objects.using(self._using).filter(state__in=ALIVE).exclude(pk=process)
            for row in self._silent(list(alive)):
                if row.lease_until < now:
                    self._give_up(row)
        found = 0
        while taken := self._take_over():
            found += taken
        if found:
            logger.warning("Took over %d runs of dead processes", found)
        return found

    def _silent(self, alive: list[Process]) -> list[Process]:
        """Note when each heartbeat was first seen; return those seen unchanged for long enough."""
        at, seen = self._clock.monotonic(), self._seen
        self._seen = {
            row.pk: seen[row.pk]
            if row.pk in seen and seen[row.pk][0] == row.heartbeat_at
            else (row.heartbeat_at, at)
            for row in alive
        }
        steady = self._steady_for()
        return [row for row in alive if min(at - self._seen[row.pk][1], steady) >= 1.5 * self._beat]

    def _take_over(self) -> int:
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            return lifecycle.take_over_orphans(now=now, using=self._using)

    def _give_up(self, row: Process) -> None:
        same = Process.objects.using(self._using).filter(
            pk=row.pk, heartbeat_at=row.heartbeat_at, state__in=ALIVE
        )
        if same.update(state=ProcessState.DEAD.value):
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
            self._unclaimed.look(now)

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
