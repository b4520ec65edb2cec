"""How soon an order reaches the functions, if nothing tells of it and it is found in the row.

Orders given through `runs` are told where the database can, and then come at once; these are
written as another process would that nobody hears. Prints what it measured.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import Hook, jobs, manual, registry
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler
from django_scheduler.exceptions import RunInterrupted, RunStopped
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.facades.fixed import NOW
from tests.waiting import wait_until

MONITOR = 1.0
RUNS = 20


class Watchers:
    """Functions that note when they see what."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.seen: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def note(self, what: str) -> None:
        with self._lock:
            self.seen.setdefault(what, []).append(self.clock.monotonic())

    def hook(self, what: str) -> Hook:
        return Hook(lambda _context, _error=None: self.note(what))

    def work(self, context: Any) -> None:
        self.note("begun")
        try:
            while True:
                context.checkpoint()
                threading.Event().wait(0.005)
        except RunInterrupted:
            self.note("stalled")
            raise
        except RunStopped:
            self.note("stopped")
            raise

    def reached(self, what: str, order: Callable[[], Any]) -> float:
        """Give the order and return after how many seconds the last function saw it."""
        since = self.clock.monotonic()
        order()
        found = wait_until(lambda: times if len(times := self.seen.get(what, [])) == RUNS else None)
        return max(found) - since


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    made = Watchers()
    hooks = {"on_pause": made.hook("paused"), "on_resume": made.hook("resumed")}
    registry.register(Definition("watching", made.work, takes_context=True, hooks=hooks))
    yield made
    registry.unregister("watching")


@pytest.fixture
def scheduler(transactional_db: None, settings: Any) -> Iterator[Scheduler]:
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "MONITOR_INTERVAL": MONITOR}
    made = Scheduler(threads=RUNS, sync_code=False)
    made.start()
    made.wait_until_running(20)
    yield made
    made.stop(0)


def begin(watchers: Watchers, **fields: Any) -> None:
    jobs.add("job", function="watching", schedule=manual(), overlap="allow", **fields)
    for _ in range(RUNS):
        jobs.trigger("job")
    wait_until(lambda: len(watchers.seen.get("begun", [])) == RUNS)


def write(**fields: Any) -> Callable[[], int]:
    return lambda: Run.objects.update(**fields)


def test_pause_resume_and_stop_reach_all_functions_within_two_intervals(
    scheduler, watchers, capsys
):
    """C2, C3"""
    begin(watchers)
    wait_until(lambda: Run.objects.filter(status="running").count() == RUNS)
    took = {
        "pause": watchers.reached("paused", write(pause_requested_at=NOW)),
        "resume": watchers.reached("resumed", write(pause_requested_at=None)),
        "stop": watchers.reached("stopped", write(stop_requested_at=NOW, reason="asked")),
    }
    _tell(capsys, took)
    assert max(took.values()) <= 2 * MONITOR


def test_a_stall_is_seen_within_two_intervals_of_its_time(scheduler, watchers, capsys):
    """P3"""
    stall = 0.5
    begin(watchers, stall_timeout=timedelta(seconds=stall))
    took = watchers.reached("stalled", lambda: None)
    latest = max(watchers.seen["stalled"]) - max(watchers.seen["begun"]) - stall
    _tell(capsys, {"stall": latest})
    assert took <= 20
    assert latest <= 2 * MONITOR


def _tell(capsys: Any, took: dict[str, float]) -> None:
    with capsys.disabled():
        figures = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in took.items())
        sys.stdout.write(f"\n{RUNS} functions, interval {MONITOR} s, the last saw: {figures}\n")
