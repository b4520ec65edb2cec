"""The child's first steps: run as a script, with nothing but the standard library.

Takes its pipes where no function finds them by accident, listens for its parent, sets Django up and
hands over to :mod:`child`. It must import nothing of the project before it was told where that is.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import logging
import os
import queue
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Ear", "Inbox", "Line", "listen", "main"]

Message = dict[str, Any]

CHUNK = 65536
PARENT_GONE = 70


class Line:
    """What is said to the parent: a JSON object a line. From any thread, and never after a fork.

    What is said has left this process when ``say`` returns: a crash takes none of it along.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # A signal handler may say something while its own thread does: it must not wait for it.
        self._lock = threading.RLock()
        self._speaking = False
        self._words: deque[bytes] = deque()

    def say(self, kind: str, **fields: Any) -> None:
        """Say it; to a parent that is gone, nothing is said."""
        if self._descriptor < 0:
            return
        self._words.append(json.dumps({"kind": kind, **fields}).encode() + b"\n")
        with self._lock:
            if self._speaking:
                return
            self._speaking = True
            try:
                while self._words:
                    self._write(self._words.popleft())
            finally:
                self._speaking = False

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest and self._descriptor >= 0:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._descriptor = -1

    def fall_silent(self) -> None:
        """Close this process's copy of the pipe: what a run forks has no word in its outcome."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)


class Ear:
    """What the parent says.

    Read without Python's buffers: their locks, held by a thread that listens, would end the
    interpreter with a fatal error when it finishes.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._heard: deque[bytes] = deque()
        self._rest: list[bytes] = []

    def hear(self) -> Message | None:
        """Wait for the next message and return it; None: the parent is gone."""
        while not self._heard:
            try:
                chunk = os.read(self._descriptor, CHUNK)
            except OSError:
                return None
            if not chunk:
                return None
            first, *others = chunk.split(b"\n")
            self._rest.append(first)
            for other in others:
                self._heard.append(b"".join(self._rest))
                self._rest = [other]
        message: Message = json.loads(self._heard.popleft())
        return message

    def close(self) -> None:
        """Close this process's copy of the pipe."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class Inbox:
    """Keeps what the parent says until somebody is there to obey it."""

    def __init__(self) -> None:
        self.dispatches: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._kept: list[Message] = []
        self._obey: Callable[[Message], None] = self._kept.append

    def put(self, message: Message) -> None:
        """Take a message in."""
        if message["kind"] == "dispatch":
            self.dispatches.put(message)
            return
        with self._lock:
            self._obey(message)

    def hand_over_to(self, obey: Callable[[Message], None]) -> None:
        """Have ``obey`` called with what was kept and with all that comes."""
        with self._lock:
            for message in self._kept:
                obey(message)
            self._obey = obey


def listen(ear: Ear, inbox: Inbox) -> None:
    """Take in what the parent says until it is gone; then end this process and what it started."""
    while (message := ear.hear()) is not None:
        inbox.put(message)
    _end_all()


def _end_all() -> None:
    """End this process at once, with its whole group where it leads one."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(PARENT_GONE)


class _Console(io.TextIOBase):
    """A stream that the parent prints: what logs to the console is not what the run prints."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, line: Line) -> None:
        self._line = line

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Have the parent print the text."""
        if text:
            self._line.say("console", text=text)
        return len(text)


def _private_ends() -> tuple[Ear, Line]:
    """Take the pipes off the standard descriptors, which are the function's from here on."""
    ear, line = Ear(os.dup(0)), Line(os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # What is printed, in whatever language, takes one way, in its order.
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        # A crash must not take along what was printed before it.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=line.fall_silent)
        os.register_at_fork(after_in_child=ear.close)
    return ear, line


_LEFT_TO_PARENT = (signal.SIGTERM, signal.SIGINT)


def _leave_signals_to_parent() -> None:
    """Go on when SIGTERM or SIGINT comes: they mean the parent, which says what is to end.

    Service managers send them to every process of a service. A handler that does nothing, for what
    is ignored would stay so in the processes a function starts.
    """
    for number in _LEFT_TO_PARENT:
        signal.signal(number, lambda *_given: None)
    if hasattr(os, "register_at_fork"):
        forking = _Forking()
        os.register_at_fork(
            before=forking.begin, after_in_parent=forking.end, after_in_child=forking.heed
        )


class _Forking(threading.local):
    """Gives copies of this process their signals back, also those that come in this moment."""

    mask: set[Any] = set()

    def begin(self) -> None:
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_PARENT)

    def end(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)

    def heed(self) -> None:
        for number in _LEFT_TO_PARENT:
            with contextlib.suppress(ValueError):
                signal.signal(number, signal.SIG_DFL)
        self.end()


@contextlib.contextmanager
def _logging_to(console: _Console) -> Iterator[None]:
    """Let handlers made within the block print to ``console``.

    Their records reach the run's log by themselves; printed here they would stand there twice.
    """
    last = logging.lastResort
    if last is not None:
        logging.lastResort = logging.StreamHandler(console)
        logging.lastResort.setLevel(last.level)
    with contextlib.redirect_stdout(console), contextlib.redirect_stderr(console):
        yield


def _set_up(hello: Message) -> Any:
    """Make Django ready for a run and return the module that carries it out."""
    import django

    django.setup()
    from django_scheduler.executors.process import child

    child.work_on(hello["databases"])
    return child


def _get_ready(hello: Message, line: Line) -> Any:
    """Return the module that carries the run out; None: it was said why that cannot be."""
    console = contextlib.nullcontext() if not hello["captured"] else _logging_to(_Console(line))
    try:
        with console:
            return _set_up(hello)
    except BaseException as error:
        line.say(
            "unfit",
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
            types=[f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__],
        )
        return None


def main() -> None:
    """Carry out the one run this process was started for."""
    _leave_signals_to_parent()
    ear, line = _private_ends()
    hello = ear.hear()
    if hello is None:
        return
    faulthandler.enable(file=2)
    sys.path[:] = hello["path"]
    sys.argv[:] = hello["argv"]
    inbox = Inbox()
    threading.Thread(target=listen, args=(ear, inbox), name="parent", daemon=True).start()
    child = _get_ready(hello, line)
    if child is None:
        sys.exit(1)
    itself = os.getpid()
    child.carry_out(inbox.dispatches.get(), inbox, line)
    if os.getpid() != itself:
        # The function forked and returned twice: this is the copy, which has nothing to finish.
        os._exit(0)


if __name__ == "__main__":
    main()
