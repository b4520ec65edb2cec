"""Keeping what a run prints with the run, where its executor was asked to."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from .capture import LogTail, printing_records

__all__ = ["MARK", "Lines", "Routing", "printing", "routing"]

MARK = "| "
"""Begins the lines of a run's log that were printed, not logged."""

LONGEST_LINE = 8192


class Lines:
    """Notes printed text line by line; what is not a whole line yet waits for its end."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._rest = ""
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Take more text."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            if len(self._rest) > LONGEST_LINE:
                lines.append(self._rest)
                self._rest = ""
        for line in lines:
            self._note(MARK + line.rstrip("\r"))

    def flush(self) -> None:
        """Note what is left, as nothing more comes."""
        with self._lock:
            rest, self._rest = self._rest, ""
        if rest:
            self._note(MARK + rest)


_lines: contextvars.ContextVar[Lines | None] = contextvars.ContextVar(
    "django_scheduler_output", default=None
)


@contextmanager
def printing(tail: LogTail | None) -> Iterator[None]:
    """Keep with ``tail`` what is printed within the block, in this thread or task."""
    lines = None if tail is None else Lines(tail.add)
    token = _lines.set(lines)
    try:
        yield
    finally:
        _lines.reset(token)
        if lines is not None:
            lines.flush()


class _Routed:
    """A stream that gives the run that prints a copy."""

    def __init__(self, original: TextIO) -> None:
        self.original = original

    def write(self, text: str) -> int:
        """Print, and let the run keep it in whose thread or task this is."""
        written = self.original.write(text)
        lines = _lines.get()
        if lines is not None and not printing_records.get():
            lines.add(text)
        return written

    def writelines(self, lines: list[str]) -> None:
        """Print all of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class Routing:
    """Puts itself in the place of ``sys.stdout`` and ``sys.stderr`` while anybody wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._routed: dict[str, _Routed] = {}

    def begin(self) -> None:
        """Route what is printed from now on."""
        with self._lock:
            self._wanted += 1
            if self._wanted > 1:
                return
            for name in ("stdout", "stderr"):
                original = getattr(sys, name)
                if original is not None:  # as under pythonw
                    self._routed[name] = _Routed(original)
                    setattr(sys, name, self._routed[name])

    def end(self) -> None:
        """Be wanted by one less; the last one puts the streams back, if nobody replaced them."""
        with self._lock:
            self._wanted -= 1
            if self._wanted:
                return
            for name, routed in self._routed.items():
                if getattr(sys, name) is routed:
                    setattr(sys, name, routed.original)
            self._routed.clear()


routing = Routing()
"""The one of this process: two would put back what the other had put in place."""
