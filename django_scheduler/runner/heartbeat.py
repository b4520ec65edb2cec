"""One thread a process: it renews the lease, writes progress, brings orders, keeps time limits."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import DataError, IntegrityError, close_old_connections, connections
from django.db import Error as DatabaseError

from ..clock import Clock
from ..lifecycle import Order, orders_for, record_progress
from ..models.vendors import prepare_session
from .dispatch import Dispatch
from .membership import Membership
from .reporting import Reporter
from .watch import Watch, Watched

__all__ = ["Heartbeat"]

logger = logging.getLogger("django_scheduler.heartbeat")


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
        watch.wake = self._wake.set

    def start(self) -> None:
        """Begin to beat in a daemon thread."""
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
        for one in watched:
            self._write_alone(one)
        dispatches = [*(one.dispatch for one in watched), *self._held()]
        if dispatches:
            epochs = {dispatch.run_id: dispatch.epoch for dispatch in dispatches}
            self._on_orders(orders_for(epochs, self._membership.id, using=self._using))

    def _write_alone(self, one: Watched) -> None:
        """Store what one run reports; a value the database refuses must not hold up the others."""
        try:
            self._write(one)
        except (DataError, IntegrityError, ValueError, OverflowError) as error:
            one.written = one.context.said.changes
            logger.warning("What run %s reports cannot be stored: %s", one.dispatch.run_id, error)

    def _write(self, one: Watched) -> None:
        """Store progress and data that changed since they were last stored."""
        changes = one.context.said.changes
        if changes == one.written:
            return
        one.progress_at = self._clock.now()
        dispatch = one.dispatch
        if record_progress(
            dispatch.run_id,
            dispatch.process,
            dispatch.epoch,
            one.report_fields(),
            using=self._using,
        ):
            one.written = changes
