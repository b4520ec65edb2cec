"""A process that keeps so many schedulers alive: it forks them, and kills and freezes on order.

It has imported everything and holds no connection, so that a new scheduler costs a fork. It alone
reaps its children, so no order can reach a process id that has become somebody else's. Whatever
becomes of the one who gives orders, it ends all it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django_scheduler.clock import SystemClock

TURN = 0.01
PATIENCE = 25.0
"""Seconds that a scheduler may take to stop in order; then it is killed, and that is a fault."""

MOST_UNASKED = 500
PAUSE = 0.5
"""Seconds before others are started after one ended by itself, as without a database."""

_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One scheduler. ``thaw_at``: when it is let go on; ``kill_at``: when patience is over."""

    pid: int
    name: str
    slot: int
    asked: bool = False
    thaw_at: float | None = None
    kill_at: float | None = None


class Keeper:
    """The process itself; ``live`` is what a child does until it ends."""

    def __init__(
        self, orders: int, fates: Path, live: Callable[[str], int], deadline: float
    ) -> None:
        self._clock = SystemClock()
        self._orders = orders
        self._fates = os.open(fates, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._live = live
        self._deadline = deadline
        self._children: dict[int, Child] = {}
        self._slots: list[Child | None] = []
        self._made = 0
        self._unasked = 0
        self._fill_from = 0.0
        self._stopping = False
        self._buffer = b""

    def run(self) -> None:
        """Obey until told to stop, or until there is nobody left to tell."""
        try:
            while not (self._stopping and not self._children):
                if self._clock.monotonic() > self._deadline:
                    self._note("overdue")
                    break
                self._listen()
                self._reap()
                self._do_what_is_due()
                self._fill()
        finally:
            for pid in list(self._children):
                os.kill(pid, signal.SIGKILL)

    def _note(self, what: str, **values: Any) -> None:
        line = json.dumps({"what": what, "t": self._clock.monotonic(), **values})
        os.write(self._fates, line.encode() + b"\n")

    def _listen(self) -> None:
        if not select.select([self._orders], [], [], TURN)[0]:
            return
        got = os.read(self._orders, 65536)
        if not got:
            raise SystemExit("nobody is left to give orders")
        *lines, self._buffer = (self._buffer + got).split(b"\n")
        for line in lines:
            order = json.loads(line)
            getattr(self, f"_on_{order.pop('do')}")(**order)

    def _on_slots(self, count: int) -> None:
        """Keep so many; those beyond stay as they are and are not replaced."""
        self._slots = self._slots[:count] + [None] * (count - len(self._slots))
        self._fill()

    def _on_kill(self, slots: list[int]) -> None:
        for child in self._in(slots):
            # Noted first: whatever it does, it does not do it after this.
            self._note("killed", name=child.name)
            child.asked = True
            os.kill(child.pid, signal.SIGKILL)

    def _on_freeze(self, slots: list[int], seconds: float) -> None:
        for child in self._in(slots):
            if child.thaw_at is None:
                self._note("frozen", name=child.name)
                os.kill(child.pid, signal.SIGSTOP)
                child.thaw_at = self._clock.monotonic() + seconds

    def _on_terminate(self, slots: list[int]) -> None:
        for child in self._in(slots):
            self._ask(child)
            self._slots[child.slot] = None

    def _on_stop(self) -> None:
        self._stopping = True
        self._slots = []
        for child in self._children.values():
            self._ask(child)

    def _ask(self, child: Child) -> None:
        self._note("asked", name=child.name)
        child.asked = True
        child.kill_at = self._clock.monotonic() + PATIENCE
        os.kill(child.pid, signal.SIGTERM)

    def _in(self, slots: list[int]) -> list[Child]:
        chosen = [self._slots[slot] for slot in slots if slot < len(self._slots)]
        return [child for child in chosen if child is not None and child.pid in self._children]

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._bury(self._children.pop(pid), os.waitstatus_to_exitcode(status))

    def _bury(self, child: Child, code: int) -> None:
        self._note("ended", name=child.name, code=code)
        if child.thaw_at is not None:
            self._note("thawed", name=child.name)
        if not child.asked:
            self._unasked += 1
            self._fill_from = self._clock.monotonic() + PAUSE
        if self._unasked > MOST_UNASKED:
            raise SystemExit("schedulers end by themselves all the time")
        if child.slot < len(self._slots) and self._slots[child.slot] is child:
            self._slots[child.slot] = None

    def _do_what_is_due(self) -> None:
        now = self._clock.monotonic()
        for child in self._children.values():
            if child.thaw_at is not None and now >= child.thaw_at:
                # Noted afterwards: until then it stood still.
                os.kill(child.pid, signal.SIGCONT)
                child.thaw_at = None
                self._note("thawed", name=child.name)
            if child.kill_at is not None and now >= child.kill_at:
                self._note("stubborn", name=child.name)
                child.kill_at = None
                os.kill(child.pid, signal.SIGKILL)

    def _fill(self) -> None:
        if self._clock.monotonic() < self._fill_from:
            return
        for slot, child in enumerate(self._slots):
            if child is None:
                self._slots[slot] = self._fork(slot)

    def _fork(self, slot: int) -> Child:
        self._made += 1
        name = f"s{slot}.{self._made}"
        self._note("born", name=name)
        pid = os.fork()
        if pid == 0:
            os.close(self._orders)
            os._exit(_live_and_die(partial_live(self._live, name)))
        child = Child(pid, name, slot)
        self._children[pid] = child
        return child


def partial_live(live: Callable[[str], int], name: str) -> Callable[[], int]:
    """Return what the child of this name does."""
    return lambda: live(name)


def _live_and_die(live: Callable[[], int]) -> int:
    """Live, and return the exit code whatever happens; nothing of the parent's is cleaned up."""
    die_with_parent()
    random.seed()
    try:
        return live()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def die_with_parent() -> None:
    """End this process with its parent, where the system can do that."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Orders:
    """The end at which orders are given."""

    def __init__(self, pipe: int, pid: int) -> None:
        self._pipe = pipe
        self.pid = pid

    def give(self, do: str, **values: Any) -> None:
        """Send an order; it is obeyed within a turn."""
        os.write(self._pipe, json.dumps({"do": do, **values}).encode() + b"\n")

    def close(self) -> None:
        """Let the keeper end what is left, and wait for its end."""
        with contextlib.suppress(OSError):
            os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def fork_keeper(fates: Path, live: Callable[[str], int], seconds: float) -> Orders:
    """Start a keeper that ends after so many seconds, and return where to give it orders."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writing)
        deadline = SystemClock().monotonic() + seconds
        keeper = Keeper(reading, fates, live, deadline)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os._exit(_live_and_die(lambda: keeper.run() or 0))
    os.close(reading)
    return Orders(writing, pid)
