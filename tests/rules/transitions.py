"""Zones and instants at which their clocks jump, for tests that look closely there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo, available_timezones

#: A zone and a UTC instant near one of its transitions, or of none at all.
TRANSITIONS = [
    ("Europe/Paris", "2026-03-29 01:00"),
    ("Europe/Paris", "2026-10-25 01:00"),
    ("America/New_York", "2026-03-08 07:00"),
    ("America/New_York", "2026-11-01 06:00"),
    ("America/St_Johns", "2026-03-08 05:30"),
    ("America/Santiago", "2026-09-06 04:00"),
    ("America/Santiago", "2026-04-05 03:00"),
    ("America/Havana", "2026-03-08 05:00"),
    ("America/Havana", "2026-11-01 05:00"),
    ("America/Asuncion", "2023-10-01 04:00"),
    ("America/Sao_Paulo", "2018-11-04 03:00"),
    ("America/Scoresbysund", "2023-03-26 01:00"),
    ("Asia/Beirut", "2026-03-28 22:00"),
    ("Asia/Beirut", "2026-10-24 21:00"),
    ("Asia/Tehran", "2022-03-21 20:30"),
    ("Asia/Gaza", "2023-04-29 00:00"),
    ("Asia/Pyongyang", "2018-05-04 15:00"),
    ("Asia/Kathmandu", "2026-06-01 00:00"),
    ("Australia/Lord_Howe", "2026-10-03 15:30"),
    ("Australia/Lord_Howe", "2026-04-04 15:00"),
    ("Australia/Adelaide", "2026-04-04 16:30"),
    ("Europe/Dublin", "2026-03-29 01:00"),
    ("Europe/Dublin", "2026-10-25 01:00"),
    ("Africa/Casablanca", "2026-02-15 02:00"),
    ("Africa/Casablanca", "2026-03-22 02:00"),
    ("Africa/Cairo", "2026-04-23 22:00"),
    ("Antarctica/Troll", "2026-03-29 01:00"),
    ("Antarctica/Troll", "2026-10-25 01:00"),
    ("Pacific/Apia", "2011-12-30 10:00"),
    ("Pacific/Kwajalein", "1993-08-21 12:00"),
    ("Pacific/Chatham", "2026-09-26 14:00"),
    ("Pacific/Easter", "2026-09-06 04:00"),
    ("UTC", "2026-02-28 12:00"),
]
#: Where months begin and end on weekends, and February has 29 days: no clock jumps there.
MONTH_ENDS = [
    ("Asia/Tokyo", "2026-01-31 15:00"),
    ("Europe/London", "2026-03-01 00:00"),
    ("America/Denver", "2026-06-01 06:00"),
    ("Asia/Kolkata", "2026-08-02 00:00"),
    ("Pacific/Auckland", "2027-01-02 00:00"),
    ("UTC", "2028-02-29 12:00"),
    ("UTC", "2100-02-28 12:00"),
]
_FIRST_YEAR, _LAST_YEAR = 1973, 2037
_STRIDE = timedelta(days=3)


def more_transitions(random: Random, zones: int) -> list[tuple[str, str]]:
    """One transition each of so many zones, taken at random from this machine's database."""
    found = []
    names = sorted(name for name in available_timezones() if "/" in name)
    for name in random.sample(names, len(names)):
        jumps = _jumps(name)
        if jumps:
            found.append((name, _minute_of_jump(name, random.choice(jumps))))
        if len(found) == zones:
            break
    return found


def _jumps(name: str) -> list[datetime]:
    """Noons within a few days after each of a zone's transitions."""
    zone = ZoneInfo(name)
    noon = datetime(_FIRST_YEAR, 1, 1, 12, tzinfo=timezone.utc)
    found = []
    before = noon.astimezone(zone).utcoffset()
    while noon.year <= _LAST_YEAR:
        after = noon.astimezone(zone).utcoffset()
        if after != before:
            found.append(noon)
        before = after
        noon += _STRIDE
    return found


def _minute_of_jump(name: str, noon: datetime) -> str:
    zone = ZoneInfo(name)
    instant = noon - _STRIDE
    before = instant.astimezone(zone).utcoffset()
    while instant.astimezone(zone).utcoffset() == before:
        instant += timedelta(minutes=1)
    return instant.strftime("%Y-%m-%d %H:%M")
