"""Jobs that do to their child process what jobs should not do, and some that behave."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from django_scheduler import current_run, job
from django_scheduler.models import Job

logger = logging.getLogger("tests.child")


def _wait(until: Callable[[], bool]) -> None:
    while not until():
        threading.Event().wait(0.01)


@job("child.behaves", takes_context=True)
def behaves(context: Any, number: int, text: str = "") -> dict[str, Any]:
    """Say something on every way there is, and answer with what it saw."""
    logger.warning("logged %d", number)
    print("printed", text)
    os.write(2, b"\xff written past Python\n")
    context.save_data(number=number, text=text)
    context.progress(1, 2, "half way")
    context.run_again_in(90)
    return {
        "pid": os.getpid(),
        "current": current_run().run_id,
        "key": context.key,
        "metadata": context.metadata,
        "started_at": context.started_at.isoformat(),
        "stdin": sys.stdin.read(),
    }


@job("child.awaits")
async def awaits() -> str:
    """Await something and answer with the run it belongs to."""
    await asyncio.sleep(0)
    return current_run().job_name


@job("child.raises")
def raises(kind: str) -> None:
    """Raise what is asked for."""
    errors: dict[str, BaseException] = {
        "value": ValueError("bad value"),
        "exit": SystemExit(4),
        "interrupt": KeyboardInterrupt(),
    }
    raise errors[kind]


@job("child.dies")
def dies(how: str) -> None:
    """End the process, without a word, in one of several ways."""
    print(f"about to die: {how}", end="" if how == "exit" else "\n")
    sys.stdout.flush()
    ways: dict[str, Callable[[], Any]] = {
        "exit": lambda: os._exit(3),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "segfault": lambda: ctypes.string_at(0),
        "close": lambda: os.closerange(0, 256),
    }
    ways[how]()
    threading.Event().wait(60)


@job("child.breaks")
def breaks() -> object:
    """Break what can be broken without dying, and return what cannot be kept."""
    os.close(1)
    sys.stdout = sys.stderr = None  # type: ignore[assignment]
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    logging.getLogger("tests.child").warning("still heard")
    return object()


@job("child.prints")
def prints(megabytes: int, line: int) -> str:
    """Print a lot of bytes that are not text, in lines of a length."""
    text = b"\x00\xfe" * (line // 2) + b"\n"
    for _ in range(megabytes * 1024 * 1024 // line):
        sys.stdout.buffer.write(text)
    sys.stdout.flush()
    print("the end")
    return "x" * 60_000


@job("child.saves", takes_context=True)
def saves(context: Any, size: int) -> None:
    """Save more data than a pipe holds."""
    context.save_data(text="d" * size)


@job("child.forks")
def forks(path: str) -> str:
    """Return twice: from this process and from a copy of it."""
    if os.fork() == 0:
        Path(path).write_text(str(os.getpid()))
        return "from the copy"
    _wait(lambda: Path(path).exists() and Path(path).read_text() != "")
    return "from the child"


@job("child.terminates")
def terminates() -> list[int]:
    """End a copy of the process, and one that was started, by SIGTERM; say what ended them."""
    copy = os.fork()
    if copy == 0:
        threading.Event().wait(60)
    os.kill(copy, signal.SIGTERM)
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started.terminate()
    return [os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), started.wait(30)]


@job("child.holds", takes_context=True)
def holds(context: Any, path: str, obedient: bool = True) -> str:
    """Write down its own process and one it started, and go on until it is told to stop."""
    command = "import time; time.sleep(600)"
    started = subprocess.Popen([sys.executable, "-c", command])
    Path(f"{path}.new").write_text(f"{os.getpid()} {started.pid}")
    Path(f"{path}.new").rename(path)
    count = 0
    while True:
        if obedient:
            context.checkpoint()
        count += 1
        context.progress(count)
        threading.Event().wait(0.02)


@job("child.stalls", takes_context=True)
def stalls(context: Any) -> None:
    """Say the same again and again."""
    while True:
        context.progress(1)
        threading.Event().wait(0.02)


@job("child.leaks")
def leaks(description: str) -> int:
    """Leave a transaction open that has written a row, and answer with how many rows there are."""
    transaction.atomic().__enter__()
    return Job.objects.update(description=description)


@job("child.pauses", takes_context=True)
def pauses(context: Any) -> str:
    """Wait for the order to pause, and for the order to go on."""
    _wait(lambda: context.pause_requested)
    context.save_data(seen="pause")
    _wait(lambda: not context.pause_requested)
    return "went on"


@job("child.lingers")
def lingers() -> str:
    """Return while a thread goes on that the interpreter waits for."""
    threading.Thread(target=threading.Event().wait).start()
    return "done"


@job("child.starts_a_session")
def starts_a_session(path: str) -> None:
    """Start a process that is to outlive the run, and ends when it finds a file."""
    code = (
        "import os, pathlib, sys, threading\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.with_suffix('.new').write_text(str(os.getpid()))\n"
        "path.with_suffix('.new').rename(path)\n"
        "while not path.with_suffix('.end').exists(): threading.Event().wait(0.05)\n"
    )
    subprocess.Popen([sys.executable, "-c", code, path], start_new_session=True)
    _wait(lambda: Path(path).exists())


@job("child.carries", takes_context=True)
def carries(context: Any, path: str = "") -> list[Any]:
    """Count in the state, and answer with what earlier runs left; end in the middle for a path."""
    before = dict(context.state)
    context.state["runs"] = before.get("runs", 0) + 1
    context.save_data(pid=os.getpid())
    if path:
        context.state["half"] = "a change"
        _wait(lambda: Path(path).exists())
    return [before, context.previous_result]
