"""Matching a cron expression against wall-clock readings; zones do not exist here.

The matching library is only ever asked about naive time and only with spellings in which each
field is clean (``cron_text``): asked with a zone it repeats, loses and shifts occurrences around
DST, and its own union of the two day fields turns ``#`` and ``W`` into an intersection. The union,
and with it Debian's rule for a ``*`` in a day field, is therefore taken here.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from functools import lru_cache

from croniter import croniter

from ..exceptions import UnsatisfiableSchedule
from .cron_text import CronText, read_cron

__all__ = ["WallPattern", "wall_pattern"]

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
#: How far a match may be away; 29 February on one weekday is up to 40 years off around 2100.
SEARCH_YEARS = 50
#: Any fixed reading will do: what matches nothing in the 50 years after it never matches.
_REFERENCE = datetime(1999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).replace(tzinfo=None)
_OBJECTS_KEPT = 512
# croniter objects are mutable: one of each per thread.
_local = threading.local()


@dataclass(frozen=True)
class WallPattern:
    """A compiled expression: readings before, after, and how many between.

    Attributes:
        wildcard: True if the expression follows real time across DST.
        alternatives: spellings for the library; a reading matches if it matches one.
        days: the same at midnight, to walk over days.
        seconds, minutes, hours: sorted values of the time of day.
    """

    wildcard: bool
    alternatives: tuple[str, ...]
    days: tuple[str, ...]
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]

    def next(self, wall: datetime) -> datetime | None:
        """The first matching reading strictly after ``wall``, or None within 50 years."""
        start = wall.replace(microsecond=0, fold=0)
        found = [_step(each, start, forward=True) for each in self.alternatives]
        return min((reading for reading in found if reading is not None), default=None)

    def previous(self, wall: datetime) -> datetime | None:
        """The last matching reading strictly before ``wall``, or None within 50 years."""
        start = wall.replace(microsecond=0, fold=0) + _SECOND * bool(wall.microsecond)
        found = [_step(each, start, forward=False) for each in self.alternatives]
        return max((reading for reading in found if reading is not None), default=None)

    def count(self, low: datetime, high: datetime) -> int:
        """How many readings match in [low, high), both whole seconds. Exact."""
        if low >= high:
            return 0
        first, last = _midnight(low), _midnight(high)
        whole_days = self._days_between(first, last)
        total = whole_days * len(self.hours) * len(self.minutes) * len(self.seconds)
        if self._day_matches(first):
            total -= self._rank(low.time())
        if self._day_matches(last):
            total += self._rank(high.time())
        return total

    def _days_between(self, low: datetime, high: datetime) -> int:
        """How many days in [low, high), both midnights, match."""
        if any(each.split()[2:5] == ["*", "*", "*"] for each in self.days):
            return (high - low).days
        matching = 0
        day = low - _SECOND
        while (found := self._next_day(day)) is not None and found < high:
            matching += 1
            day = found
        return matching

    def _next_day(self, after: datetime) -> datetime | None:
        found = [_step(each, after, forward=True) for each in self.days]
        return min((day for day in found if day is not None), default=None)

    def _day_matches(self, day: datetime) -> bool:
        return self._days_between(day, day + _DAY) == 1

    def _rank(self, moment: time) -> int:
        """How many of a matching day's readings are earlier than ``moment``."""
        hours = bisect_left(self.hours, moment.hour)
        minutes = bisect_left(self.minutes, moment.minute)
        seconds = bisect_left(self.seconds, moment.second)
        if moment.hour not in self.hours:
            minutes = seconds = 0
        elif moment.minute not in self.minutes:
            seconds = 0
        return (hours * len(self.minutes) + minutes) * len(self.seconds) + seconds


@lru_cache(maxsize=4096)
def wall_pattern(expression: str, day_mode: str) -> WallPattern:
    """The compiled expression, remembered.

    Raises:
        InvalidCron: the expression cannot be read.
        UnsatisfiableSchedule: no date can ever match it, such as 30 February.
    """
    text = read_cron(expression)
    # A side that never matches would cost a search of 50 years at every question.
    days = [each for each in _spell_days(text, day_mode) if _satisfiable(each)]
    if not days:
        raise UnsatisfiableSchedule(
            f"{text.text!r} can never match: no such day exists. Check day of month against "
            "month and day of week.",
            field="schedule",
        )
    second, minute, hour = (tuple(sorted(reading.values)) for reading in text.readings[:3])
    clock = f"{_listed(minute)} {_listed(hour)}"
    tail = f" {_listed(second)}" if text.seconds else ""
    alternatives = tuple(f"{clock} {each}{tail}" for each in days)
    midnights = tuple(f"0 0 {each}" for each in days)
    return WallPattern(text.wildcard, alternatives, midnights, second, minute, hour)


def _spell_days(text: CronText, day_mode: str) -> list[str]:
    month = text.readings[4].parts()[0]
    return [f"{day} {month} {weekday}" for day, weekday in text.day_alternatives(day_mode)]


def _satisfiable(days: str) -> bool:
    return _step(f"0 0 {days}", _REFERENCE, forward=True) is not None


def _listed(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))


def _midnight(wall: datetime) -> datetime:
    return datetime.combine(wall.date(), time())


def _step(spelling: str, start: datetime, *, forward: bool) -> datetime | None:
    matcher = _matcher(spelling)
    move: Callable[..., datetime] = matcher.get_next if forward else matcher.get_prev
    try:
        return move(datetime, start_time=start)
    except (ValueError, OverflowError):  # nothing within reach, or the calendar ends
        return None


def _matcher(spelling: str) -> croniter:
    kept: dict[str, croniter] | None = getattr(_local, "matchers", None)
    if kept is None:
        kept = _local.matchers = {}
    matcher = kept.get(spelling)
    if matcher is None:
        if len(kept) >= _OBJECTS_KEPT:
            kept.pop(next(iter(kept)))
        # The union of days is ours, so what is left to the library is always "both must match".
        matcher = kept[spelling] = croniter(
            spelling, _REFERENCE, day_or=False, max_years_between_matches=SEARCH_YEARS
        )
    return matcher
