"""The functions that measured jobs call."""

from __future__ import annotations

import asyncio
import os
import threading
import time

from django_scheduler import job

from .peers.noting import call

began: list[float] = []
"""When `pause` was called, in this process."""


@job("benchmarks.noop")
def noop() -> None:
    """Do nothing: what is left is the scheduler's own cost."""


@job("benchmarks.pause")
def pause(seconds: float) -> None:
    """Note the time and sleep, as a function that waits for a network does."""
    began.append(time.time())
    threading.Event().wait(seconds)


@job("benchmarks.apause")
async def apause(seconds: float) -> None:
    """Do the same in an event loop."""
    began.append(time.time())
    await asyncio.sleep(seconds)


@job("benchmarks.note", takes_context=True)
def note(context, path: str) -> None:
    """Append in one write: by which process, when, and which attempt at which occurrence."""
    line = f"{os.getpid()} {time.time()} {context.job_name} {context.key} {context.attempt}\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


@job("benchmarks.peers", takes_context=True)
def peers(context) -> None:
    """Do what the peers' jobs do."""
    call(context.job_name)
