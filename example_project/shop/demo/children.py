"""The demo's child processes: started, watched and ended by their id, nothing else.

Each has a session of its own, so that Ctrl-C in the terminal reaches the demo alone, which then
asks each child once; the scheduler takes a second request for "at once".
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from types import FrameType

POLL = 0.1
#: SIGHUP comes when the terminal is closed; Windows has none.
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Asked:
    """How often the demo itself was asked to end by a signal."""

    times: int = 0

    def count(self, _number: int, _frame: FrameType | None) -> None:
        """Take one request; a handler does no more than that."""
        self.times += 1

    @contextmanager
    def listening(self) -> Iterator[Asked]:
        """Count signals within the block instead of being ended by them."""
        before = [signal.signal(number, self.count) for number in ENDING]
        try:
            yield self
        finally:
            for number, handler in zip(ENDING, before, strict=True):
                signal.signal(number, handler)


@dataclass
class Child:
    """A process of ours. `must_end_with` None: any exit code will do once it was asked to end."""

    name: str
    process: subprocess.Popen[bytes]
    must_end_with: int | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None


@dataclass
class Children:
    """All processes of one demo."""

    asked: Asked
    environment: Mapping[str, str] = field(default_factory=dict)
    running: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        must_end_with: int | None = None,
        quiet: bool = False,
    ) -> Child:
        """Start one more process, in the project's folder, with this Python.

        Args:
            must_end_with: the exit code it owes when it was asked to end; None: any will do.
            quiet: only what it has to complain about is shown.
        """
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else None,
            # tox paints standard error red in a terminal, and a job's log is no alarm.
            stderr=None if quiet else subprocess.STDOUT,
            start_new_session=True,
        )
        child = Child(name, process, must_end_with)
        self.running.append(child)
        return child

    def dead(self) -> list[str]:
        """Return a sentence about each child that has ended."""
        return [
            f"The {child.name} ended by itself with exit code {child.process.returncode}."
            for child in self.running
            if not child.is_alive
        ]

    def wait_while(self, going_on: Callable[[], bool]) -> list[str]:
        """Wait until `going_on` answers no, the demo is asked to end, or a child has ended.

        Returns:
            What is wrong: a sentence about each child that ended by itself.
        """
        while not self.asked.times and not self.dead() and going_on():
            Event().wait(POLL)
        return self.dead()

    def stop(self, patience: float) -> list[str]:
        """Ask each child to end, wait for all, kill what is left after `patience` seconds.

        Each further request to the demo is passed on.

        Returns:
            What is wrong: a sentence about each child that did not end as it should.
        """
        asked = [child for child in self.running if child.is_alive]
        passed_on, rounds = -1, int(patience / POLL)
        while any(child.is_alive for child in asked) and rounds:
            if passed_on < self.asked.times:
                passed_on = self.asked.times
                _terminate(asked)
            Event().wait(POLL)
            rounds -= 1
        return [problem for child in asked for problem in _end_of(child)]


def _terminate(children: Sequence[Child]) -> None:
    for child in children:
        if child.is_alive:
            child.process.terminate()


def _end_of(child: Child) -> Iterator[str]:
    if child.is_alive:
        child.process.kill()
        child.process.wait()
        yield f"The {child.name} did not end when asked and was killed."
    elif child.must_end_with not in (None, child.process.returncode):
        yield f"The {child.name} ended with exit code {child.process.returncode}."
