"""Whether the Celery worker that this process belongs to was told to end.

Celery tells the worker's own process, which then waits for the functions in its pool; the
processes of the pool hear nothing until those have returned. A function that is paused would
keep them all waiting until somebody resumes it.
"""

from __future__ import annotations

import mmap

from celery.signals import worker_init, worker_shutting_down

__all__ = ["is_told_to_end"]

_told = mmap.mmap(-1, 1)
"""A byte that is shared with the processes forked from this one: no lock, no file, no message,
for it is written by a signal handler."""


@worker_shutting_down.connect
def _note(**_kwargs: object) -> None:
    _told[0] = 1


@worker_init.connect
def _forget(**_kwargs: object) -> None:
    _told[0] = 0


def is_told_to_end() -> bool:
    """Tell whether the worker is waiting for its functions to return, to end after that."""
    return _told[0] == 1
