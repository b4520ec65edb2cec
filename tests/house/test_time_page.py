"""The table of the page about time is what the schedules do: every cell is computed anew."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from django_scheduler.schedules import parse_schedule
from django_scheduler.schedules.effects import dst_effects
from django_scheduler.schedules.wall import Shift, shifts_between, zone_called
from tests.house.sources import REPOSITORY

PAGE = REPOSITORY / "docs" / "explanation" / "time.md"
AROUND = timedelta(hours=1)
UNTOUCHED = "elapsed time: not touched"
RHYTHM = "a rhythm: it goes on as ever"


def _rows() -> list[list[str]]:
    text = PAGE.read_text(encoding="utf-8").partition("## What happens when")[2]
    text = text.partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _shift(zone: str, day: str) -> Shift:
    """The shift of the zone's clock on a day."""
    start = datetime.fromisoformat(f"{day} 00:00") - timedelta(days=1)
    shifts = shifts_between(zone_called(zone), start, start + timedelta(days=2))
    (found,) = [each for each in shifts if str(each.low.date()) == day]
    return found


def _clock(shift: Shift) -> str:
    kind = "no" if shift.is_gap else "twice"
    if shift.low.date() < shift.high.date():
        return f"{kind} such day"
    return f"{kind} {shift.low:%H:%M} to {shift.high:%H:%M}"


def _runs(text: str, zone: str, shift: Shift) -> str:
    """The runs from an hour before the shift to an hour after the readings it concerns."""
    schedule = parse_schedule(text, zone)
    at = shift.at.replace(tzinfo=timezone.utc)
    # The first pass of repeated readings lies before the shift, the second one after it.
    passes = timedelta(0) if shift.is_gap else shift.high - shift.low
    low, high = at - passes - AROUND, at + passes + AROUND
    found = []
    instant = schedule.next_after(low - timedelta(microseconds=1))
    while instant is not None and instant <= high:
        found.append(f"{instant.astimezone(ZoneInfo(zone)):%H:%M %Z}")
        instant = schedule.next_after(instant)
    return ", ".join(found) or "none"


def _words(text: str, zone: str, shift: Shift) -> str:
    at = shift.at.replace(tzinfo=timezone.utc)
    found = dst_effects(parse_schedule(text, zone), at - timedelta(hours=1), at)
    if not found:
        return UNTOUCHED
    return RHYTHM if found[0].rhythm else found[0].describe().partition(": ")[2]


def computed(text: str, zone: str, day: str) -> list[str]:
    """The row as it has to be."""
    shift = _shift(zone, day)
    runs = _runs(text, zone, shift)
    return [f"`{text}`", f"{zone}, {day}", _clock(shift), runs, _words(text, zone, shift)]


def test_the_table_has_every_kind_of_case():
    words = " ".join(row[-1] for row in _rows())
    for said in ("so it runs", "stands for", "left out", "first time", "second time", "both times"):
        assert said in words
    assert UNTOUCHED in words
    assert RHYTHM in words
    assert len(_rows()) >= 20


@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row[0]} {row[1]}")
def test_a_row_says_what_the_schedule_does(row):
    text, (zone, day) = row[0].strip("`"), row[1].split(", ")
    assert row == computed(text, zone, day)
