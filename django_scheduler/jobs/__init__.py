"""What people do to jobs. Every face, command and test goes through these functions.

They take a job or its name and return the job as stored. Each is one transaction on the
scheduler's database; bad input raises a typed error and changes nothing.
"""

from __future__ import annotations

from .control import pause, pause_all, resume, resume_all
from .define import add, schedule, unschedule, update
from .fire import run_within, skip_next, trigger
from .removal import remove
from .rows import all, get

__all__ = [
    "add",
    "all",
    "get",
    "pause",
    "pause_all",
    "remove",
    "resume",
    "resume_all",
    "run_within",
    "schedule",
    "skip_next",
    "trigger",
    "unschedule",
    "update",
]
