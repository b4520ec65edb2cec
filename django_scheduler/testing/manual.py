"""The manual clock, and a scheduler that is driven by it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from django.db.models import Min

from .. import conf
from ..engine import Scheduler
from ..exceptions import SchedulerError
from ..executors import Executor
from ..executors.inline import InlineExecutor
from ..models import Job, Process
from ..states import ALIVE, JobState

__all__ = ["ManualClock", "ManualScheduler"]

_DEFAULT_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class ManualClock:
    """A clock that shows the instant it was set to; SQL is given the same instant.

    Args:
        start: aware; None: 2026-01-01 00:00 UTC.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = _aware(start or _DEFAULT_START)
        self._zero = self._now
        self._suspended = timedelta(0)

    def now(self) -> datetime:
        """Return the instant it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since it was made, without those of :meth:`suspend`."""
        return (self._now - self._zero - self._suspended).total_seconds()

    def boottime(self) -> float:
        """Return seconds since it was made, with those of :meth:`suspend`."""
        return (self._now - self._zero).total_seconds()

    def pinned(self) -> datetime | None:
        """Return the instant: SQL must not ask the database."""
        return self._now

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Let ``timeout`` seconds pass at once, and return whether ``event`` is set.

        Raises:
            SchedulerError: to wait without limit would be for ever.
        """
        if event.is_set():
            return True
        if timeout is None:
            raise SchedulerError("Nobody can set the event while a manual clock stands still.")
        self.advance(timedelta(seconds=timeout))
        return event.is_set()

    def calibrate(self, instant: datetime, sent: float) -> None:
        """Do nothing: it is never off."""

    def offset(self) -> timedelta:
        """Return zero."""
        return timedelta(0)

    def reached(self) -> datetime:
        """Return the instant it was set to: it is never off."""
        return self._now

    def advance(self, delta: timedelta | float) -> datetime:
        """Move forward by ``delta`` (seconds if it is a number) and return the new instant.

        Raises:
            SchedulerError: a negative delta.
        """
        span = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        if span < timedelta(0):
            raise SchedulerError("A manual clock moves forward only.")
        self._now += span
        return self._now

    def suspend(self, delta: timedelta | float) -> datetime:
        """Let ``delta`` pass as on a machine that sleeps, and return the new instant."""
        before = self._now
        self.advance(delta)
        self._suspended += self._now - before
        return self._now


def _aware(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise SchedulerError(f"{instant} must know its time zone.")
    return instant.astimezone(timezone.utc)


class ManualScheduler:
    """A scheduler in the calling thread, on a manual clock; functions run within its methods.

    Args:
        clock: None: a new one.
        executors: by alias; None: every declared alias runs inline.
        sync_code: carry declared jobs into rows at the first tick.
        horizon: how long before they are due runs are claimed. Zero unless it is said: a run then
            appears at its instant, as somebody who looks at rows expects.
    """

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        executors: Mapping[str, Executor] | None = None,
        sync_code: bool = False,
        horizon: timedelta = timedelta(0),
    ) -> None:
        self._horizon = horizon
        self.clock = clock or ManualClock()
        self._executors = executors
        self._sync_code = sync_code
        self._frozen = False
        self._scheduler = self._new()

    def _new(self) -> Scheduler:
        aliases = conf.current().executor_definitions()
        executors = self._executors or {alias: InlineExecutor(alias) for alias in aliases}
        return Scheduler(
            clock=self.clock,
            executors=executors,
            sync_code=self._sync_code,
            poll_interval=timedelta(hours=1),
            horizon=self._horizon,
        )

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler it drives."""
        return self._scheduler

    def run_due(self) -> timedelta:
        """Run everything that is due now and return how long nothing will be.

        A frozen scheduler does nothing.
        """
        if self._frozen:
            return timedelta(hours=1)
        while True:
            wait = self._scheduler.tick()
            if wait > timedelta(0):
                return wait

    def advance(self, delta: timedelta | float) -> datetime:
        """Let ``delta`` pass, running whatever comes due at its own instant; return the end."""
        span = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        end = self.clock.now() + span
        while True:
            wait = self.run_due()
            if self.clock.now() >= end:
                return end
            self.clock.advance(min(wait, self._longest_hop(), end - self.clock.now()))

    def _longest_hop(self) -> timedelta:
        """Return how far time may jump before somebody has to look.

        No further than a beat where other processes may have died, and not past the end of a
        pause that ends by itself.
        """
        hops = [timedelta.max]
        settings, session = conf.current(), self._scheduler.session
        others = Process.objects.filter(state__in=ALIVE)
        if session is not None:
            others = others.exclude(pk=session.membership.id)
        if others.exists():
            hops.append(settings.heartbeat_interval)
        ends = Job.objects.filter(state=JobState.PAUSED.value, paused_until__isnull=False)
        first = ends.aggregate(Min("paused_until"))["paused_until__min"]
        if first is not None:
            # What has ended is noticed by the next look at what hangs.
            hops.append(max(first - self.clock.now(), settings.reconcile_interval))
        return min(hops)

    def kill(self) -> None:
        """Be gone at once, as after SIGKILL. The next tick is a new process."""
        self._scheduler = self._new()
        self._frozen = False

    def freeze(self) -> None:
        """Stop doing anything, as after SIGSTOP, until :meth:`thaw`."""
        self._frozen = True

    def thaw(self) -> None:
        """Go on, as after SIGCONT, whatever happened meanwhile."""
        self._frozen = False

    def close(self) -> None:
        """Stop in order."""
        if self._scheduler.session is not None:
            self._scheduler.close()
