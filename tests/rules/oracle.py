"""A second opinion on cron: brute force, written from crontab(5) and nothing of the package.

Walks real time minute by minute (or second by second), looks at the zone's clock and asks whether
a line of a crontab would run. Slow and obvious on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
RANGES = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def _value(place: int, word: str) -> int:
    if place == 4 and word.upper() in MONTHS:
        return MONTHS.index(word.upper()) + 1
    if place == 5 and word.upper() in DAYS:
        return DAYS.index(word.upper())
    return int(word)


def _values(place: int, text: str) -> set[int]:
    low, high = RANGES[place]
    found: set[int] = set()
    for item in text.split(","):
        body, _, step = item.partition("/")
        if body == "*":
            start, stop = low, high if place != 5 else 6
        else:
            first, _, last = body.partition("-")
            start = _value(place, first)
            stop = _value(place, last) if last else start
        every = int(step or 1)
        if start <= stop:
            found.update(range(start, stop + 1, every))
        else:
            size = 7 if place == 5 else high - low + 1
            found.update((v - low) % size + low for v in range(start, stop + size + 1, every))
    return {value % 7 for value in found} if place == 5 else found


class Crontab:
    """One line of a crontab, five fields, or six with the second first."""

    def __init__(self, expression: str, day_mode: str = "or") -> None:
        words = expression.split()
        words = words if len(words) == 6 else ["0", *words]
        self.sets = [_values(place, word) for place, word in enumerate(words)]
        self.either = day_mode == "or" and "*" not in words[3] and "*" not in words[5]
        self.wildcard = any(word.startswith("*") for word in words[:3])

    def runs_at(self, wall: datetime) -> bool:
        """Would the line run when the clock reads this?"""
        second, minute, hour, day, month, weekday = self.sets
        if wall.second not in second or wall.minute not in minute or wall.hour not in hour:
            return False
        on_day, on_weekday = wall.day in day, wall.isoweekday() % 7 in weekday
        days = (on_day or on_weekday) if self.either else (on_day and on_weekday)
        return days and wall.month in month

    def occurrences(
        self,
        zone: str,
        start: datetime,
        end: datetime,
        gap: str = "shift",
        fold: str = "first",
        step: timedelta = timedelta(minutes=1),
    ) -> list[datetime]:
        """Every instant in [start, end) at which the line runs, in order."""
        readings = list(
            _readings(zone, start - timedelta(hours=27), end + timedelta(hours=27), step)
        )
        last_pass = {wall: instant for instant, wall in readings}
        found = []
        reached = readings[0][1] - step
        for instant, wall in readings:
            if self.wildcard:
                due = self.runs_at(wall)
            else:
                due = self._fixed_due(instant, wall, reached, last_pass, gap, fold, step)
            reached = max(reached, wall)
            if due and start <= instant < end:
                found.append(instant)
        return found

    def _fixed_due(
        self,
        instant: datetime,
        wall: datetime,
        reached: datetime,
        last_pass: dict[datetime, datetime],
        gap: str,
        fold: str,
        step: timedelta,
    ) -> bool:
        lost = reached + step
        while gap == "shift" and lost < wall:
            if self.runs_at(lost):
                return True
            lost += step
        if not self.runs_at(wall):
            return False
        if fold == "first":
            return wall > reached
        return fold == "both" or last_pass[wall] == instant


def _readings(
    zone: str, start: datetime, end: datetime, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    clock = ZoneInfo(zone)
    instant = start.astimezone(timezone.utc)
    while instant < end:
        yield instant, instant.astimezone(clock).replace(tzinfo=None, fold=0)
        instant += step
