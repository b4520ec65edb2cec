"""Time stands still, and two functions are registered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.facades.fixed import FixedClock, fixed_clock, plain, registered, report


@pytest.fixture(autouse=True)
def clock() -> Iterator[FixedClock]:
    with fixed_clock() as clock, registered("report", report), registered("plain", plain):
        yield clock
