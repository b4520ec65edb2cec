"""Jobs declared as a project declares them, found by autodiscovery."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

from django_scheduler import job
from django_scheduler.models import Process

_for_good = ExitStack()


@job("tests.note")
def note(path: str, line: str = "called") -> None:
    """Append a line to a file, in one write."""
    with Path(path).open("a") as file:
        file.write(f"{line}\n")


@job("tests.occupy")
def occupy(path: str) -> None:
    """Append a line when it begins, and one when it ends a moment later."""
    note(path, "begins")
    threading.Event().wait(0.1)
    note(path, "ends")


@job("tests.hold", takes_context=True)
def hold(context, path: str, until: str) -> str:
    """Append the run's key and attempt to `path` and go on until the file `until` exists."""
    note(path, f"{context.key} {context.attempt}")
    while not Path(until).exists():
        context.checkpoint()
        threading.Event().wait(0.02)
    return "done"


@job("tests.die")
def die(path: str) -> None:
    """Append a line and kill the process that runs it, the first time."""
    first = not Path(path).exists()
    note(path)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


@job("tests.ask", takes_context=True)
def ask(context, path: str, until: str) -> str:
    """As `tests.hold`, after a question to the database."""
    Process.objects.count()
    return hold(context, path, until)


@job("tests.fill_the_disk")
def fill_the_disk() -> str:
    """From now on the database takes nothing that this process tells of runs."""
    from tests.broken import failing

    _for_good.enter_context(failing())
    return "full"


from . import child_jobs, contract_jobs, loop_jobs  # noqa: E402, F401 - declare more of them
