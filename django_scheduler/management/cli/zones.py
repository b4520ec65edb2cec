"""Instants in the zones people ask about: a job's own, the project's, UTC; each told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.timezone import get_current_timezone_name

from ...schedules.wall import zone_called

__all__ = ["zone_columns"]


def zone_columns(
    instants: Sequence[datetime], zone: str | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return the names of the zones to show, and for each instant its readings there.

    A zone that reads the same as one before it is left out.
    """
    names = dict.fromkeys(filter(None, [zone, get_current_timezone_name(), "UTC"]))
    columns: dict[tuple[str, ...], str] = {}
    for name in names:
        columns.setdefault(tuple(_reading(each, name) for each in instants), name)
    rows = [list(readings) for readings in zip(*columns, strict=True)]
    return list(columns.values()), rows


def _reading(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(zone_called(zone)):%a %Y-%m-%d %H:%M:%S %Z}"
