"""What a forked process does: it is a `manage.py runscheduler`, with its words in a file."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from django.core.management import CommandError, call_command

from . import functions  # noqa: F401 - registers what the jobs call
from .effects import note_in

GRACE = 1.0
THREADS = 8


def live(folder: Path, name: str) -> int:
    """Be a scheduler until told to stop; return the command's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    note_in(folder / f"{name}.calls").feel_the_pulse()
    try:
        call_command(
            "runscheduler", name=name, no_sync=True, threads=THREADS, shutdown_grace=GRACE,
            stdout=os.fdopen(1, "w", closefd=False), stderr=os.fdopen(2, "w", closefd=False),
        )  # fmt: skip
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
