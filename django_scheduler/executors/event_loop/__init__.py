"""Runs as tasks of one event loop in this process: thousands at once, as long as they await.

`loop` keeps the loop turning and watches it, `flight` is one run in it. The threads beside it, for
plain functions and for what coroutines ask the database, are the runner's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ... import conf
from ...clock import Clock
from ...runner import Dispatch, Reporter, Runner
from ...runner.asking import ask_in_loop
from ...runner.outcome import Outcome
from ...runner.output import printing, routing
from ...runner.runner import trouble
from ...runner.threads import RunThread
from ...runner.watch import Watched
from ..base import LocalExecutor, read_flag, read_number, read_span
from .flight import Flight
from .loop import LoopThread

__all__ = ["AsyncioExecutor"]

logger = logging.getLogger("django_scheduler.runs")


class AsyncioExecutor(LocalExecutor):
    """One event loop in one thread, started for the first run and ended with the last.

    Args:
        slots: how many runs at once.
        threads: how many plain functions at once; as many threads again ask the database.
        grace: how long a function may go on after somebody asked it to stop; then its task is
            cancelled. Seconds or a ``timedelta``.
        capture_output: keep what a run prints in its log.
    """

    def __init__(
        self,
        alias: str,
        slots: int = 1_000,
        threads: int = 20,
        grace: timedelta | float = 5.0,
        capture_output: bool = False,
    ) -> None:
        self.slots = read_number("slots", slots)
        super().__init__(alias, self.slots)
        # Not called `threads`: those are counted as if each run opened a connection in one.
        self.most_threads = read_number("threads", threads)
        self.grace = read_span("grace", grace)
        self._captures = read_flag("capture_output", capture_output)
        self._routes = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: LoopThread | None = None

    @classmethod
    def from_options(
        cls, alias: str, options: Mapping[str, Any], *, threads: int
    ) -> AsyncioExecutor:
        """Return an executor with as many threads as the process has, unless OPTIONS say else."""
        return cls(alias, **{"threads": threads, **options})

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Remember who carries runs out; the loop is started when it is needed."""
        with self._state:
            self._runner, self._reporter, self._clock = runner, reporter, clock
            self._closed = False
            if self._captures and not self._routes:
                routing.begin()
                self._routes = True

    def submit(self, dispatch: Dispatch) -> None:
        """Begin the run in the loop, or keep it until there is a slot."""
        with self._state:
            if not self._take_place(dispatch):
                return
            if self._thread is None:
                self._thread = self._new_thread()
            self._thread.busy.set()
            self._thread.call(self._begin, dispatch, self._thread)

    def withdraw(self) -> list[Dispatch]:
        """Return the runs that wait for a slot; nothing begins from here on."""
        with self._state:
            self._closed = True
            waiting = self.reclaim()
            self._rest_if_idle()
            return waiting

    def stop(self, timeout: float) -> bool:
        """Wait until no run goes on; all threads are daemons, so none can hold the process back."""
        with self._state:
            ended = super().stop(timeout)
            if ended and self._closed and self._routes:
                self._routes = False
                routing.end()
            return ended

    def _new_thread(self) -> LoopThread:
        # One that does not turn for longer breaks the promise of MONITOR_INTERVAL: runs learn late
        # of what they are told.
        patience = conf.current().monitor_interval.total_seconds()
        thread = LoopThread(f"scheduler-{self.alias}", self.most_threads, self._clock, patience)
        thread.start()
        return thread

    def _begin(self, dispatch: Dispatch, thread: LoopThread) -> None:
        """Begin the run. In the loop, which itself would let go of the task half-way."""
        task = thread.loop.create_task(self._take_slot(dispatch, thread))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_slot(self, dispatch: Dispatch, thread: LoopThread) -> None:
        beside = RunThread(thread.database_threads)
        beside.use_here()
        try:
            await self._carry_out(dispatch)
            await self._tidy(beside)
        except BaseException:
            # Of ours, then. The slot is not to be lost over it, nor the loop.
            logger.exception("The run %s could not be carried out", dispatch.run_id)
        finally:
            self._leave_slot(thread)

    async def _carry_out(self, dispatch: Dispatch) -> None:
        runner = self._runner
        watched = runner.begin(dispatch)
        if watched is None:
            return
        try:
            outcome = await self._outcome(runner, watched)
            if outcome is None:
                runner.give_back(dispatch)
            else:
                runner.end(watched, outcome)
        finally:
            runner.watch.leave(watched)

    async def _outcome(self, runner: Runner, watched: Watched) -> Outcome | None:
        """Return how the run ended; None if it was not to begin."""
        try:
            mark = runner.start_mark(watched)
            if not watched.dispatch.needs_committed_start:
                self._reporter.tell(mark)
            elif not await ask_in_loop(self._reporter, mark):
                return None
            with runner.inside(watched), printing(watched.tail if self._captures else None):
                return await Flight(watched, self.grace).outcome()
        except BaseException as error:
            return trouble(watched, error)

    async def _tidy(self, beside: RunThread) -> None:
        """Leave no connection of the run behind; a call that hangs there is not waited for."""
        tidied = beside.end()
        if tidied is not None:
            seconds = max(self.grace.total_seconds(), 0.1)
            await asyncio.wait({asyncio.wrap_future(tidied)}, timeout=seconds)

    def _leave_slot(self, thread: LoopThread) -> None:
        """Give the slot to the run that has waited longest, if any does."""
        with self._state:
            following = self._leave_place()
            if following is not None:
                thread.call(self._begin, following, thread)
            else:
                self._rest_if_idle()

    def _rest_if_idle(self) -> None:
        """Let the loop be when nothing runs in it, and end when nothing will."""
        if self._busy or self._thread is None:
            return
        self._thread.busy.clear()
        if self._closed:
            self._thread.end()
            self._thread = None
