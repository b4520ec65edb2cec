"""When a job is due: frozen schedules, their spec texts and the words for them.

Pure: knows no Django, no database and no clock. ``Schedule`` says what a kind answers,
``parse_schedule`` reads any kind's text, ``register_kind`` adds one.
"""

from __future__ import annotations

from django_scheduler.schedules.base import COUNT_LIMIT, Schedule
from django_scheduler.schedules.builders import (
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
from django_scheduler.schedules.cron import Cron
from django_scheduler.schedules.interval import Interval
from django_scheduler.schedules.kinds import parse_schedule, register_kind
from django_scheduler.schedules.once import Manual, Once
from django_scheduler.schedules.wall import check_timezone

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
]
