"""Runs in child processes of their own, one a run: they can be killed, and give back their memory.

The parent's side: `executor` (how many at once), `conversation` (one run, from its dispatch to its
outcome), `child_process` (what the operating system is asked). The child's side: `boot` (before
Django is there) and `child` (the run). `wire` is the form in which values cross.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from datetime import timedelta

from django.db import connections

from ... import conf
from ...clock import Clock
from ...exceptions import BackendUnsupported, SchedulerError
from ...models.vendors import is_in_memory
from ...runner import Dispatch, Reporter, Runner
from ...runner.outcome import Outcome
from ...runner.watch import Watched
from ..base import LocalExecutor, read_flag, read_number, read_span
from .child_process import ChildProcess
from .conversation import Conversation, Parent

__all__ = ["ProcessExecutor"]

logger = logging.getLogger("django_scheduler.runs")


class ProcessExecutor(LocalExecutor):
    """A child process for each run.

    Args:
        processes: how many runs at once; None: as many as this process may use processors.
        grace: how long a child has to end after it was told to stop, or has told its outcome; then
            it is killed. Seconds or a ``timedelta``.
        capture_output: keep what a run prints in its log.
        spare: how many children to have ready, with Django set up, before there is a run for them.
    """

    def __init__(
        self,
        alias: str,
        processes: int | None = None,
        grace: timedelta | float = 5.0,
        capture_output: bool = True,
        spare: int = 0,
    ) -> None:
        most = _processors() if processes is None else processes
        self.processes = read_number("processes", most)
        super().__init__(alias, self.processes)
        self.spare = read_number("spare", spare, 0)
        self.grace = read_span("grace", grace)
        self.capture_output = read_flag("capture_output", capture_output)
        self._stocking = threading.Lock()
        self._spares: deque[ChildProcess] = deque()
        self._runner: Runner | None = None
        self._parent: Parent | None = None

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Remember who carries runs out; without spares, children are started with their runs."""
        self._runner = runner
        self._parent = Parent(reporter, clock, self.grace, lambda: runner.watch.wake())
        self._closed = False
        if self.spare:
            threading.Thread(target=self._stock_up, name="scheduler-spare", daemon=True).start()

    def submit(self, dispatch: Dispatch) -> None:
        """Begin the run in a child of its own, or keep it until there may be one."""
        if not self._take_place(dispatch):
            return
        name = f"scheduler-{self.alias}"
        threading.Thread(target=self._work, args=(dispatch,), name=name, daemon=True).start()

    def withdraw(self) -> list[Dispatch]:
        """Return the runs that wait for a child; nothing begins from here on."""
        with self._state:
            self._closed = True
            waiting = self.reclaim()
            spares = list(self._spares)
            self._spares.clear()
        for child in spares:
            _discard(child)
        return waiting

    def _work(self, dispatch: Dispatch) -> None:
        """Carry out the run, and those that waited for its place."""
        following: Dispatch | None = dispatch
        try:
            while following is not None:
                self._carry_out(following)
                following = self._leave_place()
        finally:
            connections.close_all()

    def _carry_out(self, dispatch: Dispatch) -> None:
        assert self._runner is not None
        try:
            self._runner.carry_out(dispatch, perform=self._perform)
        except Exception:
            # Those that wait for this place must not be lost with it.
            logger.exception("What became of run %s could not be told", dispatch.run_id)

    def _perform(self, watched: Watched) -> Outcome:
        assert self._parent is not None
        _refuse_memory()
        child = self._take_spare() or self._new_child()
        if self.spare:
            threading.Thread(target=self._stock_up, name="scheduler-spare", daemon=True).start()
        return Conversation(child, watched, self._parent).outcome()

    def _new_child(self) -> ChildProcess:
        assert self._parent is not None
        return ChildProcess(self._parent.clock, captured=self.capture_output)

    def _take_spare(self) -> ChildProcess | None:
        """Return a child that is ready, or getting ready; one that ended meanwhile is none."""
        while True:
            with self._state:
                child = self._spares.popleft() if self._spares else None
            if child is None or not child.has_ended():
                return child
            _discard(child)

    def _stock_up(self) -> None:
        """Start as many children as are to be ready; none once nothing begins here any more."""
        # A run that needs a child meets the same error and says so.
        with self._stocking, contextlib.suppress(OSError, SchedulerError):
            while len(self._spares) < self.spare and not self._closed:
                child = self._new_child()
                with self._state:
                    if not self._closed:
                        self._spares.append(child)
                        continue
                _discard(child)


def _discard(child: ChildProcess) -> None:
    child.end()
    child.words.close()
    if child.output is not None:
        child.output.close()


def _refuse_memory() -> None:
    using = conf.current().database
    if is_in_memory(using):
        raise BackendUnsupported(
            f"The database {using!r} is SQLite in the memory of this process, which a child "
            "process cannot see. Give it a file as its NAME (in tests, as its TEST NAME as well), "
            "or let the job's executor be a thread pool."
        )


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
