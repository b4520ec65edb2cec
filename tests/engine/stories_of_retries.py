"""What a function does each time it is called, told in letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django_scheduler import RetryLater, SkipRun

__all__ = ["play"]


class Transport(ConnectionError):
    """A kind of error that is worth another try."""


FAILURES: dict[str, Any] = {
    "F": ValueError("as told"),
    "T": Transport("as told"),
    "L": RetryLater(7),
    "0": RetryLater(0),
    "K": SkipRun("nothing new"),
}


def play(recorder: Any, story: str) -> None:
    """Make the function do what the letters say, one a call: S succeeds, the others raise."""
    letters: Iterator[str] = iter(story)

    def act(_context: Any) -> str:
        letter = next(letters, "S")
        if letter in FAILURES:
            raise FAILURES[letter]
        return letter

    recorder.behaviour = act
