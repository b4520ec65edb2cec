"""Schedulers as processes of their own, and what the system says they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

__all__ = ["Child", "child", "cpu_seconds", "end_in_order", "scheduler", "wait_until"]

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def wait_until(question: Callable[[], object], seconds: float, what: str) -> float:
    """Return after how many seconds the answer was true.

    Raises:
        TimeoutError: it was not within ``seconds``.
    """
    begun = time.monotonic()
    while not question():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - begun


def cpu_seconds(pid: int, thread: int | None = None) -> float:
    """Return the processor time a process (or one thread of it) has used; 0 when it is gone."""
    path = f"/proc/{pid}/stat" if thread is None else f"/proc/{pid}/task/{thread}/stat"
    try:
        fields = Path(path).read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def end_in_order() -> None:
    """Make SIGTERM an exception here: databases are dropped, and what was started is ended."""

    def leave(_number: int, _frame: object) -> NoReturn:
        sys.exit("Ended by SIGTERM")

    signal.signal(signal.SIGTERM, leave)


class Child:
    """One process in a group of its own."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path, cwd: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command, env=dict(env), stdout=file, stderr=file, cwd=cwd, start_new_session=True
            )
        self.pid = self.process.pid

    def alive(self) -> bool:
        """Tell whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it and all it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self, seconds: float = 10) -> None:
        """Ask it to end; kill what does not."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()

    def tail(self) -> str:
        """Return the end of what it has written."""
        return self.log.read_text(errors="replace")[-600:]


@contextmanager
def child(
    command: list[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Child]:
    """A process that is gone after the block, whatever happened in it."""
    made = Child(command, env or os.environ, log, cwd or Path(__file__).resolve().parent.parent)
    try:
        yield made
    finally:
        made.kill()


@contextmanager
def scheduler(
    folder: Path,
    name: str = "one",
    settings: str = "{}",
    counting: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Child]:
    """`runscheduler` on this process's database, ready.

    Args:
        counting: the file in which it counts its statements.
        options: more of the command's options.
    """
    ready = folder / f"{name}.ready"
    ready.unlink(missing_ok=True)
    start = ["django", "runscheduler"]
    if counting is not None:
        start = ["benchmarks.counting", str(counting)]
    command = [
        sys.executable, "-m", *start, "--no-sync", "--shutdown-grace", "1", "--name", name,
        "--ready-file", str(ready), *options,
    ]  # fmt: skip
    env = {**os.environ, "BENCHMARK_SCHEDULER": settings}
    with child(command, folder / f"{name}.log", env) as made:
        wait_until(lambda: ready.exists() or not made.alive(), 120, "the scheduler's start")
        if not made.alive():
            raise RuntimeError(made.tail())
        yield made
