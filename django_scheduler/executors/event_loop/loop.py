"""The thread of an event loop that nothing ends but its owner, and the one that watches it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from ...clock import Clock
from ...runner.threads import DaemonThreads, DatabaseThreads
from .flight import Flight, make_task

__all__ = ["LoopThread"]

logger = logging.getLogger("django_scheduler.runs")


class LoopThread(threading.Thread):
    """Lets an event loop turn until :meth:`end`.

    Args:
        most: how many threads there may be beside it for plain functions, and as many again for
            what coroutines ask the database.
        patience: after how many seconds without a turn of the loop it is said who holds it.
    """

    def __init__(self, name: str, most: int, clock: Clock, patience: float) -> None:
        super().__init__(name=name, daemon=True)
        self._threads = DaemonThreads(f"{name}-thread", most)
        self.database_threads = DatabaseThreads(f"{name}-database", most)
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(self._threads)
        self.loop.set_task_factory(make_task)
        self.busy = threading.Event()
        """Set while anything runs in the loop; it is watched for as long."""
        self.ended = threading.Event()
        """Set once the loop is to turn no more."""
        self._watcher = _Watcher(self, clock, patience)

    def call(self, call: Callable[..., Any], *args: Any) -> None:
        """Have the call made in the loop, in a context in which nothing is set. Any thread may."""
        self.loop.call_soon_threadsafe(call, *args, context=contextvars.Context())

    def run(self) -> None:
        """Let the loop turn, whatever happens in it."""
        self._watcher.start()
        try:
            while not (self._turn() and self.ended.is_set()):
                pass
        finally:
            self._close()

    def _turn(self) -> bool:
        """Let the loop turn until something stops it; return whether that was in order."""
        try:
            self.loop.run_forever()
        except BaseException as error:
            # A task that raises SystemExit stops the loop, and would end all runs with it.
            logger.exception("%s left the event loop, which goes on", type(error).__name__)
            if self.ended.is_set():
                self.loop.call_soon(self.loop.stop)
            return False
        return True

    def end(self) -> None:
        """Let the loop end. Any thread may."""
        self.ended.set()
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _close(self) -> None:
        self.busy.set()
        self._threads.shutdown()
        self.database_threads.shutdown()
        with contextlib.suppress(Exception):
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class _Watcher(threading.Thread):
    """Says which run holds the loop when it does not turn for too long."""

    def __init__(self, owner: LoopThread, clock: Clock, patience: float) -> None:
        super().__init__(name=f"{owner.name}-watch", daemon=True)
        self._owner = owner
        self._clock = clock
        self._patience = patience
        self._named: weakref.WeakSet[Flight] = weakref.WeakSet()

    def run(self) -> None:
        """Ask the loop for an answer, again and again, while anything runs in it."""
        ended = self._owner.ended
        while not ended.is_set():
            self._clock.wait(self._owner.busy, None)
            with contextlib.suppress(RuntimeError):  # it is closed
                self._ask()
            self._clock.wait(ended, self._patience)

    def _ask(self) -> None:
        """Ask once, and complain if one and the same task keeps the loop from answering.

        A loop that comes late because many tasks take their turns is busy, and held by nobody.
        """
        answer = threading.Event()
        self._owner.loop.call_soon_threadsafe(answer.set)
        seen: list[asyncio.Task[Any] | None] = []
        while len(seen) < 2 and not self._clock.wait(answer, self._patience / 2):
            seen.append(asyncio.current_task(self._owner.loop))
        if len(seen) == 2 and seen[0] is seen[1]:
            self._complain(seen[1])
        while not (self._owner.ended.is_set() or self._clock.wait(answer, self._patience)):
            pass

    def _complain(self, task: asyncio.Task[Any] | None) -> None:
        flight = getattr(task, "flight", None)
        if self._owner.ended.is_set():
            return
        if not isinstance(flight, Flight):
            logger.warning("Something that no run began holds the event loop%s", self._where())
        elif flight not in self._named:
            self._named.add(flight)
            # Within a copy of the run's context: so the line is kept with the run.
            flight.context.copy().run(self._accuse, flight)

    def _accuse(self, flight: Flight) -> None:
        dispatch = flight.watched.dispatch
        logger.warning(
            "Run %s of %s has held the event loop for %g s%s; no other run there moves meanwhile. "
            "Let it await what takes long, or call that in a thread, or use another executor.",
            dispatch.run_id,
            dispatch.job_name,
            self._patience,
            self._where(),
            extra=flight.watched.about,
        )

    def _where(self) -> str:
        frame = sys._current_frames().get(self._owner.ident or 0)
        if frame is None:
            return ""
        last = traceback.extract_stack(frame, limit=1)[-1]
        return f" (in {last.name}, {last.filename}, line {last.lineno})"
