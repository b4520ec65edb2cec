"""Which occurrences are due, which were missed, and when to look again: one pure function.

``plan`` takes what was dealt with (the high-water mark) and the time; the engine carries out what
it returns. It reads no clock and no row, and costs the same after a month of outage as after a
minute.
"""

from __future__ import annotations

from .ahead import initial_high_water, next_from
from .chosen import plan_chosen
from .due import CATCH_UP_BATCH, CATCH_UP_PAUSE
from .outcome import Plan, Planned, Summary
from .planner import passed_over, plan
from .policy import Policy

__all__ = [
    "CATCH_UP_BATCH",
    "CATCH_UP_PAUSE",
    "Plan",
    "Planned",
    "Policy",
    "Summary",
    "initial_high_water",
    "next_from",
    "passed_over",
    "plan",
    "plan_chosen",
]
