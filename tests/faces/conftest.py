"""What tests of the faces share: a clock that stands still and a registered function."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from django_scheduler import clock as clocks
from tests.faces.admin_rows import NOW, registered


class StandingClock:
    """A clock that stands still: what pages say about "now" is the same in every run."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        return event.is_set()

    def pinned(self) -> datetime | None:
        return self.at

    def calibrate(self, instant: datetime, sent: float) -> None:
        raise AssertionError("a standing clock is never calibrated")

    def offset(self) -> timedelta:
        return timedelta(0)


@pytest.fixture
def standing_clock() -> Iterator[StandingClock]:
    """The facades and pages believe it is `NOW`."""
    clock = StandingClock(NOW)
    previous = clocks.install(clock)
    yield clock
    clocks.install(previous)


@pytest.fixture
def work() -> Iterator[None]:
    """A function "work" is registered, which takes ``region`` and ``batch``."""
    with registered("work"):
        yield
