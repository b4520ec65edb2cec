"""Waiting for real threads and processes: the one file of the tests that reads a real clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(
    question: Callable[[], Answer], *, seconds: float = 20.0, interval: float = 0.02
) -> Answer:
    """Return the first truthy answer of `question`, asked again and again.

    Raises:
        AssertionError: no truthy answer came within `seconds`; it shows the last one.
    """
    give_up = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > give_up:
            raise AssertionError(f"still {answer!r} after {seconds} s: {question}")
        time.sleep(interval)
    return answer
