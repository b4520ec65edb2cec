"""Holding a run at a checkpoint while it is to pause."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from ..clock import Clock
from ..exceptions import SchedulerError
from ..lifecycle import Paused, Resumed
from .calling import take_hook, take_hook_in_loop
from .reporting import Reporter
from .watch import Watched

__all__ = ["Holding"]


class Holding:
    """Keeps one run at its checkpoint: acknowledges the order, waits, and lets it go on.

    The order may have been taken back meanwhile; then the run is not held. A run that is told to
    end while it is held leaves at once, and its next words are how it ended.
    """

    def __init__(self, watched: Watched, reporter: Reporter, clock: Clock) -> None:
        self._watched = watched
        self._reporter = reporter
        self._clock = clock

    def hold(self) -> None:
        """Return when the run is to go on, or to end. In the function's own thread."""
        if not self._reporter.ask(self._paused()):
            return
        with self._watched.on_hold():
            take_hook(self._watched.in_between("on_pause"))
            self._wait()
            if self._goes_on():
                take_hook(self._watched.in_between("on_resume"))

    def _wait(self) -> None:
        told = threading.Event()
        orders = self._watched.context.orders
        orders.listen(told.set)
        try:
            while self._is_held():
                self._clock.wait(told, None)
                told.clear()
        except SchedulerError:
            # On a clock that stands still nobody could ever let it go on.
            self._reporter.tell(self._resumed())
            raise
        finally:
            orders.unlisten(told.set)

    async def ahold(self) -> None:
        """Do the same in an event loop, without holding up what else runs there."""
        if not await asyncio.to_thread(self._reporter.ask, self._paused()):
            return
        with self._watched.on_hold():
            await take_hook_in_loop(self._watched.in_between("on_pause"))
            await self._await()
            if self._goes_on():
                await take_hook_in_loop(self._watched.in_between("on_resume"))

    async def _await(self) -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(told.set)

        orders = self._watched.context.orders
        orders.listen(tell)
        try:
            while self._is_held():
                await told.wait()
                told.clear()
        finally:
            orders.unlisten(tell)

    def _is_held(self) -> bool:
        orders = self._watched.context.orders
        return orders.to_pause and orders.to_stop is None

    def _goes_on(self) -> bool:
        """Say that the run goes on, unless it is to end: then its outcome says everything."""
        if self._watched.context.orders.to_stop is not None:
            return False
        self._reporter.tell(self._resumed())
        return True

    def _paused(self) -> Paused:
        return Paused(**self._guard())

    def _resumed(self) -> Resumed:
        return Resumed(**self._guard())

    def _guard(self) -> dict[str, Any]:
        return self._watched.dispatch.guard
