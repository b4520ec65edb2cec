"""Thousands of runs that are all inside their functions at one moment, and all recorded (E1 E4).

The figures are printed: on shared cores they say little, and decide nothing here.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Count

from benchmarks.loading import load, make_due, utc_now
from django_scheduler import registry
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler
from django_scheduler.executors import Executor
from django_scheduler.executors.event_loop import AsyncioExecutor
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.waiting import wait_until

pytestmark = [pytest.mark.crowd, pytest.mark.django_db(transaction=True)]

AHEAD = timedelta(seconds=2)
"""Due so far ahead, that all of them are claimed as soon as they may be."""


class Crowd:
    """Counts who is inside; the last one to come opens the door for all."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._inside = 0
        self._leave = threading.Event()
        self._clock = SystemClock()
        self.complete_at: float | None = None

    def _enter(self) -> bool:
        with self._lock:
            self._inside += 1
            if self._inside == self._size:
                self.complete_at = self._clock.monotonic()
            return self._inside == self._size

    def stay(self) -> None:
        """Be inside until everybody is. In a thread."""
        if self._enter():
            self._leave.set()
        assert self._leave.wait(120)

    def make_coroutine(self) -> Callable[[], Any]:
        """Return a function that does the same in an event loop."""
        leave = asyncio.Event()

        async def astay() -> None:
            if self._enter():
                leave.set()
            await asyncio.wait_for(leave.wait(), 120)

        return astay


@contextmanager
def _scheduler(executor: Executor) -> Iterator[None]:
    scheduler = Scheduler(executors={executor.alias: executor}, sync_code=False)
    scheduler.start()
    try:
        scheduler.wait_until_running(60)
        yield
    finally:
        scheduler.stop(60)


@pytest.mark.parametrize(
    ("make", "count"),
    [
        pytest.param(lambda n: ThreadPoolExecutor("default", threads=n), 1_000, id="threads"),
        pytest.param(lambda n: AsyncioExecutor("asyncio", slots=n), 1_000, id="asyncio-1000"),
        pytest.param(lambda n: AsyncioExecutor("asyncio", slots=n), 10_000, id="asyncio-10000"),
    ],
)
def test_so_many_runs_go_on_at_once_and_all_are_recorded(make, count, capsys):
    """engine 7: what is inside at once is the whole number, or nobody would leave."""
    executor, crowd, clock = make(count), Crowd(count), SystemClock()
    is_thread = isinstance(executor, ThreadPoolExecutor)
    registry.register(Definition("crowd", crowd.stay if is_thread else crowd.make_coroutine()))
    try:
        ids = load(count, "crowd", executor=executor.alias)
        with _scheduler(executor):
            due = clock.monotonic() + AHEAD.total_seconds()
            make_due(ids, utc_now() + AHEAD)
            inside = wait_until(lambda: crowd.complete_at, seconds=120) - due
            wait_until(lambda: _ended() == {"succeeded": count}, seconds=120)
            recorded = clock.monotonic() - due
    finally:
        registry.unregister("crowd")
    assert Run.objects.filter(left_at=None).count() == 0
    with capsys.disabled():
        sys.stdout.write(
            f"\n{count:,} at once, {executor.alias}: all inside {inside:.2f} s after they were "
            f"due, all recorded after {recorded:.2f} s\n"
        )


def _ended() -> dict[str, int]:
    found = Run.objects.values_list("status").annotate(Count("pk")).order_by()
    return dict(found)
