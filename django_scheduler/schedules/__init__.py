"""When a job is due: frozen schedules, their spec texts and the words for them.

Pure: knows no Django, no database and no clock. ``Schedule`` says what a kind answers,
``parse_schedule`` reads any kind's text, ``register_kind`` adds one.
"""

from __future__ import annotations

from .base import COUNT_LIMIT, Schedule
from .builders import (
    DAILY,
    EVERY_FIFTEEN_MINUTES,
    EVERY_FIVE_MINUTES,
    EVERY_MINUTE,
    EVERY_TEN_MINUTES,
    EVERY_THIRTY_MINUTES,
    HOURLY,
    MONTHLY,
    WEEKLY,
    cron,
    daily_at,
    every,
    hourly_at,
    manual,
    monthly_on,
    once,
    weekly_on,
)
from .cron import Cron
from .interval import Interval
from .kinds import parse_schedule, register_kind
from .once import Manual, Once
from .versions import RULES_VERSION, zones_version
from .wall import check_timezone

__all__ = [
    "COUNT_LIMIT",
    "DAILY",
    "EVERY_FIFTEEN_MINUTES",
    "EVERY_FIVE_MINUTES",
    "EVERY_MINUTE",
    "EVERY_TEN_MINUTES",
    "EVERY_THIRTY_MINUTES",
    "HOURLY",
    "MONTHLY",
    "RULES_VERSION",
    "WEEKLY",
    "Cron",
    "Interval",
    "Manual",
    "Once",
    "Schedule",
    "check_timezone",
    "cron",
    "daily_at",
    "every",
    "hourly_at",
    "manual",
    "monthly_on",
    "once",
    "parse_schedule",
    "register_kind",
    "weekly_on",
    "zones_version",
]
