"""One thread a process: it renews the lease, writes progress, brings orders, keeps time limits."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import (
    DataError,
    IntegrityError,
    close_old_connections,
    connections,
    transaction,
)
from django.db import Error as DatabaseError

from .. import signals
from ..clock import Clock
from ..lifecycle import Order, orders_for, record_progress, take_pause_back
from ..models.vendors import prepare_session
from .dispatch import Dispatch
from .membership import Membership
from .reporting import Reporter
from .watch import Watch, Watched

__all__ = ["Heartbeat"]

logger = logging.getLogger("django_scheduler.heartbeat")

_BATCH = 500
_REFUSED = (DataError, IntegrityError, ValueError, OverflowError)


class Heartbeat:
    """Beats for one process and all its runs.

    Args:
        on_given_up: called once, from this thread, when the lease was found to be lost.
        held: returns the runs that have not begun and may be ordered to stop as well.
        on_orders: carries out what the database holds against runs; None: the watch does.
    """

    def __init__(
        self,
        membership: Membership,
        watch: Watch,
        reporter: Reporter,
        clock: Clock,
        *,
        using: str,
        monitor_interval: timedelta,
        heartbeat_interval: timedelta,
        on_given_up: Callable[[], None],
        held: Callable[[], Sequence[Dispatch]] = list,
        on_orders: Callable[[dict[uuid.UUID, Order]], None] | None = None,
    ) -> None:
        self._membership = membership
        self._watch = watch
        self._reporter = reporter
        self._clock = clock
        self._using = using
        self._monitor_interval = monitor_interval.total_seconds()
        self._heartbeat_interval = heartbeat_interval.total_seconds()
        self._on_given_up = on_given_up
        self._held = held
        self._on_orders = on_orders or watch.obey
        self._last_beat = clock.boottime()
        self._troubled = False
        self._lost = False
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._delivery: signals.Delivery | None = None
        watch.wake = self._wake.set

    def start(self, delivery: signals.Delivery | None = None) -> None:
        """Begin to beat in a daemon thread.

        Args:
            delivery: where its facts go; None: where the caller's go. No receiver of them may hold
                up a beat.
        """
        self._delivery = delivery or signals.delivery_here()
        self._thread = threading.Thread(target=self._loop, name="scheduler-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once the thread has ended; what was reported by then is written."""
        self._ended.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        prepare_session(self._using)
        signals.deliver_through(self._delivery)
        try:
            while not self._ended.is_set():
                self._clock.wait(self._wake, self._pause())
                self._wake.clear()
                self.step()
        finally:
            connections.close_all()

    def _pause(self) -> float:
        """Return how long to wait: a beat comes in time also between two looks at the runs."""
        if self._troubled or self._lost:
            return self._monitor_interval
        left = self._last_beat + self._heartbeat_interval - self._clock.boottime()
        return min(self._monitor_interval, max(0.0, left))

    def step(self) -> None:
        """Do once what is due. A database that is away is logged once and tried again."""
        try:
            for fact in self._watch.overdue():
                self._reporter.tell(fact)
            self._beat_if_due()
            self._exchange()
            self._troubled = False
        except DatabaseError as error:
            if not self._troubled:
                logger.warning("The heartbeat cannot reach the database: %s", error)
            self._troubled = True
            close_old_connections()
        except Exception:
            # Whatever it was: a process that no longer beats is taken for dead, with all its runs.
            logger.exception("The heartbeat met an error of its own and goes on")
            self._troubled = True

    def _beat_if_due(self) -> None:
        now = self._clock.boottime()
        if self._lost or now - self._last_beat < self._heartbeat_interval:
            return
        self._lost = not self._membership.renew()
        self._last_beat = now
        if self._lost:
            self._on_given_up()

    def _exchange(self) -> None:
        watched = self._watch.all()
        self._write([one for one in watched if one.has_news()])
        dispatches = [*(one.dispatch for one in watched), *self._held()]
        if dispatches:
            epochs = {dispatch.run_id: dispatch.epoch for dispatch in dispatches}
            self._on_orders(orders_for(epochs, self._membership.id, using=self._using))
        for one in self._watch.unheeded(2 * self._monitor_interval):
            self._take_pause_back(one)

    def _write(self, news: Sequence[Watched]) -> None:
        """Store what runs report, some hundred together.

        A value the database refuses must not hold up the others: then each is stored alone.
        """
        for first in range(0, len(news), _BATCH):
            some = news[first : first + _BATCH]
            try:
                self._store(some)
            except _REFUSED:
                for one in some:
                    self._store_alone(one)

    def _store_alone(self, one: Watched) -> None:
        try:
            self._store([one])
        except _REFUSED as error:
            one.note_stored(one.report(self._clock.now())[1])
            logger.warning("What run %s reports cannot be stored: %s", one.dispatch.run_id, error)

    def _store(self, news: Sequence[Watched]) -> None:
        now = self._clock.now()
        reports = {one.dispatch.run_id: one.report(now) for one in news}
        with transaction.atomic(using=self._using):
            stored = record_progress(
                [reported for reported, _ in reports.values()],
                self._membership.id,
                using=self._using,
            )
        for one in news:
            if one.dispatch.run_id in stored:
                one.note_stored(reports[one.dispatch.run_id][1])

    def _take_pause_back(self, one: Watched) -> None:
        """Let a run go on that was asked to pause and reached no checkpoint, and say so.

        If there was nothing to take back, the next look at the orders says why.
        """
        dispatch = one.dispatch
        if take_pause_back(dispatch.run_id, dispatch.process, dispatch.epoch, using=self._using):
            one.asked_to_pause = None
            one.context.orders.go_on()
            logger.warning(
                "Run %s of %s reached no checkpoint within %s s of its order to pause; it goes on",
                dispatch.run_id,
                dispatch.job_name,
                2 * self._monitor_interval,
                extra=one.about,
            )
