"""The text of a cron expression: read, checked, normalised and made plain.

Knows fields, numbers and names; knows nothing of dates or zones. What it hands on contains only
numbers, ``*``, ``l``, ``15w``, ``1#2`` and ``l5``: every spelling that the matching library reads
otherwise than ``crontab(5)`` (``a-a`` as the whole field, ``R``, ``H``, a seventh field, steps
over a wrapped range) ends here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..exceptions import InvalidCron
from .meant import did_you_mean

__all__ = ["FIELDS", "CronField", "CronText", "read_cron"]

_MAX_TEXT = 1000
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ITEM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\w+))?", re.ASCII)
_NEAREST = re.compile(r"(?:(\d{1,2})W|W(\d{1,2}))", re.ASCII)
_NTH = re.compile(r"(\w+)#(\w+)", re.ASCII)
_LAST = re.compile(r"(?:L(\d)|([A-Z]{3}|\d)L)", re.ASCII)

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class CronField:
    """What one field may hold."""

    name: str
    low: int
    high: int
    names: dict[str, int]
    cycle: int

    @property
    def label(self) -> str:
        """The field's name for people."""
        return self.name.replace("_", " ")


FIELDS = (
    CronField("second", 0, 59, {}, 60),
    CronField("minute", 0, 59, {}, 60),
    CronField("hour", 0, 23, {}, 24),
    CronField("day_of_month", 1, 31, {}, 31),
    CronField("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}, 12),
    CronField("day_of_week", 0, 7, {name: number for number, name in enumerate(_DAYS)}, 7),
)
_DAY, _WEEKDAY = FIELDS[3], FIELDS[5]


@dataclass(frozen=True)
class Reading:
    """One field, understood: its normalised text, its plain values, its special days.

    Attributes:
        last: True if the last day of the month is among its days.
        special: days that are no numbers, as the matching library spells them.
    """

    field: CronField
    text: str
    values: frozenset[int]
    last: bool
    special: tuple[str, ...]

    @property
    def starred(self) -> bool:
        """True if it contains ``*``, which decides Debian's day rule."""
        return "*" in self.text

    def parts(self) -> list[str]:
        """Spellings whose union is the field; each is free of combinations croniter misreads."""
        found = []
        if len(self.values) == self.field.cycle:
            return ["*"]
        plain = [str(value) for value in sorted(self.values)] + ["l"] * self.last
        if plain:
            found.append(",".join(plain))
        nearest = [special for special in self.special if special.endswith("w")]
        nth = [special for special in self.special if not special.endswith("w")]
        return found + nearest + ([",".join(nth)] if nth else [])


@dataclass(frozen=True)
class CronText:
    """A whole expression, understood.

    Attributes:
        text: the normalised expression; a macro stays a macro.
        readings: second, minute, hour, day of month, month, day of week.
        seconds: True if the expression has a second field.
    """

    text: str
    readings: tuple[Reading, ...]
    seconds: bool

    @property
    def wildcard(self) -> bool:
        """True if it follows real time across DST: second, minute or hour starts with ``*``."""
        return any(reading.text.startswith("*") for reading in self.readings[:3])

    @property
    def both_days_restricted(self) -> bool:
        """True if neither day field contains ``*``, so that ``day_mode`` has a say."""
        return not (self.readings[3].starred or self.readings[5].starred)

    def day_alternatives(self, day_mode: str) -> Iterator[tuple[str, str]]:
        """Pairs of (day of month, day of week) that must both hold; any pair suffices."""
        days, weekdays = self.readings[3].parts(), self.readings[5].parts()
        if self.both_days_restricted and day_mode == "or":
            yield from ((day, "*") for day in days)
            yield from (("*", weekday) for weekday in weekdays)
        else:
            yield from ((day, weekday) for day in days for weekday in weekdays)


def read_cron(expression: str) -> CronText:
    """The expression, understood and normalised.

    Raises:
        InvalidCron: it is not five or six fields of ``crontab(5)``, or out of range.
    """
    if not isinstance(expression, str) or not expression.strip():
        raise InvalidCron(
            "The cron expression is empty: write five fields, such as '0 3 * * MON'.",
            field="schedule",
        )
    if len(expression) > _MAX_TEXT or not expression.isascii():
        raise InvalidCron(
            f"A cron expression is plain ASCII of at most {_MAX_TEXT} characters; this one is not.",
            field="schedule",
        )
    return _read(expression.strip())


@lru_cache(maxsize=4096)
def _read(expression: str) -> CronText:
    macro = expression.lower()
    words = MACROS.get(macro, expression).split()
    if len(words) not in (5, 6):
        raise InvalidCron(_wrong_count(expression, len(words)), field="schedule")
    seconds = len(words) == 6
    texts = words if seconds else ["0", *words]
    readings = tuple(_read_field(field, text) for field, text in zip(FIELDS, texts, strict=True))
    shown = [reading.text for reading in (readings if seconds else readings[1:])]
    return CronText(macro if macro in MACROS else " ".join(shown), readings, seconds)


def _wrong_count(expression: str, count: int) -> str:
    if expression.lower() == "@reboot":
        return "'@reboot' is not a time: give the job run_on_start=True instead."
    meant = did_you_mean(expression, MACROS)
    if expression.startswith("@"):
        meant = meant or f"use one of {', '.join(MACROS)}."
        return f"{expression!r} is not a macro: {meant}"
    if meant:
        return f"{expression!r} is not a cron expression: {meant}"
    if count == 7:
        return f"{expression!r} has a year field: use end_at, or @at for a single instant."
    return (
        f"{expression!r} has {count} fields: write five (minute hour day-of-month month "
        "day-of-week), or six with the second first."
    )


def _read_field(field: CronField, text: str) -> Reading:
    if text == "?" and field in (_DAY, _WEEKDAY):
        text = "*"
    shown: list[str] = []
    values: set[int] = set()
    special: list[str] = []
    for item in text.upper().split(","):
        spelled = _read_special(field, item)
        if spelled is None:
            item_text, item_values = _read_item(field, item)
            shown.append(item_text)
            values |= item_values
        else:
            shown.append(spelled[0])
            special.append(spelled[1])
    last = "l" in special
    others = tuple(sorted({each for each in special if each != "l"}))
    return Reading(field, ",".join(shown), frozenset(values), last, others)


def _read_special(field: CronField, item: str) -> tuple[str, str] | None:
    """(normalised text, the library's spelling) of a day that is no plain number, or None."""
    if field is _DAY:
        return _read_special_day(item)
    if field is _WEEKDAY:
        return _read_special_weekday(item)
    return None


def _read_special_day(item: str) -> tuple[str, str] | None:
    if item == "L":
        return "L", "l"
    if item in ("LW", "WL"):
        # The weekday nearest to a 31st that may not exist is the month's last weekday.
        return "LW", "31w"
    match = _NEAREST.fullmatch(item)
    if match is not None:
        day = int(match.group(1) or match.group(2))
        if not 1 <= day <= 28:
            raise _refused(_DAY, item, "not every month has it; use 1W to 28W, or LW")
        return f"{day}W", f"{day}w"
    if item.startswith("L-"):
        raise _refused(_DAY, item, "days counted from the month's end are not supported; use L")
    return None


def _read_special_weekday(item: str) -> tuple[str, str] | None:
    match = _NTH.fullmatch(item)
    if match is not None:
        weekday = _number(_WEEKDAY, item, match.group(1))
        if match.group(2) not in ("1", "2", "3", "4", "5"):
            last = f"{weekday % 7}L"
            raise _refused(_WEEKDAY, item, f"only #1 to #5 exist; for the last one write {last}")
        return item, f"{weekday % 7}#{match.group(2)}"
    match = _LAST.fullmatch(item)
    if match is not None:
        weekday = _number(_WEEKDAY, item, match.group(1) or match.group(2))
        return f"{match.group(1) or match.group(2)}L", f"l{weekday % 7}"
    if item == "L":
        raise _refused(_WEEKDAY, item, "say which day is the last one, as in 5L, or write SAT")
    return None


def _read_item(field: CronField, item: str) -> tuple[str, set[int]]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise _refused(field, item, f"use numbers {_range(field)}, ranges, lists, steps or *")
    start, end, step_text = match.groups()
    if start == "*" and end is not None:
        raise _refused(field, item, "* already is the whole range")
    step = 1 if step_text is None else _step(field, item, step_text)
    suffix = "" if step_text is None else f"/{step}"
    if start == "*":
        return f"*{suffix}", _wrap(field, field.low, field.high, step)
    low = _number(field, item, start)
    if end is None and step_text is None:
        return _spelled(field, start), {low % 7 if field is _WEEKDAY else low}
    if end is None:
        return _open_step(field, item, start, low, step)
    high = _number(field, item, end)
    text = f"{_spelled(field, start)}-{_spelled(field, end)}{suffix}"
    return text, _wrap(field, low, high if low <= high else high + field.cycle, step)


def _open_step(
    field: CronField, item: str, start: str, low: int, step: int
) -> tuple[str, set[int]]:
    """``10/5`` of other crons: from 10 to the end of the field."""
    if field is _WEEKDAY:
        raise _refused(field, item, "a step needs a range here, as in 1-6/2")
    if field.names:
        start = str(low)
    return f"{_spelled(field, start)}-{field.high}/{step}", _wrap(field, low, field.high, step)


def _wrap(field: CronField, low: int, high: int, step: int) -> set[int]:
    """Every ``step``-th value from low to high, going round where the field ends."""
    return {(value - field.low) % field.cycle + field.low for value in range(low, high + 1, step)}


def _number(field: CronField, item: str, word: str) -> int:
    if word in field.names:
        return field.names[word]
    if word in ("R", "H"):
        raise _refused(field, item, "random and hashed values would move; use jitter instead")
    if not word.isdigit():
        names = f" or names such as {min(field.names)}" if field.names else ""
        raise _refused(field, item, f"use numbers {_range(field)}{names}")
    number = int(word)
    if not field.low <= number <= field.high:
        raise _refused(field, item, f"{number} is out of range {_range(field)}")
    return number


def _step(field: CronField, item: str, word: str) -> int:
    if not word.isdigit() or int(word) == 0:
        raise _refused(field, item, "a step is a whole number above 0")
    return int(word)


def _spelled(field: CronField, word: str) -> str:
    return word if word in field.names else str(int(word))


def _range(field: CronField) -> str:
    return f"{field.low}-{field.high}"


def _refused(field: CronField, item: str, why: str) -> InvalidCron:
    return InvalidCron(f"{item!r} in the {field.label} field: {why}.", field="schedule")
