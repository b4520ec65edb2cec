"""Keeps it going: from due to queued to dispatched, and what mends itself in between.

One database thread a process carries a tick: write what came back, claim what is due, hand it
out. Nothing here decides when a job is due (planning) or what a status means (lifecycle).
"""

from __future__ import annotations

from .scheduler import Scheduler
from .share import Share

__all__ = ["Scheduler", "Share"]
