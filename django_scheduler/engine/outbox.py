"""What threads have to say to the database thread, and its answers."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..lifecycle import Fact

__all__ = ["Letter", "Outbox"]


@dataclass(eq=False)
class Letter:
    """A fact on its way, and whether it held."""

    fact: Fact
    answered: threading.Event = field(default_factory=threading.Event)
    won: bool = False
    failing_since: float | None = None
    """Since when, in monotonic seconds, it is known that it cannot be written."""
    was_announced: bool = False
    """Whether it was said that it cannot be written: that is said once."""
    problem: BaseException | None = None
    """Why it could not be written, last; None: its job's row was held, or it was not tried."""
    failures: int = 0
    """How often it could not be written although it was alone."""
    not_before: float = 0.0
    """When, in monotonic seconds, it is to be tried again."""
    then: Callable[[bool], None] | None = None

    def answer(self, won: bool) -> None:
        """Tell whoever waits for it, after the commit."""
        self.won = won
        self.answered.set()
        if self.then is not None:
            self.then(won)


class Outbox:
    """Collects facts from any thread for the one that writes them.

    A fact asked for by the database thread itself is written there and then, through ``write``:
    waiting for itself it would wait for ever.
    """

    def __init__(self, wake: Callable[[], None], write: Callable[[list[Letter]], object]) -> None:
        self._letters: deque[Letter] = deque()
        self._wake = wake
        self._write = write
        self._writer: int | None = None
        self._closed = False
        self.returned: list[Letter] = []
        """The letters that could not be written yet, oldest first. Of the database thread."""

    def write_from_here(self) -> None:
        """Make the calling thread the one that writes."""
        self._writer = threading.get_ident()

    def tell(self, fact: Fact) -> None:
        """Have the fact written in the next tick."""
        self._letters.append(Letter(fact))
        self._wake()

    def ask(self, fact: Fact) -> bool:
        """Have the fact written and return, after the commit, whether it held."""
        letter = Letter(fact)
        if threading.get_ident() == self._writer:
            self._write([letter])
            return letter.won
        if self._closed:
            return False
        self._letters.append(letter)
        self._wake()
        if self._closed and not letter.answered.is_set():
            # It was closed between the two looks: nobody may ever take this letter.
            letter.answer(False)
        letter.answered.wait()
        return letter.won

    def ask_then(self, fact: Fact, answer: Callable[[bool], None]) -> None:
        """Have the fact written, and ``answer`` called after the commit with whether it held.

        For those who must not wait: thousands of runs of an event loop may ask at once.
        """
        if self._closed or threading.get_ident() == self._writer:
            # In an event loop the database thread itself cannot write, and would wait for itself.
            answer(False)
            return
        self._letters.append(Letter(fact, then=answer))
        self._wake()

    def take(self, most: int) -> list[Letter]:
        """Return at most ``most`` letters, oldest first."""
        taken, self.returned = self.returned[:most], self.returned[most:]
        while self._letters and len(taken) < most:
            taken.append(self._letters.popleft())
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """Keep letters that could not be written for the next tick, in their order."""
        self.returned[:0] = letters

    def put_behind(self, letters: Iterable[Letter]) -> None:
        """Keep letters that could not be written, and let others that could not go first."""
        self.returned.extend(letters)

    def close(self) -> list[Letter]:
        """Return what is left; from now on nobody who asks waits."""
        self._closed = True
        rest = self.take(len(self))
        for letter in rest:
            letter.answer(False)
        return rest

    def __len__(self) -> int:
        return len(self.returned) + len(self._letters)
