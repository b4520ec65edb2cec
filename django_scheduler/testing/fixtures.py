"""Fixtures: put ``pytest_plugins = ["django_scheduler.testing"]`` into a conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import clock as clocks
from .manual import ManualClock, ManualScheduler

__all__ = ["manual_scheduler", "scheduler_clock"]


@pytest.fixture
def scheduler_clock() -> Iterator[ManualClock]:
    """A manual clock that the facades go by as well."""
    clock = ManualClock()
    previous = clocks.install(clock)
    yield clock
    clocks.install(previous)


@pytest.fixture
def manual_scheduler(scheduler_clock: ManualClock, db: None) -> Iterator[ManualScheduler]:
    """A scheduler on the manual clock; declared jobs are not carried into rows."""
    scheduler = ManualScheduler(scheduler_clock)
    yield scheduler
    scheduler.close()
