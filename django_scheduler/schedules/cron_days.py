"""On which days a cron expression is due: the one place where the matching library is asked.

It is only ever asked about midnights of naive days, and only with spellings in which each field
is clean (``cron_text``): asked with a zone it repeats, loses and shifts occurrences around DST,
and its own union of the two day fields turns ``#`` and ``W`` into an intersection. The union, and
with it Debian's rule for a ``*`` in a day field, is therefore taken here.

A question costs the library some hundred times what remembering its answer costs, and one answer
serves every time of that day in every zone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache

from croniter import croniter

from .cron_text import CronText

__all__ = ["SEARCH_YEARS", "day_from", "day_until", "days_between", "spell_days"]

#: How far a match may be away; 29 February on one weekday is up to 40 years off around 2100.
SEARCH_YEARS = 50
#: Any fixed day will do: what matches nothing in the 50 years after it never matches.
_REFERENCE = datetime(2000, 1, 1, tzinfo=timezone.utc).date()
_EVERY_DAY = ("0 0 * * *",)
_DAY = timedelta(days=1)
_TICK = timedelta(seconds=1)
_ANSWERS_KEPT = 8192
_OBJECTS_KEPT = 512
# croniter objects are mutable: one of each per thread.
_local = threading.local()


def spell_days(text: CronText, day_mode: str) -> tuple[str, ...]:
    """Spellings for the library of which any one must match; empty if no day ever can."""
    (month,) = text.readings[4].parts()
    pairs = text.day_alternatives(day_mode)
    spellings = tuple(f"0 0 {day} {month} {weekday}" for day, weekday in pairs)
    if set(spellings).issuperset(_EVERY_DAY):
        return _EVERY_DAY
    # A side that never matches would cost a search of 50 years at every question.
    return tuple(each for each in spellings if day_from((each,), _REFERENCE) is not None)


def day_from(spellings: tuple[str, ...], day: date) -> date | None:
    """The first matching day not before ``day``; None within 50 years."""
    return day if spellings == _EVERY_DAY else _nearest(spellings, day, True)


def day_until(spellings: tuple[str, ...], day: date) -> date | None:
    """The last matching day not after ``day``; None within 50 years."""
    return day if spellings == _EVERY_DAY else _nearest(spellings, day, False)


def days_between(spellings: tuple[str, ...], low: date, high: date) -> int:
    """How many days in [low, high) match."""
    if spellings == _EVERY_DAY:
        return (high - low).days
    matching = 0
    day = day_from(spellings, low)
    while day is not None and day < high:
        matching += 1
        day = day_from(spellings, day + _DAY)
    return matching


@lru_cache(maxsize=_ANSWERS_KEPT)
def _nearest(spellings: tuple[str, ...], day: date, forward: bool) -> date | None:
    midnight = datetime.combine(day, time())
    start = midnight - _TICK if forward else midnight + _TICK
    found = [_step(each, start, forward) for each in spellings]
    days = [each.date() for each in found if each is not None]
    return (min if forward else max)(days, default=None)


def _step(spelling: str, start: datetime, forward: bool) -> datetime | None:
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
            spelling, 0.0, day_or=False, max_years_between_matches=SEARCH_YEARS
        )
    return matcher
