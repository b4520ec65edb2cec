"""Reading what was typed: JSON, instants, counts. Every error is typed and names the option."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware

from ...exceptions import InvalidArguments, InvalidData
from ...schedules.wall import zone_called

__all__ = ["INSTANT_HELP", "read_count", "read_instant", "read_json"]

INSTANT_HELP = "ISO 8601, such as 2026-12-01T09:00:00Z; without an offset: in TIME_ZONE"


def read_json(text: str | None, option: str, kind: type) -> Any:
    """Return the JSON in ``text``; None stays None.

    Raises:
        InvalidArguments: it is no JSON, or another kind of it.
    """
    if text is None:
        return None
    example = "'[\"north\", 2]'" if kind is list else '\'{"region": "north"}\''
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArguments(
            f"{option} is no JSON ({error}); write it like {option} {example}.", field=option
        ) from None
    if not isinstance(value, kind):
        raise InvalidArguments(f"{option} must be like {example}, not {text!r:.80}.", field=option)
    return value


def read_instant(text: str | None, option: str, zone: str | None = None) -> datetime | None:
    """Return the aware instant written in ``text``; None stays None.

    A date alone is its midnight. Without an offset it is read in ``zone``, or in the current time
    zone if that is None.

    Raises:
        InvalidData: it is no instant.
        InvalidTimezone: ``zone`` is unknown.
    """
    if text is None:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise InvalidData(f"{option} is {text!r}; write it as {INSTANT_HELP}.", field=option)
    if is_aware(found):
        return found
    return make_aware(found, None if zone is None else zone_called(zone))


def read_count(number: int, option: str) -> int:
    """Return ``number`` if it is 1 or more; raise InvalidData otherwise."""
    if not 1 <= number <= 1000:
        raise InvalidData(f"{option} is {number}; use a number from 1 to 1000.", field=option)
    return number
