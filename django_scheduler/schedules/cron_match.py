"""Matching a cron expression against wall-clock readings; zones do not exist here.

Which days match is ``cron_days``'s knowledge; the time within a day is arithmetic on the sorted
values of the second, minute and hour.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache

from ..exceptions import UnsatisfiableSchedule
from .cron_days import day_from, day_until, days_between, spell_days
from .cron_text import read_cron

__all__ = ["WallPattern", "wall_pattern"]

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WallPattern:
    """A compiled expression: readings before, after, and how many between.

    Attributes:
        wildcard: True if the expression follows real time across DST.
        days: spellings for the library; a day matches if it matches one.
        seconds, minutes, hours: sorted values of the time of day.
    """

    wildcard: bool
    days: tuple[str, ...]
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]

    @property
    def a_day(self) -> int:
        """How many readings a matching day has."""
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    def next(self, wall: datetime) -> datetime | None:
        """The first matching reading strictly after ``wall``, or None within 50 years."""
        start = wall + _SECOND
        rank = self._rank(start.time())
        if rank == self.a_day:  # nothing is left of that day
            start, rank = start + _DAY, 0
        day = day_from(self.days, start.date())
        if day is None:
            return None
        return datetime.combine(day, self._reading(rank if day == start.date() else 0))

    def previous(self, wall: datetime) -> datetime | None:
        """The last matching reading strictly before ``wall``, or None within 50 years."""
        start = wall + _SECOND * bool(wall.microsecond)
        rank = self._rank(start.time()) - 1
        if rank < 0:  # nothing of that day lies behind
            start -= _DAY
        day = day_until(self.days, start.date())
        if day is None:
            return None
        # -1 is the last one of any day.
        return datetime.combine(day, self._reading(rank if day == start.date() else -1))

    def count(self, low: datetime, high: datetime) -> int:
        """How many readings match in [low, high), both whole seconds. Exact."""
        if low >= high:
            return 0
        first, last = low.date(), high.date()
        total = days_between(self.days, first, last) * self.a_day
        if day_from(self.days, first) == first:
            total -= self._rank(low.time())
        if day_from(self.days, last) == last:
            total += self._rank(high.time())
        return total

    def _rank(self, moment: time) -> int:
        """How many of a matching day's readings are earlier than ``moment``'s second."""
        hours = bisect_left(self.hours, moment.hour)
        minutes = bisect_left(self.minutes, moment.minute)
        seconds = bisect_left(self.seconds, moment.second)
        if moment.hour not in self.hours:
            minutes = seconds = 0
        elif moment.minute not in self.minutes:
            seconds = 0
        return (hours * len(self.minutes) + minutes) * len(self.seconds) + seconds

    def _reading(self, rank: int) -> time:
        """The reading of a matching day that has this rank."""
        rank, second = divmod(rank, len(self.seconds))
        hour, minute = divmod(rank, len(self.minutes))
        return time(self.hours[hour], self.minutes[minute], self.seconds[second])


@lru_cache(maxsize=4096)
def wall_pattern(expression: str, day_mode: str) -> WallPattern:
    """The compiled expression, remembered.

    Raises:
        InvalidCron: the expression cannot be read.
        UnsatisfiableSchedule: no date can ever match it, such as 30 February.
    """
    text = read_cron(expression)
    days = spell_days(text, day_mode)
    if not days:
        raise UnsatisfiableSchedule(
            f"{text.text!r} can never match: no such day exists. Check day of month against "
            "month and day of week.",
            field="schedule",
        )
    second, minute, hour = (tuple(sorted(reading.values)) for reading in text.readings[:3])
    return WallPattern(text.wildcard, days, second, minute, hour)
