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
from ..models import Job, Process
from ..models.vendors import read_now
from ..states import ALIVE, JobState, ProcessState
from .mending import Mending
from .share import Share
from .signs import Lookout, Signs
from .turns import is_due, turn_of
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
        self._lookout = Lookout(clock, using, _RECONCILE)
        self._settings = conf.current()
        self._rows = Mending(using)
        self._beat = self._settings.heartbeat_interval.total_seconds()
        self._seen: dict[uuid.UUID, tuple[datetime, float]] = {}
        self._next_judgement = 0.0
        self._next_round = 0.0
        self._has_begun = False

    def do_what_is_due(self, process: uuid.UUID, held: Collection[uuid.UUID]) -> None:
        """Judge the leases twice a beat, and look for what hangs once a reconcile interval.

        Twice: two beats are the shortest lease. Who saw a heartbeat within half of one has seen it
        for one and a half when the lease ends, and judges within half a beat after that.
        """
        at = self._clock.monotonic()
        must_judge, must_mend = at >= self._next_judgement, at >= self._next_round
        if not (must_judge or must_mend):
            return
        signs = self._lookout.look(process, thoroughly=must_mend)
        if must_judge:
            self._next_judgement = at + self._beat / 2
            self._judge(process, signs)
        if must_mend:
            self._next_round = at + self._settings.reconcile_interval.total_seconds()
            self._audit(process, held, signs)
            self._mend_in_turn(signs)

    def _mend_in_turn(self, signs: Signs) -> None:
        """Do what one process does for all, if it is time for that and this process's turn."""
        every = self._settings.reconcile_interval
        if not is_due(signs.had_turn_at, every, signs.now):
            return
        with turn_of(_RECONCILE, every, signs.now, self._using) as mine:
            if mine:
                self._mend(signs)
                if self._has_begun:
                    self._walk()  # not in a start, which is to cost next to nothing
        self._has_begun = True

    def audit_soon(self) -> None:
        """Compare rows and memory the next time: a commit may have been made and not answered."""
        self._next_round = 0.0

    def until_judgement(self) -> timedelta:
        """Return how long nobody's lease needs to be looked at."""
        left = self._next_judgement - self._clock.monotonic()
        return timedelta(seconds=max(0.0, left))

    def _judge(self, process: uuid.UUID, signs: Signs) -> None:
        """Give up processes whose lease is over, and take over what they held.

        A lease counts as over only if the same heartbeat was read twice, one and a half beats
        apart, and none of this process's own beats failed or was late in between: after an outage
        of the database all leases are over at once, and their owners must have the time to renew
        them.
        """
        given_up = self._give_up_silent(process, signs.now) if signs.others else False
        if not signs.others:
            self._seen = {}
        found = 0
        while (given_up or signs.orphans) and (taken := self._take_over()):
            found += taken
        if found:
            logger.warning("Took over %d runs of dead processes", found)

    def _give_up_silent(self, process: uuid.UUID, now: datetime) -> bool:
        """Give up the processes that are silent for too long; return whether there were any."""
        rows = Process.objects.using(self._using).filter(state__in=ALIVE).exclude(pk=process)
        over = [row for row in self._silent(list(rows)) if row.lease_until < now]
        if over:
            with transaction.atomic(using=self._using):
                for row in over:
                    self._give_up(row)
        return bool(over)

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
        signs = self._lookout.look(process, thoroughly=True)
        self._audit(process, held, signs)
        self._mend(signs)
        self._walk()

    def _audit(self, process: uuid.UUID, held: Collection[uuid.UUID], signs: Signs) -> None:
        """Do what only this process can: publish again, and compare its rows with its memory."""
        remote = [each for each in self._executors.values() if each.redispatch_after is not None]
        if not (remote or signs.own):
            return
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            for executor in remote:
                assert executor.redispatch_after is not None
                lifecycle.redispatch_unreceived(
                    executor.alias, executor.redispatch_after, now=now, using=self._using
                )
            lifecycle.free_unknown(process, held, now=now, using=self._using)

    def _mend(self, signs: Signs) -> None:
        """Act on the signs. Costs nothing when there are none."""
        before = signs.now - self._settings.unknown_function_grace
        lost_job = signs.oldest_job is not None and signs.oldest_job < before
        lost_run = signs.oldest_run is not None and signs.oldest_run < before
        if signs.wanting or signs.waiting or lost_job or lost_run:
            with transaction.atomic(using=self._using):
                self._act(signs, lost_job=lost_job, lost_run=lost_run)
        self._unclaimed.look(signs)

    def _act(self, signs: Signs, *, lost_job: bool, lost_run: bool) -> None:
        now = read_now(self._clock, self._using)
        before = now - self._settings.unknown_function_grace
        if signs.wanting:
            self._rows.attend(now)
        if signs.waiting:
            lifecycle.promote_left_behind(now, self._using)
        if lost_job:
            self._break_unclaimed(before)
        if lost_run:
            lifecycle.skip_unclaimable(
                self._share.functions(),
                list(self._executors),
                due_before=before,
                now=now,
                using=self._using,
            )

    def _walk(self) -> None:
        """Look after some of the rows that show no sign, though something was done to them."""
        with transaction.atomic(using=self._using):
            self._rows.walk(read_now(self._clock, self._using))

    def _break_unclaimed(self, before: datetime) -> None:
        """Set jobs aside that nobody with their code has claimed since ``before``."""
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
