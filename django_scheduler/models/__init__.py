"""What has happened, as rows: jobs and their clocks, runs, processes, the installation.

Rows know their own consistency (constraints, validation). They must not know the engine: who
changes a run's status is ``lifecycle`` alone.
"""

from __future__ import annotations

from .installation import Installation
from .job import EDITED, Job, JobClock, Tag
from .process import Process
from .queue import Queue
from .run import Run, uuid7

__all__ = ["EDITED", "Installation", "Job", "JobClock", "Process", "Queue", "Run", "Tag", "uuid7"]
