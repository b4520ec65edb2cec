"""A job scheduler for Django.

Declaring needs only this module, which is usable before the apps are ready::

    from django_scheduler import cron, every, job

Doing things to jobs and runs is in ``django_scheduler.jobs`` and ``django_scheduler.runs``.
"""

from __future__ import annotations

from .context import RunContext, current_run
from .exceptions import RetryLater, SkipRun
from .policies import Retry
from .registry import Hook, job
from .schedules import (
    DAILY,
    EVERY_FIFTEEN_MINUTES,
    EVERY_FIVE_MINUTES,
    EVERY_MINUTE,
    EVERY_TEN_MINUTES,
    EVERY_THIRTY_MINUTES,
    HOURLY,
    MONTHLY,
    WEEKLY,
    Schedule,
    cron,
    daily_at,
    every,
    hourly_at,
    manual,
    monthly_on,
    once,
    parse_schedule,
    weekly_on,
)

__version__ = "0.1.0"

__all__ = [
    "DAILY",
    "EVERY_FIFTEEN_MINUTES",
    "EVERY_FIVE_MINUTES",
    "EVERY_MINUTE",
    "EVERY_TEN_MINUTES",
    "EVERY_THIRTY_MINUTES",
    "HOURLY",
    "MONTHLY",
    "WEEKLY",
    "Hook",
    "Retry",
    "RetryLater",
    "RunContext",
    "Schedule",
    "SkipRun",
    "cron",
    "current_run",
    "daily_at",
    "every",
    "hourly_at",
    "job",
    "manual",
    "monthly_on",
    "once",
    "parse_schedule",
    "weekly_on",
]
