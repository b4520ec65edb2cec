"""A scheduler whose time stands still until a test moves it: nothing sleeps, nothing races."""

from __future__ import annotations

from .asserts import assert_ran, assert_scheduled, runs_between
from .manual import ManualClock, ManualScheduler

__all__ = ["ManualClock", "ManualScheduler", "assert_ran", "assert_scheduled", "runs_between"]
