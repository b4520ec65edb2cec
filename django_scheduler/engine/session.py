"""One life of a scheduler process under one id: from joining to leaving, or to being given up."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Mapping
from datetime import timedelta
from threading import Event

from django.db import Error as DatabaseError
from django.db import close_old_connections

from .. import conf
from ..clock import Clock
from ..executors import Executor
from ..lifecycle import Finished, GivenBack, Order, orders_for
from ..runner import Heartbeat, Membership, Runner, Watch
from ..states import ProcessKind, Reason, RunStatus
from .ahead import Ahead, Timer
from .claiming import Claims
from .maintenance import Maintenance
from .outbox import Outbox
from .share import Share
from .turn import Turn
from .unwritten import Unwritten, announce

__all__ = ["Session"]

logger = logging.getLogger("django_scheduler.engine")

LONGEST_BACKOFF = 5.0
FIRST_BACKOFF = 0.1
_FLUSH_PAUSE = 0.05


class Session:
    """Everything that lives and ends with one process id. Used by the database thread only."""

    def __init__(
        self,
        clock: Clock,
        executors: Mapping[str, Executor],
        share: Share,
        *,
        name: str,
        using: str,
        wake: Event,
        poll_interval: timedelta,
        horizon: timedelta,
    ) -> None:
        settings = conf.current()
        self._clock = clock
        self._executors = executors
        self._using = using
        self._wake = wake
        self._backoff = 0.0
        self.given_up = Event()
        self.membership = Membership(ProcessKind.SCHEDULER, name, clock, using, settings.lease)
        self.ahead = Ahead(clock)
        self.turn = self._make_turn(share, poll_interval, horizon)
        self._timer = Timer(self.ahead, self.turn.submit)
        self.outbox = Outbox(wake.set, self.turn.write)
        self.turn.listen_to(self.outbox)
        self._unwritten = Unwritten(clock, settings.final_write_budget)
        self.watch = Watch(clock, self.membership.is_safe)
        self.maintenance = Maintenance(clock, executors, share, using, self.membership.steady_for)
        self.heartbeat = Heartbeat(
            self.membership,
            self.watch,
            self.outbox,
            clock,
            using=using,
            monitor_interval=settings.monitor_interval,
            heartbeat_interval=settings.heartbeat_interval,
            on_given_up=self._give_up,
            held=self.ahead.all,
            on_orders=self._obey,
        )

    def _make_turn(self, share: Share, poll_interval: timedelta, horizon: timedelta) -> Turn:
        claims = Claims(
            self.membership,
            self._executors,
            self.ahead,
            share,
            self._clock,
            using=self._using,
            poll_interval=poll_interval,
            horizon=horizon,
        )
        return Turn(
            self.membership,
            self._clock,
            self._executors,
            self.ahead,
            claims,
            using=self._using,
            batch=conf.current().batch_size,
            poll_interval=poll_interval,
            on_refused=self._tell_refused,
        )

    def open(self) -> None:
        """Join the living, and get the executors ready."""
        self.outbox.write_from_here()
        self.membership.join()
        runner = Runner(self._clock, self.outbox, self.watch)
        for executor in self._executors.values():
            executor.start(runner, self.outbox, self._clock)

    def start_threads(self) -> None:
        """Beat, and release what is held, in threads of their own."""
        self.heartbeat.start()
        if self._clock.pinned() is None:
            self._timer.start()

    def wake_up(self) -> None:
        """Look for what is due now, not when it was expected. From any thread."""
        self.turn.look_soon()
        self._wake.set()

    def _obey(self, orders: dict[uuid.UUID, Order]) -> None:
        """Carry out orders against runs that go on here, or are held here for their time."""
        self.watch.obey(orders)
        for dispatch in self.ahead.drop([each for each, order in orders.items() if order.ends]):
            reason = orders[dispatch.run_id].stop_reason
            if reason is not None:
                self.outbox.tell(
                    Finished(
                        **dispatch.guard,
                        status=RunStatus.STOPPED,
                        reason=reason,
                        at=self._clock.now(),
                        job_name=dispatch.job_name,
                    )
                )

    def _tell_refused(self, runs: Mapping[uuid.UUID, int]) -> None:
        """Tell functions that were called before their start was refused what stands against it.

        If the database is away at this very moment, the heartbeat tells them.
        """
        with contextlib.suppress(DatabaseError):
            self.watch.obey(orders_for(runs, self.membership.id, using=self._using))

    def step(self, *, claim: bool = True) -> timedelta:
        """Do one turn, and what maintenance is due, and return how long to wait.

        A database that is away is logged once and tried again, ever more slowly.
        """
        try:
            if claim:
                self._maintain()
            wait = self.turn.take(claim=claim)
        except DatabaseError as error:
            return min(self._after_trouble(error), self._unwritten.look(self.outbox.returned))
        if self._backoff:
            logger.warning("The database is back")
            self._backoff = 0.0
        return min(wait, self._unwritten.look(self.outbox.returned))

    def _maintain(self) -> None:
        """Do what maintenance is due; a row it stumbles over must not end the process."""
        try:
            self.maintenance.do_what_is_due(self.membership.id, self.turn.held)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("Maintenance met an error of its own and goes on")

    def must_go_on(self) -> bool:
        """Tell whether something that is due may not have begun, and yet will.

        There was no database to ask, or no clock and lease to act upon. What was taken and waits
        here for a slot or its exact instant would be given back at the end.
        """
        if self.given_up.is_set():
            return False
        # In this order: what is released meanwhile is seen in its executor.
        held = self.turn.was_blind or self._backoff > 0 or bool(self.ahead.all())
        return held or any(executor.waiting() for executor in self._executors.values())

    def _after_trouble(self, error: DatabaseError) -> timedelta:
        if not self._backoff:
            logger.warning("The database cannot be used, trying again: %s", error)
        close_old_connections()
        self.maintenance.audit_soon()
        self._backoff = min(LONGEST_BACKOFF, 2 * self._backoff or FIRST_BACKOFF)
        return timedelta(seconds=self._backoff)

    def _give_up(self) -> None:
        """This id was declared dead: let go of everything that is held under it."""
        logger.error("This process was given up by others; it starts over under a new id")
        for watched in self.watch.all():
            watched.give_up(RunStatus.INTERRUPTED, Reason.WORKER_LOST)
        self.watch.ask_all_to_stop(RunStatus.INTERRUPTED, Reason.WORKER_LOST)
        self.ahead.drain()
        self.given_up.set()
        self._wake.set()

    def abandon(self) -> None:
        """Leave everything as it is; whoever gave this process up has taken it over."""
        self._timer.stop()
        self.ahead.drain()
        for executor in self._executors.values():
            executor.withdraw()
        self.outbox.close()
        self.heartbeat.stop()

    def close(self, grace: timedelta) -> bool:
        """End in order and return whether every outcome was written.

        What has not begun is given back. What runs has ``grace``, then is asked to stop, and at
        last is recorded as ``stopped``, reason ``shutdown``.
        """
        with contextlib.suppress(DatabaseError):
            self.membership.leave()
        self._give_back()
        budget = conf.current().final_write_budget
        if not self._let_end(grace):
            self.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
            if not self._let_end(budget):
                for fact in self.watch.give_up_all(Reason.SHUTDOWN):
                    self.outbox.tell(fact)
        for executor in self._executors.values():
            executor.stop(0)
        complete = self._flush(budget)
        self.heartbeat.stop()
        if complete:
            with contextlib.suppress(DatabaseError):
                # Nothing is held any more: a row that stays behind only waits for its lease.
                self.membership.close()
        return complete

    def _give_back(self) -> None:
        self._timer.stop()
        for dispatch in self.ahead.drain():
            self.outbox.tell(GivenBack(**dispatch.guard, due_at=dispatch.due_at))
        now = self._clock.now()
        for executor in self._executors.values():
            for dispatch in executor.withdraw():
                self.outbox.tell(GivenBack(**dispatch.guard, due_at=now))

    def _let_end(self, span: timedelta) -> bool:
        """Go on writing outcomes until nothing runs any more; return False after ``span``."""
        deadline = self._clock.monotonic() + span.total_seconds()
        while True:
            # Who holds would do so until somebody lets him go on: the next process's run will.
            self.watch.ask_held_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
            if all(executor.stop(0) for executor in self._executors.values()):
                return True
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return False
            wait = min(left, 0.2, self.step(claim=False).total_seconds() or 0.01)
            self._clock.wait(self._wake, wait)
            self._wake.clear()

    def _flush(self, budget: timedelta) -> bool:
        deadline = self._clock.monotonic() + budget.total_seconds()
        while len(self.outbox):
            wait = self.step(claim=False).total_seconds()
            if self._clock.monotonic() >= deadline:
                break
            if self._backoff or len(self.outbox):
                self._clock.wait(Event(), min(wait, _FLUSH_PAUSE) or _FLUSH_PAUSE)
        rest = self.outbox.close()
        for letter in rest:
            announce(letter, letter.problem or TimeoutError("the process has to end"))
        return not rest
