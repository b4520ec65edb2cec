"""What mends itself: dead processes, runs that hang, jobs that lost their clock.

Each duty is one short transaction that any process may carry out; the second one finds nothing
left to do.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from .. import conf, lifecycle, signals
from ..clock import Clock
from ..exceptions import SchedulerError
from ..executors import Executor
from ..models import Job, JobClock, Process
from ..models.vendors import locked, read_now
from ..states import ALIVE, JobState, ProcessState
from .share import Share
from .unclaimed import Unclaimed

__all__ = ["Maintenance"]

logger = logging.getLogger("django_scheduler.maintenance")

_BATCH = 200


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
            self.reconcile(process, held)

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
        """Mend what no event would lead on."""
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            for executor in self._executors.values():
                if executor.redispatch_after is not None:
                    lifecycle.redispatch_unreceived(
                        executor.alias, executor.redispatch_after, now=now, using=self._using
                    )
            lifecycle.free_unknown(process, held, now=now, using=self._using)
            self._resume_over(now)
            self._plan_unplanned(now)
            lifecycle.promote_left_behind(now, self._using)
            self._replan_edited(now)
            self._break_unclaimed(now)
            lifecycle.skip_unclaimable(
                self._share.functions(),
                list(self._executors),
                due_before=now - self._settings.unknown_function_grace,
                now=now,
                using=self._using,
            )
            self._bury_removed()
            self._unclaimed.look(now)

    def _jobs(self, *wanted: Q) -> list[Job]:
        """Return some active jobs that match."""
        rows = Job.objects.using(self._using).filter(
            *wanted, state=JobState.ACTIVE.value, removed_at__isnull=True
        )
        return list(rows.order_by("pk")[:_BATCH])

    def _resume_over(self, now: datetime) -> None:
        """Resume the jobs whose pause was to end by itself: as of then, whenever that is seen."""
        over = Job.objects.using(self._using).filter(
            state=JobState.PAUSED.value, paused_until__lte=now
        )
        for job in over.order_by("pk")[:_BATCH]:
            then = job.paused_until or now
            self._mend(job, partial(lifecycle.resume_job, now=then, using=self._using))

    def _plan_unplanned(self, now: datetime) -> None:
        """Plan jobs made without a clock, and those whose clock stands although nothing is open."""
        for job in self._jobs(Q(clock__isnull=True)):
            try:
                lifecycle.start_clock(job, now, using=self._using)
            except SchedulerError as error:
                lifecycle.mark_broken(job, str(error), using=self._using)
        stood = Q(clock__next_run_at__isnull=True) & ~Q(schedule__startswith="@manual")
        for job in self._jobs(stood):
            if not lifecycle.has_open_run(job.pk, self._using):
                self._mend(job, partial(lifecycle.plan_on, now=now, using=self._using))

    def _replan_edited(self, now: datetime) -> None:
        """Plan anew what was edited past the facade: by ORM, in bulk or in SQL."""
        spec = Concat("timezone", Value(" "), "schedule")
        rows = (
            Job.objects.using(self._using)
            .annotate(wanted=spec)
            .exclude(clock__planned_spec=F("wanted"))
        )
        edited = rows.filter(
            # One that had ended goes on if the edit says so.
            state__in=[JobState.ACTIVE.value, JobState.ENDED.value],
            removed_at__isnull=True,
            clock__isnull=False,
        )
        for job in edited.order_by("pk")[:_BATCH]:
            self._mend(job, partial(lifecycle.replan_edited, now=now, using=self._using))

    def _mend(self, job: Job, act: Callable[[Job, JobClock], None]) -> None:
        """Do `act` under the clock's lock, unless somebody holds it; set aside what it fails on."""
        clocks = locked(JobClock.objects.using(self._using).filter(job_id=job.pk), skip=True)
        for clock in clocks:
            try:
                act(job, clock)
            except SchedulerError as error:
                lifecycle.mark_broken(job, str(error), using=self._using)

    def _break_unclaimed(self, now: datetime) -> None:
        """Set jobs aside that nobody with their code has claimed within the grace."""
        overdue = Q(clock__next_run_at__lt=now - self._settings.unknown_function_grace)
        for job in self._jobs(overdue, ~Q(function__in=self._share.functions())):
            lifecycle.mark_broken(
                job,
                f"No process knows the function {job.function!r}. Bring it back, or give the "
                "job another one.",
                using=self._using,
            )

    def _bury_removed(self) -> None:
        removed = Job.objects.using(self._using).filter(removed_at__isnull=False)
        for job_id in list(removed.values_list("pk", flat=True)[:_BATCH]):
            lifecycle.delete_if_idle(job_id, using=self._using)
