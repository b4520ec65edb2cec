"""What a function sees of its run, and what it may say about it. Pure: no database, no clock.

The runner makes one :class:`RunContext` a run, gives it orders and reads what the function
reported; who writes that down, and when, is not known here.
"""

from __future__ import annotations

from .current import activate, current_run, is_inside_run, is_inside_run_of
from .facts import Facts
from .loops import is_in_loop
from .orders import Orders
from .past import Past
from .run_context import RunContext
from .said import Progress, Report
from .values import as_json, clean_text

__all__ = [
    "Facts",
    "Orders",
    "Past",
    "Progress",
    "Report",
    "RunContext",
    "activate",
    "as_json",
    "clean_text",
    "current_run",
    "is_in_loop",
    "is_inside_run",
    "is_inside_run_of",
]
