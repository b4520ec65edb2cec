"""A clock that stands still, functions registered for one test, and rows in a given state."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from django_scheduler import clock as clocks
from django_scheduler import registry
from django_scheduler.models import Job, Process, Run
from django_scheduler.registry import Definition

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class FixedClock:
    """Time that moves only when a test moves it, or when somebody waits on it."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant
        self.seconds = 0.0
        self.on_wait: Callable[[], object] = lambda: None

    def advance(self, span: timedelta) -> None:
        self.instant += span
        self.seconds += span.total_seconds()

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        assert timeout is not None, "nobody would ever wake"
        self.advance(timedelta(seconds=timeout))
        self.on_wait()
        return event.is_set()

    def pinned(self) -> datetime:
        return self.instant

    def calibrate(self, instant: datetime, sent: float) -> None:
        raise AssertionError("a pinned clock is never calibrated")

    def offset(self) -> timedelta:
        return timedelta(0)


@contextmanager
def fixed_clock(instant: datetime = NOW) -> Iterator[FixedClock]:
    """Facades and models read this clock within the block."""
    clock = FixedClock(instant)
    before = clocks.install(clock)
    try:
        yield clock
    finally:
        clocks.install(before)


@contextmanager
def registered(name: str, function: Callable[..., Any], **values: Any) -> Iterator[Definition]:
    """The function is known under this name within the block."""
    definition = Definition(name, function, **values)
    registry.register(definition)
    try:
        yield definition
    finally:
        if registry.is_registered(name):
            registry.unregister(name)


def report(region: str = "all", *, day: str = "") -> None:
    """A function that takes arguments."""


def plain() -> None:
    """A function that takes none."""


def make_process(**values: Any) -> Process:
    """A living process."""
    return Process.objects.create(
        **{
            "kind": "scheduler",
            "host": "here",
            "pid": 1,
            "name": "test",
            "version": "1",
            "started_at": NOW,
            "heartbeat_at": NOW,
            "lease_until": NOW + HOUR,
            **values,
        }
    )


def make_row(job: Job | None, status: str = "running", **values: Any) -> Run:
    """A stored run of the job, as if it had come to this status by itself."""
    return Run.objects.create(
        **{
            "job": job,
            "job_name": job.name if job else "gone",
            "function": "plain",
            "key": f"m:{uuid.uuid4()}",
            "trigger": "manual",
            "status": status,
            "scheduled_for": NOW,
            "queued_at": NOW,
            "executor": "default",
            "policy": {"on_lost": "retry"},
            **values,
        }
    )
