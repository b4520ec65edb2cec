"""What was due at one moment, run to its end: the loop of ``runscheduler --once``."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q, QuerySet

from .. import conf, lifecycle
from ..clock import Clock
from ..exceptions import SchedulerError
from ..models import JobClock, Run
from ..models.vendors import read_now
from ..planning import CATCH_UP_PAUSE
from ..states import RunStatus
from .session import Session
from .share import Share

__all__ = ["run_what_is_due"]

_PAUSE = timedelta(milliseconds=200)


def run_what_is_due(session: Session, share: Share, clock: Clock, wake: Event, using: str) -> None:
    """Go on until everything has begun that was due when this was called, and may begin.

    What somebody else has locked is waited for as long as a write would be.
    """
    moment = read_now(clock, using)
    # Or jobs that make each other due would keep it from ever ending.
    session.turn.only_until(moment)
    left = _Left(session, share, moment, clock, using)
    while (wait := session.step()) <= timedelta(0) or session.must_go_on() or left.is_any():
        clock.wait(wake, min(wait, _PAUSE).total_seconds())
        wake.clear()
        session.turn.look_soon()


class _Left:
    """What was due at ``moment`` and has not begun."""

    def __init__(
        self, session: Session, share: Share, moment: datetime, clock: Clock, using: str
    ) -> None:
        self._session = session
        self._share = share
        self._moment = moment
        self._clock = clock
        self._using = using
        self._beaten_since: float | None = None

    def is_any(self) -> bool:
        """Tell whether something is left that can begin soon, or once a run ends here."""
        try:
            if self._waits():
                self._beaten_since = None
                return True
            return self._session.turn.sees_due(self._moment) and self._is_patient()
        except DatabaseError:
            return True  # the next turn meets it too, and goes on when it is over

    def _is_patient(self) -> bool:
        """Tell whether to try again what is due and could not be taken."""
        now = self._clock.monotonic()
        if self._beaten_since is None:
            self._beaten_since = now
        return now - self._beaten_since < conf.current().write_retry_budget.total_seconds()

    def _waits(self) -> bool:
        now = read_now(self._clock, self._using)
        here = lifecycle.active_runs(self._using).filter(process=self._session.membership.id)
        return (
            self._runs(here, now).exists()
            or self._clocks(here, now).exists()
            or self._catches_up(here)
        )

    def _held_up(self, here: QuerySet[Run], job: str) -> Q:
        """Match what a run here is in the way of: its job has one, or its executor no slot left."""
        full = [alias for alias, free in self._session.turn.free_slots().items() if free <= 0]
        return Q(**{f"{job}executor__in": full}) | Q(Exists(here.filter(job=OuterRef("job"))))

    def _runs(self, here: QuerySet[Run], now: datetime) -> QuerySet[Run]:
        """Return the runs that wait for the end of one here."""
        limited = here.filter(queue__in=list(conf.current().queue_limits))
        in_queue = Exists(limited.filter(queue=OuterRef("queue")))
        return Run.objects.using(self._using).filter(
            self._share.of_runs(),
            Q(due_at__isnull=True) | Q(due_at__lte=now),
            self._held_up(here, "") | in_queue,
            status=RunStatus.QUEUED.value,
            process__isnull=True,
            scheduled_for__lte=self._moment,
            executor__in=list(self._session.turn.free_slots()),
        )

    def _clocks(self, here: QuerySet[Run], now: datetime) -> QuerySet[JobClock]:
        """Return the clocks that are due and held up, or go on catching up after a short pause."""
        due = Q(next_run_at__lte=self._moment) & self._held_up(here, "job__")
        soon = Q(next_run_at__gt=now, next_run_at__lte=now + CATCH_UP_PAUSE)
        return JobClock.objects.using(self._using).filter(
            self._share.of_clocks(), due | (soon & Q(next_occurrence__lte=self._moment))
        )

    def _catches_up(self, here: QuerySet[Run]) -> bool:
        """Tell whether a run here is to end before its job's next missed one is planned."""
        clocks = JobClock.objects.using(self._using).filter(
            self._share.of_clocks(),
            Exists(here.filter(job=OuterRef("job"))),
            next_run_at__isnull=True,
            planned_until__lt=self._moment,
        )
        return any(self._is_behind(clock) for clock in clocks.select_related("job"))

    def _is_behind(self, clock: JobClock) -> bool:
        assert clock.planned_until is not None
        try:
            schedule = clock.job.parsed_schedule()
        except SchedulerError:
            return False
        if schedule.fixed_delay:
            return False
        missed = schedule.next_after(clock.planned_until)
        return missed is not None and missed <= self._moment
