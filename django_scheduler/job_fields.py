"""What each field of a job may hold. Pure; shared by ``@job``, the facade, sync and the forms.

One reader a field: it returns the value as a row stores it, or raises the typed error that names
the field. What needs the database, the registry or the settings is checked elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, datetime, timedelta, timezone
from enum import Enum
from typing import Any

from .exceptions import (
    InvalidArguments,
    InvalidData,
    InvalidJob,
    InvalidSchedule,
    InvalidWindow,
    SchedulerError,
)
from .policies import CatchUp, OnLost, Overlap, Retry, to_timedelta
from .schedules import Schedule

__all__ = [
    "FIELDS",
    "MOST_NESTED",
    "TIMING_FIELDS",
    "check_schedule",
    "check_together",
    "is_storable",
    "not_storable",
    "read_field",
    "read_name",
]

TIMING_FIELDS = frozenset({"schedule", "timezone", "start_at", "end_at", "max_runs", "jitter"})
"""The fields whose change moves a job's next run."""

NAME_LENGTH = 200
MOST_NESTED = 30
"""MariaDB takes JSON of 32 levels."""


def _word(words: type[Enum]) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> str:
        try:
            return str(words(value).value)
        except ValueError:
            known = ", ".join(word.value for word in words)
            raise InvalidJob(f"{name} is {value!r}; use one of: {known}.", field=name) from None

    return read


def _duration(name: str, value: Any) -> Any:
    return None if value is None else to_timedelta(value, name)


def _positive_duration(name: str, value: Any) -> Any:
    span = _duration(name, value)
    if span is not None and not span:
        raise InvalidJob(f"{name} is 0; give a longer span, or None for none.", field=name)
    return span


def _number(least: int, *, optional: bool = True) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> int | None:
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
            raise InvalidJob(f"{name} is {value!r}; use a whole number from {least}.", field=name)
        return value

    return read


def is_storable(text: str) -> bool:
    """Tell whether every database takes the text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _text(longest: int) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not is_storable(value):
            raise InvalidJob(
                f"{name} must be a text of at most {longest} characters, not {value!r:.80}.",
                field=name,
            )
        return value

    return read


def _instant(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidJob(
            f"{name} is {value!r}; use a datetime that knows its time zone.", field=name
        )
    if not MINYEAR < value.year < MAXYEAR:
        # In another zone it would lie outside the calendar, and the row could not be read again.
        raise InvalidJob(f"{name} is {value}; use a year from 2 to 9998.", field=name)
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidJob(f"{name} is {value!r}; use True or False.", field=name)
    return value


def _json(kind: type, error: type[SchedulerError]) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> Any:
        value = kind() if value is None else value
        value = list(value) if kind is list and isinstance(value, tuple) else value
        value = dict(value) if kind is dict and isinstance(value, Mapping) else value
        if not isinstance(value, kind) or (
            isinstance(value, dict) and not all(isinstance(key, str) for key in value)
        ):
            wanted = "a list" if kind is list else "a dict with texts as keys"
            raise error(f"{name} must be {wanted}, not {value!r:.80}.", field=name)
        try:
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as problem:
            raise error(
                f"{name} must be JSON (texts, numbers, lists, dicts, booleans, null): {problem}.",
                field=name,
            ) from None
        refused = not_storable(value)
        if refused:
            raise error(f"{name} {refused}", field=name)
        return json.loads(text)

    return read


def not_storable(value: Any, depth: int = 0) -> str:
    """Return why a JSON value is not taken by every database; empty: it is."""
    if depth > MOST_NESTED:
        return f"is nested more than {MOST_NESTED} levels deep."
    if isinstance(value, str):
        return "" if is_storable(value) else f"has a text no database takes: {value!a:.80}."
    if isinstance(value, Mapping):
        inner: Iterable[Any] = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple)):
        inner = value
    else:
        return ""
    return next(filter(None, (not_storable(each, depth + 1) for each in inner)), "")


def _optional_json(name: str, value: Any) -> Any:
    return None if value is None else _json(dict, InvalidData)(name, value)


def _retry(name: str, value: Any) -> Any:
    policy = Retry.of(value)
    if policy is None:
        return None
    policy.check_names()
    return policy.to_dict()


def _tags(name: str, value: Any) -> list[str]:
    if value is not None and not isinstance(value, Iterable):
        raise InvalidJob(f"tags must be a list of texts, not {value!r}.", field=name)
    tags = [value] if isinstance(value, str) else list(value or ())
    for tag in tags:
        good = isinstance(tag, str) and tag.strip() and len(tag) <= 64 and is_storable(tag)
        if not good:
            raise InvalidJob(f"A tag is a text of 1 to 64 characters, not {tag!r}.", field=name)
    return sorted(set(tags))


FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "args": _json(list, InvalidArguments),
    "kwargs": _json(dict, InvalidArguments),
    "metadata": _json(dict, InvalidData),
    "carried_state": _optional_json,
    "description": _text(10_000),
    "executor": _text(64),
    "queue": _text(64),
    "tags": _tags,
    "priority": _number(-(2**31), optional=False),
    "timeout": _positive_duration,
    "stall_timeout": _positive_duration,
    "retry": _retry,
    "pause_after_failures": _number(1),
    "on_lost": _word(OnLost),
    "overlap": _word(Overlap),
    "max_running": _number(1),
    "buffer_limit": _number(1, optional=False),
    "catch_up": _word(CatchUp),
    "catch_up_window": _duration,
    "catch_up_limit": _number(1),
    "misfire_grace": _duration,
    "start_deadline": _positive_duration,
    "start_at": _instant,
    "end_at": _instant,
    "max_runs": _number(1),
    "run_on_start": _flag,
    "jitter": _duration,
}
"""A reader for each field that code, facade and forms may set beside name, function, schedule
and timezone."""


def read_field(name: str, value: Any) -> Any:
    """Return ``value`` as a job row stores it.

    Raises:
        InvalidJob: the field does not exist, or the value does not suit it.
        InvalidArguments: ``args`` or ``kwargs`` are not JSON.
        InvalidData: ``metadata`` is not JSON.
    """
    if name not in FIELDS:
        known = ", ".join(sorted(FIELDS))
        raise InvalidJob(f"A job has no field {name!r}; use one of: {known}.", field=name)
    return FIELDS[name](name, value)


def check_schedule(value: Any) -> None:
    """Do nothing for a schedule, its text or None; raise InvalidSchedule otherwise."""
    if value is not None and not isinstance(value, (Schedule, str)):
        raise InvalidSchedule(
            f"schedule is {value!r}; give a schedule such as every(minutes=5), or its text.",
            field="schedule",
        )


def check_together(
    schedule: Schedule,
    *,
    overlap: str,
    start_at: datetime | None,
    end_at: datetime | None,
    placed: bool = True,
) -> None:
    """Do nothing if the schedule, the overlap policy and the window make sense together.

    Args:
        placed: the schedule has its job's zone and anchor, so that its occurrences are known.

    Raises:
        InvalidWindow: it ends before it starts, or no occurrence of the schedule lies in it.
        InvalidJob: a schedule measured from the last finish that is to overlap.
    """
    if start_at and end_at and end_at <= start_at:
        raise InvalidWindow(
            f"end_at ({end_at:%Y-%m-%d %H:%M %Z}) must be later than start_at "
            f"({start_at:%Y-%m-%d %H:%M %Z}).",
            field="end_at",
        )
    if schedule.fixed_delay and overlap == Overlap.ALLOW:
        raise InvalidJob(
            "A schedule measured from the finish of the last run cannot allow overlap; "
            "choose another overlap or drop 'after finish'.",
            field="overlap",
        )
    if schedule.one_shot or (placed and not schedule.fixed_delay and not schedule.on_demand):
        _check_not_empty(schedule, start_at, end_at)


def _check_not_empty(
    schedule: Schedule, start_at: datetime | None, end_at: datetime | None
) -> None:
    if end_at is None and not (schedule.one_shot and start_at):
        return
    if start_at is None and not schedule.one_shot:
        return  # from when it counts is not known here
    earliest = datetime(MINYEAR + 1, 1, 1, tzinfo=timezone.utc)
    first = schedule.next_after((start_at or earliest) - timedelta(microseconds=1))
    if first is None or (end_at is not None and first > end_at):
        raise InvalidWindow(
            f"No occurrence of {str(schedule)!r} lies between start_at and end_at: widen the "
            "window or change the schedule.",
            field="start_at" if end_at is None else "end_at",
        )


def read_name(name: Any) -> str:
    """Return ``name`` if a job or function can bear it; raise InvalidJob otherwise."""
    bad = (
        not isinstance(name, str)
        or not name
        or name != name.strip()
        or len(name) > NAME_LENGTH
        or not name.isprintable()
    )
    if bad:
        raise InvalidJob(
            f"A name is a printable text of 1 to {NAME_LENGTH} characters without spaces around "
            f"it, not {name!r:.80}.",
            field="name",
        )
    return str(name)
