"""Runs in threads of this process: the default, which needs nothing but the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from django.db import connections

from ..clock import Clock
from ..runner import Dispatch, Reporter, Runner, tidy_connections
from ..runner.outcome import Outcome
from ..runner.output import printing, routing
from ..runner.runner import Perform, here
from ..runner.watch import Watched
from .base import LocalExecutor, read_flag, read_number

__all__ = ["ThreadPoolExecutor"]

logger = logging.getLogger("django_scheduler.runs")


def _keeping_output(watched: Watched) -> Outcome:
    """Have the function called here, and keep what it prints."""
    with printing(watched.tail):
        return here(watched)


class ThreadPoolExecutor(LocalExecutor):
    """A pool that grows when no thread is idle and reuses the one that became idle last.

    The standard library's pool would start every thread it may have before reusing one at a
    steady trickle of work, and its shutdown waits for functions that never return.
    """

    def __init__(self, alias: str, threads: int = 20, capture_output: bool = False) -> None:
        self.threads = read_number("threads", threads)
        super().__init__(alias, self.threads)
        self._captures = read_flag("capture_output", capture_output)
        self._perform: Perform = _keeping_output if capture_output else here
        self._routes = False
        self._idle: list[_Worker] = []
        self._runner: Runner | None = None

    @classmethod
    def from_options(
        cls, alias: str, options: Mapping[str, Any], *, threads: int
    ) -> ThreadPoolExecutor:
        """Return a pool of ``OPTIONS["threads"]``, or else of the process's thread count."""
        return cls(alias, **{"threads": threads, **options})

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Remember who carries runs out; threads are started when they are needed."""
        self._runner = runner
        self._closed = False
        if self._captures and not self._routes:
            routing.begin()
            self._routes = True

    def submit(self, dispatch: Dispatch) -> None:
        """Begin the run in an idle or a new thread, or keep it until one is free."""
        with self._state:
            if not self._take_place(dispatch):
                return
            if self._idle:
                self._idle.pop().give(dispatch)
            else:
                _Worker(self, dispatch).start()

    def withdraw(self) -> list[Dispatch]:
        """Return the runs that wait for a thread; nothing begins from here on."""
        with self._state:
            self._closed = True
            waiting = self.reclaim()
            for worker in self._idle:
                worker.give(None)
            self._idle.clear()
            return waiting

    def stop(self, timeout: float) -> bool:
        """Wait until no run goes on; threads are daemons, so none can hold the process back."""
        with self._state:
            ended = super().stop(timeout)
            if ended and self._closed and self._routes:
                self._routes = False
                routing.end()
            return ended

    def next_for(self, worker: _Worker) -> Dispatch | None:
        """Return what the thread is to do now; None if it must wait or end."""
        with self._state:
            following = self._leave_place()
            if following is None and self._closed:
                worker.give(None)
            elif following is None:
                self._idle.append(worker)
            return following

    def carry_out(self, dispatch: Dispatch) -> None:
        """Run it with connections fit for use, and leave none behind that is not."""
        assert self._runner is not None
        tidy_connections()
        try:
            self._runner.carry_out(dispatch, perform=self._perform)
        except BaseException:
            # Of ours, then. The thread and its place in the pool are not to be lost over it.
            logger.exception("The run %s could not be carried out", dispatch.run_id)
        finally:
            tidy_connections()


class _Worker(threading.Thread):
    """One thread of the pool, with a box for its next run."""

    def __init__(self, pool: ThreadPoolExecutor, first: Dispatch) -> None:
        super().__init__(name=f"scheduler-{pool.alias}", daemon=True)
        self._pool = pool
        self._next: Dispatch | None = first
        self._given = threading.Event()

    def give(self, dispatch: Dispatch | None) -> None:
        """Wake the thread with a run; None ends it."""
        self._next = dispatch
        self._given.set()

    def run(self) -> None:
        """Carry out what is given until None is."""
        try:
            while self._next is not None:
                self._work(self._next)
                self._given.wait()
                self._given.clear()
        finally:
            connections.close_all()

    def _work(self, dispatch: Dispatch | None) -> None:
        while dispatch is not None:
            self._pool.carry_out(dispatch)
            # Reset before the thread shows as idle: `give` may come at once from then on.
            self._next = None
            dispatch = self._pool.next_for(self)
