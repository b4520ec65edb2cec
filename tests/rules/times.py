"""Short spellings of instants for tables."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from django_scheduler.schedules import Schedule

UTC = timezone.utc
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    """The instant of a reading ``2026-03-29 02:30[:15]`` in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def local(schedule: Schedule, after: datetime, count: int) -> list[str]:
    """The next occurrences as readings with their offset in the schedule's own zone."""
    zone = ZoneInfo(schedule.zone_name)
    return [each.astimezone(zone).isoformat(" ") for each in schedule.upcoming(after, count)]


def walk(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """Every occurrence in [start, end), forwards."""
    found = []
    instant = schedule.next_after(start - timedelta(microseconds=1))
    while instant is not None and instant < end:
        found.append(instant)
        instant = schedule.next_after(instant)
    return found


def walk_back(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """Every occurrence in [start, end), found backwards, in order."""
    found = []
    instant = schedule.previous_before(end)
    while instant is not None and instant >= start:
        found.append(instant)
        instant = schedule.previous_before(instant)
    return found[::-1]
