"""A few seconds of real time: what holds on a manual clock holds on the machine's as well."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import every, jobs, registry
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.waiting import wait_until

OVERLAPS = {
    "skip": {"overlap": "skip"},
    "queue": {"overlap": "queue"},
    "replace": {"overlap": "replace"},
    "allow": {"overlap": "allow"},
    "two": {"overlap": "allow", "max_running": 2},
}
SECOND = timedelta(seconds=1)
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
LONGER = 1.5
"""How long a run takes, in seconds: the next one comes due meanwhile, on any machine."""


class Inside:
    """Notes who is inside a function, and whether anybody came too early."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.early: list[str] = []

    def work(self, context: Any) -> None:
        """Be inside for a while, and leave when asked to."""
        name, at = context.job_name, SystemClock().now()
        with self._lock:
            self._now[name] += 1
            self.most[name] = max(self.most[name], self._now[name])
            self.calls[name, context.key] += 1
            if at < context.scheduled_for:
                self.early.append(f"{context.key} at {at}")
        try:
            self._stay(context)
        finally:
            with self._lock:
                self._now[name] -= 1

    @staticmethod
    def _stay(context: Any) -> None:
        clock = SystemClock()
        until = clock.monotonic() + LONGER
        while clock.monotonic() < until:
            context.checkpoint()
            clock.wait(threading.Event(), 0.05)


@pytest.fixture
def inside() -> Iterator[Inside]:
    made = Inside()
    registry.register(Definition("inside", made.work, takes_context=True))
    yield made
    registry.unregister("inside")


@pytest.fixture
def scheduler(transactional_db: None) -> Iterator[Scheduler]:
    made = Scheduler(threads=20, sync_code=False, poll_interval=timedelta(milliseconds=200))
    yield made
    if made.is_running:
        made.stop(0)


def test_jobs_of_each_second_are_never_early_and_overlap_only_where_they_may(scheduler, inside):
    """R1, T1, T6: facts, not times: a slow machine may skip more, but not run more."""
    for name, fields in OVERLAPS.items():
        jobs.add(name, function="inside", schedule=every(seconds=1), **fields)
    scheduler.start()
    scheduler.wait_until_running(20)
    wait_until(lambda: inside.most["allow"] >= 2 and all(_begun(name) >= 2 for name in OVERLAPS))
    scheduler.stop(10)
    assert inside.early == []
    assert set(inside.calls.values()) == {1}
    assert [inside.most[name] for name in ("skip", "queue", "replace")] == [1, 1, 1]
    assert inside.most["two"] <= 2
    for name in OVERLAPS:
        _assert_each_second_is_accounted_for(name)


def _begun(name):
    return Run.objects.filter(job_name=name, started_at__isnull=False).count()


def _assert_each_second_is_accounted_for(name):
    """From the first to the newest, each has a run or a record, and only one."""
    named = defaultdict(list)
    for run in Run.objects.filter(job_name=name):
        assert run.started_at is None or run.started_at >= run.scheduled_for
        assert run.finished_at is None or run.finished_at >= (run.started_at or run.queued_at)
        # A record stands for `missed` in all, a run for so many besides its own.
        count = run.missed if run.key.startswith("missed:") else run.missed + 1
        for steps in range(count):
            named[run.scheduled_for - steps * SECOND].append(run.key)
    first, last = min(named), max(named)
    assert len(named) == (last - first) / SECOND + 1
    assert [keys for keys in named.values() if len(keys) > 1] == []


def test_what_is_surely_reached_never_runs_ahead_whoever_asks_meanwhile():
    """Never early: of two threads that ask at once none may leave its bound beside the other's."""
    clock, machine = SystemClock(), SystemClock()
    zero = machine.monotonic()
    ahead: list[timedelta] = []

    def true_now(before: float = 0.0) -> datetime:
        return START + timedelta(seconds=machine.monotonic() - zero - before)

    def ask(slow: float) -> None:
        for _ in range(300):
            answered = true_now(slow * random.random())
            clock.calibrate(answered, machine.monotonic() - slow)
            ahead.append(clock.reached() - true_now())

    threads = [threading.Thread(target=ask, args=(slow,)) for slow in (0.0, 0.001, 0.03)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(ahead) <= timedelta(0)
