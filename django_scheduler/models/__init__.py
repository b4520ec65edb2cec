"""What has happened, as rows: jobs and their clocks, runs, processes, the installation.

Rows know their own consistency (constraints, validation). They must not know the engine: who
changes a run's status is ``lifecycle`` alone.
"""

from __future__ import annotations

from .duty import Duty
from .edits import EDITED, Attention
from .installation import Installation
from .job import Job, JobClock
from .process import Process
from .queue import Queue
from .rows import lock_objects, object_of
from .run import Run, uuid7
from .tag import Tag

__all__ = [
    "EDITED",
    "Attention",
    "Duty",
    "Installation",
    "Job",
    "JobClock",
    "Process",
    "Queue",
    "Run",
    "Tag",
    "lock_objects",
    "object_of",
    "uuid7",
]
