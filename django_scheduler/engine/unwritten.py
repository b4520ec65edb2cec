"""Outcomes that cannot be written: when that is said, and how others are kept from waiting.

What a run came to is kept in memory and tried again for as long as the process lives; its run stays
known here, so nobody takes it for left behind and runs it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ..clock import Clock
from ..lifecycle import Finished
from ..runner.reporting import record_failed
from .outbox import Letter, Outbox

__all__ = ["Portions", "Unwritten", "announce"]

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0

_HELD = "a transaction of somebody else holds its job's row"


def announce(letter: Letter, error: BaseException) -> None:
    """Log and signal, once for each letter, that it cannot be written."""
    if not letter.was_announced:
        letter.was_announced = True
        record_failed(letter.fact, error)


class Unwritten:
    """Says of each outcome that could not be written for longer than the budget that it is so."""

    def __init__(self, clock: Clock, budget: timedelta) -> None:
        self._clock = clock
        self._budget = budget.total_seconds()

    def look(self, letters: Iterable[Letter]) -> timedelta:
        """Announce those of the letters put back that are due; return how long no other will be."""
        now, wait = self._clock.monotonic(), timedelta.max
        for letter in letters:
            if letter.was_announced or not isinstance(letter.fact, Finished):
                continue
            if letter.failing_since is None:
                letter.failing_since = now
            left = letter.failing_since + self._budget - now
            if left <= 0:
                announce(letter, letter.problem or TimeoutError(_HELD))
            else:
                wait = min(wait, timedelta(seconds=left))
        return wait


class Portions:
    """How many letters are tried at once when a batch of them cannot be written.

    One that meets a lock, or a trigger of the database that fails, would otherwise hold up the
    outcomes of all, and every claim with them. The batch is halved until what is wrong is alone.
    """

    PATIENCE = 3
    """So many times a batch is tried whole, with the claim: a deadlock passes."""

    def __init__(self, clock: Clock, batch: int) -> None:
        self._clock = clock
        self._batch = batch
        self._refusals = 0
        self._size = batch

    @property
    def are_on(self) -> bool:
        """Whether letters are written in portions, apart from the claim."""
        return self._refusals >= self.PATIENCE

    def next_of(self, outbox: Outbox) -> list[Letter]:
        """Take the letters out that are to be tried together now."""
        letters, now = outbox.take(len(outbox)), self._clock.monotonic()
        ready = [letter for letter in letters if letter.not_before <= now]
        outbox.put_behind(ready[self._size :])
        outbox.put_behind(letter for letter in letters if letter.not_before > now)
        return ready[: self._size]

    def refuse(self, letters: list[Letter], problem: BaseException, outbox: Outbox) -> None:
        """Put letters back that could not be written though the database can be used.

        One that was alone goes behind the others, and is tried ever more seldom.
        """
        for letter in letters:
            letter.problem = problem
        if not self.are_on:
            self._refusals += 1
            outbox.put_back(letters)
        elif len(letters) > 1:
            self._size = max(1, len(letters) // 2)
            outbox.put_back(letters)
        else:
            self._let_wait(letters)
            outbox.put_behind(letters)

    def _let_wait(self, letters: list[Letter]) -> None:
        for letter in letters:
            letter.failures += 1
            pause = min(FIRST_PAUSE * 2**letter.failures, LONGEST_PAUSE)
            letter.not_before = self._clock.monotonic() + pause

    def written(self, outbox: Outbox) -> None:
        """Letters were written: try more of them together; when none is left, all of them."""
        self._size = min(self._batch, self._size * 2)
        if not (self.are_on and len(outbox)):
            self._refusals, self._size = 0, self._batch
