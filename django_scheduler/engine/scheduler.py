"""The scheduler as an object: started and stopped by a command, a test, or your own process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, close_old_connections, connections, transaction

from .. import conf, signals
from ..clock import Clock, SystemClock
from ..exceptions import (
    SchedulerAlreadyStarted,
    SchedulerError,
    SchedulerNotStarted,
    SchedulerStopped,
)
from ..executors import Executor, build_all
from ..lifecycle import ORDERS
from ..models.vendors import prepare_session, read_now, release_session
from ..policies import to_timedelta
from ..runner import Delivery
from .new_rules import follow_new_rules
from .once import run_what_is_due
from .session import Session
from .share import Share
from .starts import look_around
from .sync import sync
from .wakeup import hearing

__all__ = ["Scheduler"]

logger = logging.getLogger("django_scheduler.engine")

_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=5)


class Scheduler:
    """Plans and runs jobs until it is stopped.

    :meth:`start` gives it threads of its own; :meth:`tick` drives it by hand instead, which is
    what tests on a manual clock do. A scheduler that was stopped can be started again.

    Args:
        clock: None: real time.
        executors: by alias; None: those of the settings.
        database: the alias it works on; None: the setting's.
        name: shown in the list of processes; None: host and process id.
        threads: size of thread pools that do not say theirs; None: the setting's.
        queues: serve only jobs of these queues; None: all.
        sync_code: carry declared jobs into rows when it starts.
        poll_interval: the longest it sleeps; None: the setting's.
        horizon: how long before they are due runs are claimed; None: the setting's.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        executors: Mapping[str, Executor] | None = None,
        database: str | None = None,
        name: str | None = None,
        threads: int | None = None,
        queues: Sequence[str] | None = None,
        sync_code: bool = True,
        poll_interval: timedelta | None = None,
        horizon: timedelta | None = None,
    ) -> None:
        settings = conf.current()
        self._clock = clock or SystemClock()
        self._given_executors = executors
        self._using = database or settings.database
        self._name = name or ""
        self._threads = threads or settings.threads
        self._share = Share(queues)
        self._sync_code = sync_code
        self._poll_interval = poll_interval or settings.poll_interval
        self._horizon = settings.horizon if horizon is None else horizon
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._running = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: Session | None = None
        self._grace = settings.shutdown_grace
        self._failure: BaseException | None = None
        self._has_run = False
        self._phase = "not started"
        self.complete = True
        """Whether every outcome was written when it last stopped."""

    @property
    def is_running(self) -> bool:
        """Whether it is past its start and not yet stopped."""
        return self._running.is_set()

    def start(self) -> None:
        """Begin, in threads of its own, and return at once.

        Raises:
            SchedulerAlreadyStarted: it was started and not stopped.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise SchedulerAlreadyStarted("This scheduler is running; stop() it first.")
            self._stopping.clear()
            self._failure, self._has_run = None, False
            self._thread = threading.Thread(target=self._main, name="scheduler", daemon=True)
            self._thread.start()

    def stop(self, grace: timedelta | float | None = None) -> None:
        """Stop in order and return when it has stopped.

        Args:
            grace: how long running functions may go on before they are asked to stop; None: the
                ``SHUTDOWN_GRACE`` setting.

        Raises:
            SchedulerNotStarted: it never ran.
            SchedulerStopped: it is stopped already, by order or by an error.
        """
        with self._lock:
            thread = self._thread
            if thread is None:
                raise self._not_running()
            span = to_timedelta(grace, "grace")
            self._grace = conf.current().shutdown_grace if span is None else span
            self._stopping.set()
            self._wake.set()
        thread.join()
        with self._lock:
            self._thread = None

    def wait_until_running(self, timeout: timedelta | float | None = None) -> None:
        """Return once it is running.

        Args:
            timeout: None: as long as it takes.

        Raises:
            SchedulerNotStarted: it was not started, or failed to start; then the reason is its
                cause.
            SchedulerStopped: it was stopped, before or meanwhile.
            TimeoutError: it did not start in time; the phase it is in is named.
        """
        span = to_timedelta(timeout, "timeout")
        deadline = None if span is None else self._clock.monotonic() + span.total_seconds()
        while not self._running.wait(0.05):
            if self._thread is None or not self._thread.is_alive():
                raise self._not_running() from self._failure
            if deadline is not None and self._clock.monotonic() >= deadline:
                raise TimeoutError(f"The scheduler is still in its phase {self._phase!r}.")

    def _not_running(self) -> SchedulerNotStarted:
        if self._failure is not None:
            kind = SchedulerStopped if self._has_run else SchedulerNotStarted
            return kind(f"The scheduler ended in its phase {self._phase!r}: {self._failure}")
        if self._stopping.is_set():
            return SchedulerStopped("This scheduler is stopped; start() it again.")
        return SchedulerNotStarted("This scheduler was not started; start() it first.")

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has stopped by itself or by order; return whether it has."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def tick(self, now: datetime | None = None) -> timedelta:
        """Do one turn in the calling thread and return how long nothing will be due.

        For schedulers driven by hand; the first tick starts it.

        Args:
            now: the instant it is; None: what its clock says. It cannot differ from the clock.

        Raises:
            SchedulerAlreadyStarted: it runs in threads of its own.
            SchedulerError: ``now`` is not what the clock says.
        """
        if self._thread is not None:
            raise SchedulerAlreadyStarted("A scheduler that was started ticks by itself.")
        if now is not None and self._clock.pinned() not in (None, now):
            raise SchedulerError(f"It is {self._clock.pinned()}, not {now}: set the clock.")
        if self._session is None:
            self._session = self._open()
        self._session.heartbeat.step()
        if self._session.given_up.is_set():
            self._session = None
            return timedelta(0)
        # Nobody tells a scheduler driven by hand what has become due.
        self._session.turn.look_soon()
        return self._session.step()

    def run_once(self) -> None:
        """Run, in the calling thread, what is due at this moment, wait for it, and stop.

        Functions may go on for as long as they take. What was due and waits for a slot, in a full
        queue or for its job's run before it begins as well; what comes due meanwhile does not.

        Raises:
            SchedulerAlreadyStarted: it runs in threads of its own.
        """
        if self._thread is not None:
            raise SchedulerAlreadyStarted("A scheduler that was started runs by itself.")
        prepare_session(self._using)
        self._horizon = timedelta(0)
        try:
            self._run_what_is_due()
        finally:
            self._session = None
            release_session(self._using)

    def _run_what_is_due(self) -> None:
        self._session = session = self._open()
        session.start_threads()
        run_what_is_due(session, self._share, self._clock, self._wake, self._using)
        self.complete = session.close(timedelta(days=365))

    @property
    def session(self) -> Session | None:
        """What it works with at present; None when it is not running."""
        return self._session

    def close(self, grace: timedelta | float = 0) -> None:
        """End a scheduler driven by hand, in order.

        Raises:
            SchedulerNotStarted: it has not ticked.
        """
        if self._session is None:
            raise SchedulerNotStarted("This scheduler has not ticked.")
        self.complete = self._session.close(to_timedelta(grace, "grace") or timedelta(0))
        self._session = None

    def _open(self) -> Session:
        """Go through the phases of a start and return the session."""
        self._in_phase("executors")
        executors = self._given_executors or build_all(self._threads)
        session = Session(
            self._clock,
            executors,
            self._share,
            name=self._name,
            using=self._using,
            wake=self._wake,
            poll_interval=self._poll_interval,
            horizon=self._horizon,
        )
        if self._sync_code:
            self._in_phase("sync")
            sync(self._using, self._clock)
        self._in_phase("rules")
        # Read now, and not before: the sync may have waited for another process's.
        follow_new_rules(read_now(self._clock, self._using), self._using)
        self._in_phase("join")
        session.open()
        self._in_phase("orphans and runs at start")
        look_around(session.membership, self._share, self._clock, self._using)
        self._in_phase("running")
        return session

    def _in_phase(self, name: str) -> None:
        self._phase = name
        logger.debug("Phase %s", name)

    def _main(self) -> None:
        delivery = Delivery()
        delivery.start()
        signals.deliver_through(delivery.put)
        try:
            prepare_session(self._using)
            with hearing(self._clock, self._using, self._hear):
                self._live()
        except BaseException as error:
            self._failure = error
            logger.exception("The scheduler ended in its phase %s", self._phase)
            if self._session is not None:
                # Or its heart would beat on, and nobody ever take over what it held.
                self._session.abandon()
        finally:
            self._running.clear()
            self._session = None
            delivery.stop(timeout=5)
            connections.close_all()

    def _hear(self, word: str) -> None:
        session = self._session
        if session is not None:
            session.turn.look_soon()
            if word == ORDERS:
                session.watch.wake()
        self._wake.set()

    def _live(self) -> None:
        while not self._stopping.is_set():
            found = self._open_patiently()
            if found is None:
                return
            self._session = session = found
            session.start_threads()
            self._running.set()
            self._has_run = True
            self._tell(signals.scheduler_started, session)
            self._loop(session)
            if session.given_up.is_set():
                session.abandon()
                continue
            self._in_phase("stopping")
            self.complete = session.close(self._grace)
            self._tell(signals.scheduler_stopped, session)

    def _open_patiently(self) -> Session | None:
        """Return an open session; a database that is away is waited for. None: told to stop."""
        pause = timedelta(0)
        while not self._stopping.is_set():
            try:
                return self._open()
            except DatabaseError as error:
                if not pause:
                    logger.warning("The database cannot be used yet (%s): %s", self._phase, error)
                close_old_connections()
                pause = min(_LONGEST_PAUSE, 2 * pause or _FIRST_PAUSE)
                self._clock.wait(self._stopping, pause.total_seconds())
        return None

    def _loop(self, session: Session) -> None:
        while not (self._stopping.is_set() or session.given_up.is_set()):
            wait = min(session.step(), session.maintenance.until_judgement())
            self._clock.wait(self._wake, wait.total_seconds())
            self._wake.clear()

    def _tell(self, signal: object, session: Session) -> None:
        with contextlib.suppress(DatabaseError), transaction.atomic(using=self._using):
            signals.announce(
                signal,  # type: ignore[arg-type]
                using=self._using,
                sender=Scheduler,
                name=session.membership.name,
                process=session.membership.id,
            )

    @property
    def failure(self) -> BaseException | None:
        """Why it ended by itself; None if it did not."""
        return self._failure
