"""The worker's side: a Celery process takes the run whose id it received, and carries it out.

Such a process is a ``Process`` like a scheduler: with a row, a lease and one heartbeat for all
its runs. It must not know who published a run, nor plan anything.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from ... import clock as clocks
from ... import conf, lifecycle
from ...clock import Clock
from ...lifecycle import Fact, Order
from ...models import Run
from ...models.vendors import read_now, writing
from ...runner import Delivery, DirectReporter, Dispatch, Heartbeat, Membership, Runner, Watch
from ...states import ProcessKind, Reason, RunStatus
from .ending import is_told_to_end

__all__ = ["TASK", "Host", "carry_out", "close", "host"]

logger = logging.getLogger("django_scheduler.executors.celery")

TASK = "django_scheduler.run"

T = TypeVar("T")


@shared_task(  # type: ignore[untyped-decorator,unused-ignore]
    name=TASK,
    bind=True,
    max_retries=0,
    acks_late=True,
    reject_on_worker_lost=True,
    ignore_result=True,
    serializer="json",
)
def carry_out(task: Any, run_id: str) -> None:
    """Carry out the run if it still waits for a worker; what became of it is in its row.

    The message is acknowledged after the outcome is written. A message that comes again finds
    the run taken, and is acknowledged with nothing done.
    """
    name = f"{task.request.hostname or 'celery'}:{os.getpid()}"
    _patiently(lambda: host(name)).carry_out(uuid.UUID(run_id))


def _patiently(call: Callable[[], T]) -> T:
    """Return what ``call`` returns; an ailing database has the final write budget to recover."""
    clock, pause = clocks.installed(), 0.05
    deadline = clock.monotonic() + conf.current().final_write_budget.total_seconds()
    while True:
        try:
            return call()
        except DatabaseError:
            if clock.monotonic() + pause > deadline:
                raise
            close_old_connections()
            clock.wait(threading.Event(), pause)
            pause = min(2 * pause, 1.0)


class Host:
    """This operating system process, under one process id of the scheduler's."""

    def __init__(self, name: str, clock: Clock) -> None:
        settings = conf.current()
        self._clock = clock
        self._using = settings.database
        self._lock = threading.Lock()
        self._held: set[uuid.UUID] = set()
        self._given_up = threading.Event()
        self._delivery = Delivery()
        self._reporter = _Reporter(clock, self._using, settings.final_write_budget)
        self.membership = _Audited(name, clock, self._using, settings.lease, self._known)
        self._watch = Watch(clock, self.membership.is_safe)
        self._runner = Runner(clock, self._reporter, self._watch)
        self._heartbeat = Heartbeat(
            self.membership,
            self._watch,
            self._reporter,
            clock,
            using=self._using,
            monitor_interval=settings.monitor_interval,
            heartbeat_interval=settings.heartbeat_interval,
            on_given_up=self._give_up,
            on_orders=self._obey,
        )

    def _obey(self, orders: dict[uuid.UUID, Order]) -> None:
        """Pass on what the database holds against runs; at the end, who holds leaves as well."""
        self._watch.obey(orders)
        if is_told_to_end():
            self._watch.ask_held_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)

    def open(self) -> None:
        """Join the living, and begin to beat."""
        self.membership.join()
        self._delivery.start()
        self._heartbeat.start(self._delivery.put)

    def is_fit(self) -> bool:
        """Tell whether runs may begin under this id.

        After a freeze the lease may be over. Who asks first renews it, or learns that it is lost.
        """
        if self._given_up.is_set():
            return False
        if self.membership.is_safe() or self.membership.renew():
            return True
        self._give_up()
        return False

    def carry_out(self, run_id: uuid.UUID) -> None:
        """Take the run and carry it out; do nothing when it is not to be had."""
        with self._lock:
            if run_id in self._held:
                return
            self._held.add(run_id)
        try:
            run = self._take(run_id)
            if run is None:
                logger.info("Run %s is not waiting for a worker any more", run_id)
                return
            started_at = run.started_at
            assert started_at is not None
            due_at = started_at - (run.lateness or timedelta(0))
            self._runner.carry_out(Dispatch.of(run, due_at), started_at=started_at)
        finally:
            with self._lock:
                # Whose outcome is still to be written is not left behind, and not to run again.
                if not self._reporter.keeps(run_id):
                    self._held.discard(run_id)

    def _known(self) -> set[uuid.UUID]:
        """Write what could not be written before, and return the runs that are held here.

        The set itself, not a copy: a run is in it before the database can say so.
        """
        written = self._reporter.write_again()
        with self._lock:
            self._held.difference_update(written)
        return self._held

    def _take(self, run_id: uuid.UUID) -> Run | None:
        tried: list[datetime] = []
        return _patiently(lambda: self._try(run_id, tried))

    def _try(self, run_id: uuid.UUID, tried: list[datetime]) -> Run | None:
        """Take the run, or recognise that an earlier try did: its answer may have been lost."""
        mine = Run.objects.using(self._using).filter(
            pk=run_id,
            process=self.membership.id,
            status=RunStatus.RUNNING.value,
            started_at__in=tried,
        )
        with writing(self._using):
            now = read_now(self._clock, self._using)
            if tried and (found := mine.select_related("job").first()) is not None:
                return found
            tried.append(now)
            return lifecycle.take_dispatched(run_id, self.membership.id, now=now, using=self._using)

    def _give_up(self) -> None:
        """This id was declared dead: let go of everything that is held under it."""
        if self._given_up.is_set():
            return
        self._given_up.set()
        logger.error("This worker was given up by others; it goes on under a new id")
        for watched in self._watch.all():
            watched.give_up(RunStatus.INTERRUPTED, Reason.WORKER_LOST)
        self._watch.ask_all_to_stop(RunStatus.INTERRUPTED, Reason.WORKER_LOST)

    def abandon(self) -> None:
        """Stop beating for an id that is dead."""
        self._heartbeat.stop()

    def close(self) -> None:
        """End in order: what still runs is ``stopped`` and runs again if it may."""
        for fact in self._watch.give_up_all(Reason.SHUTDOWN):
            self._reporter.tell(fact)
        self._heartbeat.stop()
        self._delivery.stop(timeout=5)
        self._known()
        self.membership.close()


class _Audited(Membership):
    """A membership whose every beat also looks for runs that were left behind.

    The database may say that this process runs something it does not: an outcome could not be
    written in time, or the answer to a commit was lost.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        using: str,
        lease: timedelta,
        known: Callable[[], set[uuid.UUID]],
    ) -> None:
        super().__init__(ProcessKind.WORKER, name, clock, using, lease)
        self._known = known

    def renew(self) -> bool:
        """Extend the lease, give up what is not held here, and return whether it lives."""
        if not super().renew():
            return False
        known = self._known()
        with writing(self._using):
            now = read_now(self._clock, self._using)
            lifecycle.free_unknown(self.id, known, now=now, using=self._using)
        return True


class _Reporter(DirectReporter):
    """Writes in the thread of the task, whose function has left its transactions by then."""

    def ask(self, fact: Fact) -> bool:
        """Write the fact down in a thread of its own.

        The function asks, in the middle of whatever transaction it has open: a word about its run
        must neither wait for its commit nor go with its rollback.
        """
        with ThreadPoolExecutor(1, "scheduler-word") as alone:
            return alone.submit(self._ask_and_close, fact).result()

    def _ask_and_close(self, fact: Fact) -> bool:
        try:
            return super().ask(fact)
        finally:
            connections.close_all()


_hosts: dict[int, Host] = {}
"""At most one for this process; what a fork inherits belongs to its parent."""

_lock = threading.Lock()


def host(name: str) -> Host:
    """Return the host of this operating system process; the first call joins the living.

    Raises:
        DatabaseError: the database cannot be used; nothing is remembered.
    """
    pid = os.getpid()
    with _lock:
        found = _hosts.get(pid)
        if found is not None and not found.is_fit():
            _hosts.pop(pid).abandon()
            found = None
        if found is None:
            found = Host(name, clocks.installed())
            found.open()
            _hosts[pid] = found
        return found


@worker_process_shutdown.connect
@worker_shutdown.connect
def close(**_kwargs: object) -> None:
    """Leave in order when Celery ends this process; outcomes are written by then."""
    with _lock:
        found = _hosts.pop(os.getpid(), None)
    if found is None:
        return
    try:
        found.close()
    except DatabaseError as error:
        logger.error("The worker could not leave in order; its lease ends by itself: %s", error)
    finally:
        connections.close_all()
