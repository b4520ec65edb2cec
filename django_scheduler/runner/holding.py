"""Holding a run at a checkpoint while it is to pause."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from ..clock import Clock
from ..lifecycle import Fact, Paused, Resumed
from .asking import ask_in_loop
from .calling import take_hook, take_hook_in_loop
from .reporting import Reporter
from .transactions import is_any_open
from .watch import Watched

__all__ = ["Holding"]


class Holding:
    """Keeps one run at its checkpoint: acknowledges the order, waits, and lets it go on.

    The order may have been taken back meanwhile; then the run is not held. Whatever ends a hold,
    a resume, an order to end or an error thrown into it, the run is on record as running before
    its function goes on: how it ends is then told as of any other.

    A function may come to checkpoints in several threads or tasks at once. The first of them
    speaks for the run, the others wait beside it.

    Nobody holds in a transaction: its locks would stay for as long as somebody likes, and where
    there is one writer, as in SQLite, the pause itself could never be written.
    """

    def __init__(self, watched: Watched, reporter: Reporter, clock: Clock) -> None:
        self._watched = watched
        self._orders = watched.context.orders
        self._reporter = reporter
        self._clock = clock
        self._first = threading.Lock()

    def hold(self) -> None:
        """Return when the run is to go on, or to end. In the function's own thread."""
        if self._is_in_transaction():
            return
        if not self._first.acquire(blocking=False):
            self._wait()
            return
        try:
            with self._watched.on_hold():
                was_held = self._hold()
        finally:
            self._first.release()
        if was_held and self._orders.to_stop is None:
            take_hook(self._watched.in_between("on_resume"))

    def _hold(self) -> bool:
        held = True  # also if the answer never comes: a signal may raise while it is waited for
        try:
            held = self._reporter.ask(self._paused())
            if held:
                take_hook(self._watched.in_between("on_pause"))
                self._wait()
        finally:
            if held and not self._watched.is_settled:
                self._reporter.ask(self._resumed())
        return held

    def _wait(self) -> None:
        told = threading.Event()
        self._orders.listen(told.set)
        try:
            while self._is_to_hold():
                self._clock.wait(told, None)
                told.clear()
        finally:
            self._orders.unlisten(told.set)

    async def ahold(self) -> None:
        """Do the same in an event loop, without holding up what else runs there."""
        if not self._first.acquire(blocking=False):
            await self._await()
            return
        try:
            with self._watched.on_hold():
                was_held = await self._ahold()
        finally:
            self._first.release()
        if was_held and self._orders.to_stop is None:
            await take_hook_in_loop(self._watched.in_between("on_resume"))

    async def _ahold(self) -> bool:
        said = _Asked(self._reporter, self._paused())
        try:
            if await said.answer():
                await take_hook_in_loop(self._watched.in_between("on_pause"))
                await self._await()
        finally:
            if said.held and not self._watched.is_settled:
                await _Asked(self._reporter, self._resumed()).answer()
        return said.held

    async def _await(self) -> None:
        told, loop = asyncio.Event(), asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago
                loop.call_soon_threadsafe(told.set)

        self._orders.listen(tell)
        try:
            while self._is_to_hold():
                await told.wait()
                told.clear()
        finally:
            self._orders.unlisten(tell)

    def _is_in_transaction(self) -> bool:
        if self._clock.pinned() is not None:
            # In a test, and most are a transaction. On its clock nothing is held anyway.
            return False
        return is_any_open()

    def _is_to_hold(self) -> bool:
        return self._orders.to_pause and self._orders.to_stop is None

    def _paused(self) -> Paused:
        return Paused(**self._watched.dispatch.guard)

    def _resumed(self) -> Resumed:
        to_end = self._orders.to_stop is not None
        return Resumed(**self._watched.dispatch.guard, to_end=to_end)


class _Asked:
    """A fact that is asked for from an event loop: the answer is known, come what may.

    Whoever is cancelled meanwhile hears of it once the answer is there. Else the row could say
    that a run holds that goes on.
    """

    def __init__(self, reporter: Reporter, fact: Fact) -> None:
        self._reporter = reporter
        self._fact = fact
        self.held = False

    async def answer(self) -> bool:
        """Return whether the fact held."""
        asking = asyncio.ensure_future(ask_in_loop(self._reporter, self._fact))
        cancelled: asyncio.CancelledError | None = None
        while not asking.done():
            try:
                await asyncio.wait([asking])
            except asyncio.CancelledError as error:
                cancelled = error
        self.held = asking.result()
        if cancelled is not None:
            raise cancelled
        return self.held
