"""One run in the event loop: which tasks are its own, and how it is broken off."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from ... import conf
from ...runner.calling import call_in_loop, take_steps_in_loop
from ...runner.outcome import Outcome
from ...runner.pipeline import Answer, Call
from ...runner.runner import steps_or_outcome, trouble
from ...runner.watch import Watched
from ...states import Reason, RunStatus

__all__ = ["Flight", "RunTask", "make_task"]

logger = logging.getLogger("django_scheduler.runs")

_flight: contextvars.ContextVar[Flight | None] = contextvars.ContextVar(
    "django_scheduler_flight", default=None
)


class RunTask(asyncio.Task[Any]):
    """A task that knows the run it belongs to."""

    flight: Flight | None = None


def make_task(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **kwargs: Any
) -> asyncio.Task[Any]:
    """Make a task for the loop; one that a run begins is the run's own."""
    context = kwargs.get("context")
    flight = _flight.get() if context is None else context.get(_flight)
    task = RunTask(coro, loop=loop, **kwargs)
    if flight is not None:
        flight.adopt(task)
    return task


class Flight:
    """One run, from its first step in the loop to its last. To be made in the run's own task.

    Args:
        grace: how long the function may go on after somebody asked it to stop.
    """

    def __init__(self, watched: Watched, grace: timedelta) -> None:
        self.watched = watched
        self._grace = grace.total_seconds()
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert isinstance(task, RunTask)
        task.flight = self
        self._task = task
        self._began: set[asyncio.Task[Any]] = set()
        self._may_be_cut_short = False
        self._was_cut_short = False
        self._alarm: asyncio.TimerHandle | None = None
        _flight.set(self)
        self.context = contextvars.copy_context()
        """What is logged here is kept with the run."""

    def adopt(self, task: RunTask) -> None:
        """Take a task that the run has begun for one of its own."""
        task.flight = self
        self._began.add(task)
        task.add_done_callback(self._began.discard)

    async def outcome(self) -> Outcome:
        """Have the run's hooks and function called and return how it ended, whatever happens."""
        try:
            steps = steps_or_outcome(self.watched)
            if isinstance(steps, Outcome):
                return steps
            return await take_steps_in_loop(steps, self._call)
        except BaseException as error:
            return trouble(self.watched, error)

    async def _call(self, call: Call) -> Answer:
        answer = await call_in_loop(call, self._cut_short if call.may_be_cut_short else nullcontext)
        await self._end_tasks()
        return answer

    @contextmanager
    def _cut_short(self) -> Iterator[None]:
        """Let what is awaited within the block be cancelled, once, when the run is to end."""
        orders = self.watched.context.orders
        self._may_be_cut_short = True
        orders.listen(self._told)
        try:
            yield
        finally:
            orders.unlisten(self._told)
            self._may_be_cut_short = False
            if self._alarm is not None:
                self._alarm.cancel()
            self._forget_cancellation()

    def _forget_cancellation(self) -> None:
        """Let the hooks that follow begin as if nothing had been cancelled.

        Task groups and timeouts compare how often their task was told to end.
        """
        if self._was_cut_short and hasattr(self._task, "uncancel"):  # from Python 3.11 on
            self._task.uncancel()

    def _told(self) -> None:
        # By any thread, perhaps at the very moment when the loop ends.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._consider)

    def _consider(self) -> None:
        """Set the time at which the function is cancelled, if it is to end."""
        order = self.watched.context.orders.to_stop
        if order is None or not self._may_be_cut_short:
            return
        at = self._loop.time() + self._patience(*order)
        if self._alarm is not None and self._alarm.when() <= at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(at, self._cancel)

    def _patience(self, status: RunStatus, reason: str) -> float:
        """Return how long the function may go on: none, if its run is over already."""
        if status != RunStatus.STOPPED:
            return 0.0
        if reason != Reason.SHUTDOWN.value:
            return self._grace
        # It had its grace before it was told. What it does in `finally` is to be done in time.
        return min(self._grace, conf.current().final_write_budget.total_seconds() / 2)

    def _cancel(self) -> None:
        if self._may_be_cut_short and not self._was_cut_short:
            self._was_cut_short = True
            self._task.cancel()

    async def _end_tasks(self) -> None:
        """Cancel the tasks that a call has begun and left behind, and wait for their end."""
        left = {task for task in self._began if not task.done()}
        if not left:
            return
        for task in left:
            task.cancel()
        _, deaf = await asyncio.wait(left, timeout=max(self._grace, 0.1))
        if deaf:
            logger.warning(
                "%d tasks of run %s of %s go on although they were cancelled",
                len(deaf),
                self.watched.dispatch.run_id,
                self.watched.dispatch.job_name,
                extra=self.watched.about,
            )
