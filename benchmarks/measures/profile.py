"""Where the time of a run goes: statements and functions of the engine's database thread.

Not among the parts that are measured by default: a profile costs what it looks at.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.db import connections

from ..figures import Figure
from ..loading import load
from ..seams import in_the_loop, running
from .end_to_end import THREADS, drained
from .place import Place

__all__ = ["measure"]

SHOWN = 10
INTERVAL = 0.002
ALL = 0.97
"""What is there in nearly every sample is the loop itself."""

PACKAGE = "/django_scheduler/"


class _Statements:
    """Seconds and calls of what is executed, by who asked for it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent = time.perf_counter() - begun
            name = f"{sql.split(maxsplit=1)[0]} by {_asker()}"
            self.seconds[name] += spent
            self.calls[name] += 1


def _asker() -> str:
    """Return the two innermost functions of the package that are being called."""
    found = [f for f in traceback.extract_stack() if PACKAGE in f.filename][-2:]
    return " › ".join(f"{Path(each.filename).stem}.{each.name}" for each in found)


class _Samples:
    """What the loop's thread was in, looked at every few milliseconds by another thread.

    Python's own profiler watches all threads at once and cannot tell the loop from the pool.
    """

    def __init__(self) -> None:
        self.inside: dict[str, int] = defaultdict(int)
        self.count = 0
        self.cpu = 0.0

    def __call__(self, loop: Any, *arguments: Any) -> None:
        over = threading.Event()
        sampler = threading.Thread(target=self._look, args=(threading.get_ident(), over))
        sampler.start()
        try:
            loop(*arguments)
        finally:
            self.cpu = time.thread_time()
            over.set()
            sampler.join()

    def _look(self, thread: int, over: threading.Event) -> None:
        while not over.wait(INTERVAL):
            frame = sys._current_frames().get(thread)
            if frame is None or frame.f_code.co_name == "wait":
                continue
            self.count += 1
            names = set()
            while frame is not None:
                if PACKAGE in frame.f_code.co_filename:
                    names.add(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
                frame = frame.f_back
            for name in names:
                self.inside[name] += 1


def measure(place: Place) -> list[Figure]:
    """The same as end to end, twice: once to watch statements, once to look at functions."""
    count = place.pick(20, 300, 2_000)
    ids = load(count)
    statements, samples = _Statements(), _Samples()

    def watched(loop: Any, *arguments: Any) -> None:
        with connections["default"].execute_wrapper(statements):
            loop(*arguments)

    for around in (watched, samples):
        with place.bare() as bare, in_the_loop(around), running(THREADS) as scheduler:
            drained(scheduler, bare, ids)
    return [*_of_statements(statements, count, place.kind), *_of_functions(samples, count, place)]


def _of_statements(statements: _Statements, count: int, kind: str) -> list[Figure]:
    total = sum(statements.calls.values()) / count
    found = [Figure("profile", "statements of one run", kind, total, "statements")]
    most = sorted(statements.seconds, key=lambda name: -statements.seconds[name])
    return found + [
        Figure(
            "profile", name, kind, 1e6 * statements.seconds[name] / count, "µs a run",
            note=f"{statements.calls[name] / count:.2f} a run; waiting for the database included",
        )
        for name in most[:SHOWN]
    ]  # fmt: skip


def _of_functions(samples: _Samples, count: int, place: Place) -> list[Figure]:
    """Inclusive: a function counts for as long as anything it called was being done."""
    part = {name: seen for name, seen in samples.inside.items() if seen < ALL * samples.count}
    most = sorted(part, key=lambda name: -part[name])
    share = 1e6 * samples.cpu / count / max(1, samples.count)
    total = Figure(
        "profile", "processor time of the database thread", place.kind,
        1e6 * samples.cpu / count, "µs a run",
    )  # fmt: skip
    return [total] + [
        Figure(
            "profile",
            name,
            place.kind,
            share * part[name],
            "µs a run",
            note=f"with what it calls; {100 * part[name] / samples.count:.0f} %"
            f" of {samples.count:,} samples",
        )
        for name in most[:SHOWN]
    ]
