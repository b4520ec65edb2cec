"""What functions note of themselves, in a file of their process's own that only grows.

One write for each note: a process that is killed leaves whole lines. Monotonic seconds are those
of the machine, the same in all its processes.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django_scheduler.clock import SystemClock

from .history import Call

TICK = 0.1
STARVED = 1.0
"""A process whose thread did not get its turn for so many seconds counts as having stood still."""


class Notes:
    """The open file of this process."""

    def __init__(self, path: Path) -> None:
        self.clock = SystemClock()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, what: str, **values: Any) -> None:
        """Add one line."""
        line = json.dumps({"what": what, "t": self.clock.monotonic(), **values})
        os.write(self._file, line.encode() + b"\n")

    def feel_the_pulse(self) -> None:
        """Note, from a thread of its own, when this process did not get its turn for long."""
        threading.Thread(target=self._pulse, name="pulse", daemon=True).start()

    def _pulse(self) -> None:
        before = self.clock.monotonic()
        while True:
            self.clock.wait(threading.Event(), TICK)
            now = self.clock.monotonic()
            if now - before > STARVED:
                self.write("starved", since=before, until=now)
            before = now


_notes: list[Notes] = []


def note_in(path: Path) -> Notes:
    """Let functions of this process note in the file at ``path``, and return it."""
    _notes[:] = [Notes(path)]
    return _notes[0]


def notes() -> Notes:
    """Return the file of this process."""
    return _notes[0]


def read(folder: Path) -> tuple[list[Call], dict[str, list[tuple[float, float]]]]:
    """Return all calls, and by process when it starved."""
    calls: list[Call] = []
    starved: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(folder.glob("*.calls")):
        begun: dict[str, Call] = {}
        for line in _lines(path):
            if line["what"] == "starved":
                starved.setdefault(path.stem, []).append((line["since"], line["until"]))
            elif line["what"] == "begun":
                begun[line["id"]] = _begun(path.stem, line)
            else:
                call = begun.pop(line["id"])
                calls.append(replace(call, end=line["t"], outcome=line["outcome"]))
        calls += begun.values()
    return calls, starved


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            yield json.loads(line)


def _begun(process: str, line: dict[str, Any]) -> Call:
    return Call(
        process=process,
        run=line["run"],
        job=line["job"],
        key=line["key"],
        attempt=line["attempt"],
        start=line["t"],
        at=datetime.fromisoformat(line["at"]),
    )
