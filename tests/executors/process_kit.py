"""Runs in real child processes, and what was said of them. Each child takes half a second."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django_scheduler.clock import SystemClock
from django_scheduler.executors.process import ProcessExecutor
from django_scheduler.lifecycle import Finished, Left
from django_scheduler.runner import Dispatch, Runner, Watch
from django_scheduler.states import RunStatus
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until


class Kit:
    """A started process executor and everything it told."""

    def __init__(self, **options: Any) -> None:
        self.clock = SystemClock()
        self.recorder = Recorder()
        self.watch = Watch(self.clock)
        self.executor = ProcessExecutor("tried", **{"processes": 4, **options})
        self.executor.start(
            Runner(self.clock, self.recorder, self.watch), self.recorder, self.clock
        )

    def begin(self, function: str, *args: Any, **fields: Any) -> Dispatch:
        """Have a run begun and return its dispatch."""
        dispatch = make_dispatch(function=function, job_name=function, args=args, **fields)
        self.executor.submit(dispatch)
        return dispatch

    def end_of(self, dispatch: Dispatch) -> Finished:
        """Wait for the end of the run and return what was told of it."""
        found: list[Any] = wait_until(
            lambda: [f for f in self.recorder.of(Finished) if f.run_id == dispatch.run_id]
        )
        assert len(found) == 1
        fact: Finished = found[0]
        return fact

    def run(self, function: str, *args: Any, **fields: Any) -> Finished:
        """Have a run carried out and return what was told of its end."""
        return self.end_of(self.begin(function, *args, **fields))

    def order(self, dispatch: Dispatch, status: RunStatus, reason: str) -> None:
        """Order the run to end."""
        for watched in self.watch.all():
            if watched.dispatch.run_id == dispatch.run_id:
                watched.context.orders.stop(status, reason)

    def has_left(self, dispatch: Dispatch) -> bool:
        """Tell whether it was told that the function of a run that was given up has left."""
        return any(fact.run_id == dispatch.run_id for fact in self.recorder.of(Left))


@contextmanager
def started(**options: Any) -> Iterator[Kit]:
    """A kit, of which nothing is left after the block."""
    kit = Kit(**options)
    try:
        yield kit
    finally:
        kit.executor.withdraw()
        kit.watch.ask_all_to_stop(RunStatus.STOPPED, "shutdown")  # type: ignore[arg-type]
        assert kit.executor.stop(20)


def exists(pid: int) -> bool:
    """Tell whether the process is in the process table and has not ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def pids_in(path: Path) -> list[int]:
    """Wait for the file that a function writes, and return the process ids in it."""
    wait_until(path.exists)
    return [int(word) for word in path.read_text().split()]
