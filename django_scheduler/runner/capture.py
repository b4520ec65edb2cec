"""Keeping the log records a run makes with the run, bounded."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..context import clean_text

__all__ = ["LogTail", "capturing", "printing_records"]

_tail: contextvars.ContextVar[LogTail | None] = contextvars.ContextVar(
    "django_scheduler_log", default=None
)

printing_records: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "django_scheduler_printing_records", default=False
)
"""Whether what is printed is a record, which is kept as one."""


class LogTail:
    """The newest log lines of one run, at most ``limit`` bytes in UTF-8.

    Attributes:
        listener: called with each line that is added, in the thread that adds it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: deque[tuple[str, int]] = deque()
        self._size = 0
        self._changes = 0
        self._cut = False
        self._lock = threading.Lock()
        self.listener: Callable[[str], None] | None = None

    def add(self, line: str) -> None:
        """Append a line; the oldest lines go when there are too many."""
        line, size, cut = _bounded(clean_text(line), self._limit)
        with self._lock:
            self._changes += 1
            self._cut |= cut
            self._lines.append((line, size))
            self._size += size + 1
            while self._size > self._limit and len(self._lines) > 1:
                self._size -= self._lines.popleft()[1] + 1
                self._cut = True
        if self.listener is not None:
            self.listener(line)

    def text(self) -> str:
        """Return the lines as one text, with a first line that says if what is older was cut."""
        with self._lock:
            head = ["… (older lines were cut)"] if self._cut else []
            return "\n".join(head + [line for line, _ in self._lines])

    @property
    def size(self) -> int:
        """How many bytes the lines take."""
        return self._size

    @property
    def changes(self) -> int:
        """How many lines were added so far."""
        return self._changes


def _bounded(line: str, most: int) -> tuple[str, int, bool]:
    """Return as much of the line's end as ``most`` bytes are, their number, and if that is less."""
    encoded = line.encode()
    if len(encoded) <= most:
        return line, len(encoded), False
    line = encoded[-most:].decode(errors="ignore")
    return line, len(line.encode()), True


class _Handler(logging.Handler):
    """Hands records to the run in whose thread or task they were made."""

    def emit(self, record: logging.LogRecord) -> None:
        if logging.lastResort is not None and logging.getLogger().handlers == [self]:
            # Without this handler Python would have printed it: a project that configured no
            # logging must not lose its warnings because runs keep theirs.
            self._print(record)
        tail = _tail.get()
        if tail is None:
            return
        try:
            tail.add(self.format(record))
        except Exception:
            tail.add(f"{record.levelname} {record.name}: {_unformatted(record)}")
            self.handleError(record)

    def _print(self, record: logging.LogRecord) -> None:
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not _has_handler(record.name):
            token = printing_records.set(True)
            try:
                last.handle(record)
            finally:
                printing_records.reset(token)


def _unformatted(record: logging.LogRecord) -> str:
    """Return what is there of a record that cannot be formatted; whatever it is made of."""
    try:
        return f"{record.msg!s} (its arguments do not fit: {record.args!r})"
    except Exception:
        return "(a record that cannot be shown)"


def _has_handler(name: str) -> bool:
    """Tell whether a logger between the record's own and the root prints it already."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger is not logging.getLogger():
        if logger.handlers:
            return True
        logger = logger.parent
    return False


_handler = _Handler()
_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))


@contextmanager
def capturing(limit: int) -> Iterator[LogTail]:
    """Collect what is logged within the block, in this thread or task, at the loggers' levels."""
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
    tail = LogTail(limit)
    token = _tail.set(tail)
    try:
        yield tail
    finally:
        _tail.reset(token)
