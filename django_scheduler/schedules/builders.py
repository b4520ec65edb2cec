"""What people write in code: ``cron``, ``every``, ``once``, ``manual`` and named cadences."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from ..exceptions import InvalidCron, InvalidInterval
from .cron import Cron
from .cron_text import FIELDS
from .interval import Interval
from .once import Manual, Once

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
    "cron",
    "daily_at",
    "every",
    "hourly_at",
    "manual",
    "monthly_on",
    "once",
    "weekly_on",
]

FieldValue = str | int | Collection[str | int] | None
_DAY_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def cron(
    expression: str | None = None,
    *,
    second: FieldValue = None,
    minute: FieldValue = None,
    hour: FieldValue = None,
    day_of_month: FieldValue = None,
    month: FieldValue = None,
    day_of_week: FieldValue = None,
    timezone: str | None = None,
    day_mode: str = "or",
    gap: str = "shift",
    fold: str = "first",
) -> Cron:
    """A cron schedule, from an expression or from named fields.

    Named fields are numbers, texts or lists of them. Fields smaller than the smallest one named
    become their first value, the others ``*``: ``cron(hour=14)`` runs once a day.

    Args:
        timezone: IANA name; None takes the job's.
        day_mode: ``or`` or ``and``, when both day fields are restricted.
        gap: ``shift`` or ``skip`` for fixed times that DST leaves out.
        fold: ``first``, ``both`` or ``last`` for fixed times that come twice.

    Raises:
        InvalidCron: neither or both forms given, or one cannot be read.
        UnsatisfiableSchedule: no instant can ever match.
        InvalidTimezone: the zone is unknown.
    """
    named = [second, minute, hour, day_of_month, month, day_of_week]
    given = any(value is not None for value in named)
    if given == (expression is not None):
        raise InvalidCron(
            "Give cron() an expression such as '0 3 * * MON', or named fields such as hour=3: one "
            "of the two.",
            field="schedule",
        )
    if expression is None:
        expression = _assemble(named)
    return Cron(expression, timezone=timezone, day_mode=day_mode, gap=gap, fold=fold)


def _assemble(named: list[FieldValue]) -> str:
    texts = [
        None if value is None else _field_text(field.name, value)
        for field, value in zip(FIELDS, named, strict=True)
    ]
    # Of the two day fields a named one stands for both; neither named, the month's first day does.
    order = [0, 1, 2, 5 if texts[5] is not None else 3, 4]
    smallest = next((place for place, each in enumerate(order) if texts[each] is not None))
    for each in order[:smallest]:
        texts[each] = str(FIELDS[each].low)
    words = [text if text is not None else "*" for text in texts]
    return " ".join(words if named[0] is not None else words[1:])


def _field_text(name: str, value: FieldValue) -> str:
    items = list(value) if isinstance(value, (list, tuple, set, range)) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (str, int)) or " " in f"{item or 0}":
            raise InvalidCron(f"{name}={value!r}: use numbers, texts or a list.", field=name)
    if not items or "" in items:
        raise InvalidCron(f"{name} is empty: leave it out, or write '*'.", field=name)
    return ",".join(str(item) for item in items)


def every(
    *,
    days: float = 0,
    hours: float = 0,
    minutes: float = 0,
    seconds: float = 0,
    starting: datetime | None = None,
    after: str = "start",
) -> Interval:
    """An interval: a fixed rate, or with ``after="finish"`` a fixed delay.

    Args:
        days: whole days on the wall clock of the zone; not together with smaller units.
        hours, minutes, seconds: elapsed time, whole seconds in total.
        starting: an aware instant the grid goes through and starts at; None counts from the job's
            creation (days: from local midnight).
        after: ``start`` or ``finish`` of the last run.

    Raises:
        InvalidInterval: not positive, not whole, mixed, or a combination that has no meaning.
    """
    for value in (days, hours, minutes, seconds):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidInterval(f"{value!r} is not a number.", field="schedule")
    whole_days = _whole(timedelta(days=1), days=days)
    whole = _whole(timedelta(seconds=1), hours=hours, minutes=minutes, seconds=seconds)
    return Interval(days=whole_days, seconds=whole, starting=starting, after=after)


def _whole(unit: timedelta, **parts: float) -> int:
    """How many units the parts make together."""
    try:
        count, rest = divmod(timedelta(**parts), unit)
    except (OverflowError, ValueError) as error:
        raise InvalidInterval(f"Not a span of time: {error}.", field="schedule") from error
    if rest:
        raise InvalidInterval(
            "An interval is a whole number of seconds, or of days: for half a day write hours=12.",
            field="schedule",
        )
    return count


def once(at: datetime) -> Once:
    """A single run at an aware instant; at once if that is past when the job is added.

    Raises:
        InvalidSchedule: ``at`` is not an aware datetime.
    """
    return Once(at)


def manual() -> Manual:
    """No run by itself, only when triggered."""
    return Manual()


def hourly_at(minute: int) -> Cron:
    """Every hour at this minute, 0-59."""
    return cron(minute=_within("minute", minute, 0, 59))


def daily_at(hour: int, minute: int = 0, second: int = 0) -> Cron:
    """Every day at this time of the job's zone."""
    return cron(_clock(hour, minute, second) + " * * *")


def weekly_on(day: str | int, hour: int = 0, minute: int = 0) -> Cron:
    """Every week on this day: a name such as ``"monday"`` or ``"MON"``, or 0-7, Sunday 0 and 7."""
    return cron(f"{_clock(hour, minute, 0)} * * {_weekday(day)}")


def monthly_on(day: int, hour: int = 0, minute: int = 0) -> Cron:
    """Every month on this day, 1-31; months without that day are left out."""
    return cron(f"{_clock(hour, minute, 0)} {_within('day', day, 1, 31)} * *")


def _clock(hour: int, minute: int, second: int) -> str:
    text = f"{_within('minute', minute, 0, 59)} {_within('hour', hour, 0, 23)}"
    return f"{second} {text}" if _within("second", second, 0, 59) else text


def _weekday(day: str | int) -> str:
    if not isinstance(day, str):
        return str(_within("day", day, 0, 7))
    for name in _DAY_NAMES:
        if day.lower() in (name, name[:3]):
            return name[:3].upper()
    raise InvalidCron(f"{day!r} is not a day: write monday or MON, or 0-7.", field="day")


def _within(name: str, value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidCron(f"{name}={value!r} is out of range {low}-{high}.", field=name)
    return value


EVERY_MINUTE = cron("* * * * *")
EVERY_FIVE_MINUTES = cron("*/5 * * * *")
EVERY_TEN_MINUTES = cron("*/10 * * * *")
EVERY_FIFTEEN_MINUTES = cron("*/15 * * * *")
EVERY_THIRTY_MINUTES = cron("*/30 * * * *")
HOURLY = cron("0 * * * *")
DAILY = cron("0 0 * * *")
WEEKLY = cron("0 0 * * 0")
MONTHLY = cron("0 0 1 * *")
