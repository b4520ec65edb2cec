"""A scheduler whose time stands still until a test moves it: nothing sleeps, nothing races.

``pytest_plugins = ["django_scheduler.testing"]`` in a conftest brings the fixtures; without pytest
the classes and assertions work all the same.
"""

from __future__ import annotations

from importlib.util import find_spec

from .asserts import assert_ran, assert_scheduled, runs_between
from .manual import ManualClock, ManualScheduler

__all__ = ["ManualClock", "ManualScheduler", "assert_ran", "assert_scheduled", "runs_between"]

if find_spec("pytest") is not None:
    from .fixtures import manual_scheduler, scheduler_clock

    __all__ += ["manual_scheduler", "scheduler_clock"]
