"""A run as its own function sees it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sized
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ..exceptions import InvalidData
from .facts import Facts
from .holder import Holder, NoHolder
from .loops import is_in_loop
from .orders import Orders
from .past import Carried, NoPast, Past
from .said import Said, checked_progress

__all__ = ["RunContext"]

T = TypeVar("T")


def _nothing() -> None:
    return None


async def _in_loop(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


class RunContext:
    """A run as its own function sees it. Its methods may be called from any thread.

    Attributes of :class:`Facts` are readable as attributes of the context. Changing the copies
    it hands out changes nothing elsewhere.

    Args:
        past: knows what earlier runs left; None: nothing.
        wake: called when something was said that is not to wait for the next interval.
    """

    job_name: str
    run_id: str
    key: str
    trigger: str
    attempt: int
    schedule: str
    scheduled_for: datetime
    started_at: datetime
    missed: int
    last_finished_at: datetime | None
    last_success_at: datetime | None

    def __init__(
        self, facts: Facts, wake: Callable[[], None] = _nothing, past: Past | None = None
    ) -> None:
        self._facts = facts
        self._wake = wake
        self._said = Said()
        self._orders = Orders()
        self._carried = Carried(past or NoPast())
        self.holder: Holder = NoHolder()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._facts, name)

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments of this run."""
        return copy.deepcopy(self._facts.args)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments of this run, as a copy."""
        return copy.deepcopy(dict(self._facts.kwargs))

    @property
    def metadata(self) -> dict[str, Any]:
        """The job's metadata as it was when the run was made, as a copy."""
        return copy.deepcopy(dict(self._facts.metadata))

    @property
    def delay(self) -> timedelta:
        """How long after its scheduled instant the run started; never negative."""
        return self._facts.started_at - self._facts.scheduled_for

    @property
    def data(self) -> dict[str, Any]:
        """What was saved during this run so far, as a copy."""
        return self._said.data

    @property
    def state(self) -> dict[str, Any]:
        """What the job carries from run to run: change it in place, with JSON values.

        It is kept as it is at each ``progress()``, ``save_data()`` and ``checkpoint()``, so also in
        ``track()``, and when the run ends, however it ends. The next run goes on with it.
        """
        return self._carried.state

    @property
    def previous_result(self) -> Any:
        """What the job's newest run that succeeded returned; None if none has, or nothing."""
        return copy.deepcopy(self._carried.previous_result)

    @property
    def stop_requested(self) -> bool:
        """Whether this run has been asked to stop, by a person, a timeout or a shutdown."""
        return self._orders.to_stop is not None

    @property
    def pause_requested(self) -> bool:
        """Whether this run has been asked to hold at its next checkpoint."""
        return self._orders.to_pause

    def progress(
        self, completed: int, total: int | None = None, message: str = "", retries: int = 0
    ) -> None:
        """Report how far the run is; written down within one monitor interval.

        Raises:
            InvalidData: negative numbers, or more completed than there is; the old value stays.
                Or the state cannot be kept.
        """
        self.keep_state()
        self._said.progressed(checked_progress(completed, total, message, retries))

    def track(self, iterable: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Yield the items, reporting progress after each and stopping when asked to.

        Without ``total`` the length is used where there is one (a QuerySet's is its count).
        """
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self.progress(0, total)
        for completed, item in enumerate(iterable, start=1):
            self.checkpoint()
            yield item
            self.progress(completed, total if total is None else max(total, completed))

    def save_data(self, **values: Any) -> None:
        """Merge ``values`` into the run's data, which hooks and the admin see at once.

        Raises:
            InvalidData: a value is not JSON, or all together are longer than a megabyte; nothing
                of this call is kept. Or the state cannot be kept.
        """
        self.keep_state()
        self._said.saved(values)
        self._wake()

    async def atrack(
        self, iterable: Iterable[T] | AsyncIterable[T], total: int | None = None
    ) -> AsyncIterator[T]:
        """Do what :meth:`track` does in an event loop, over items that come or that are there."""
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self.progress(0, total)
        completed = 0
        async for item in _in_loop(iterable):
            await self.acheckpoint()
            yield item
            completed += 1
            self.progress(completed, total if total is None else max(total, completed))

    def checkpoint(self) -> None:
        """Return at once; or leave the function if the run is to end; or hold if it is to pause.

        A run that holds goes on, and this returns, when it is resumed. In an event loop, where
        everything would hold with it, it only leaves: see :meth:`acheckpoint`. So it does in a
        transaction, whose locks would stay.

        Raises:
            RunStopped: somebody stopped it, or the process shuts down.
            RunTimedOut: it is over its timeout.
            RunInterrupted: it was given up.
            InvalidData: the state cannot be kept.
        """
        self._keep_or_leave()
        if self._orders.to_pause and not is_in_loop():
            self.holder.hold()
            self._leave_if_told()

    async def acheckpoint(self) -> None:
        """Do what :meth:`checkpoint` does in an event loop, and let others go on while it holds."""
        self._keep_or_leave()
        if self._orders.to_pause:
            await self.holder.ahold()
            self._leave_if_told()

    def _keep_or_leave(self) -> None:
        """Keep the state, and leave if told to: a state that cannot be kept holds up no end."""
        try:
            self.keep_state()
        finally:
            self._leave_if_told()

    def _leave_if_told(self) -> None:
        error = self._orders.as_error()
        if error is not None:
            raise error

    def run_again_in(self, delta: timedelta | float) -> None:
        """Ask for the job's next run ``delta`` after this one ends, if it succeeds.

        Args:
            delta: a ``timedelta`` or seconds; 0 means at once, with a floor of one second.

        Raises:
            InvalidData: a negative delta.
        """
        span = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        if span < timedelta(0):
            raise InvalidData("run_again_in() takes a span from 0, not a past one.", field="delta")
        self._said.again_in(span)

    def keep_state(self) -> None:
        """Keep the state as it is now, if it was asked for and has changed.

        Raises:
            InvalidData: it is not JSON, has keys that are no texts, or is longer than a megabyte;
                what was kept before stays.
        """
        changed = self._carried.changed()
        if changed is not None:
            self._said.carried(changed)

    @property
    def orders(self) -> Orders:
        """What this run is told; for whoever carries it out."""
        return self._orders

    @property
    def said(self) -> Said:
        """What this run has said; for whoever carries it out."""
        return self._said
