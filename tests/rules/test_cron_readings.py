"""Readings of cron on a steady clock: the time within a day, and days far apart."""

from __future__ import annotations

import pytest

from django_scheduler.schedules import parse_schedule
from django_scheduler.schedules.cron_days import spell_days
from django_scheduler.schedules.cron_text import read_cron

from .times import DAY, SECOND, at

HALF = SECOND / 2


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 6,18 * * MON", "2026-02-03 00:00", "2026-02-09 06:00"),
        ("0 6,18 * * MON", "2026-02-02 06:00", "2026-02-02 18:00"),
        ("0 6,18 * * MON", "2026-02-02 18:00", "2026-02-09 06:00"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 06:05:10", "2026-02-02 06:05:20"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 06:05:20", "2026-02-02 06:30:10"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 06:29:59", "2026-02-02 06:30:10"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 06:30:20", "2026-02-02 18:05:10"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 07:59:15", "2026-02-02 18:05:10"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 18:30:20", "2026-02-03 06:05:10"),
        ("59 59 23 * * *", "2026-02-02 23:59:58", "2026-02-02 23:59:59"),
        ("59 59 23 * * *", "2026-02-02 23:59:59", "2026-02-03 23:59:59"),
        ("0 0 0 * * *", "2026-02-02 23:59:59", "2026-02-03 00:00:00"),
    ],
)
def test_there_and_back(text: str, after: str, expected: str) -> None:
    """S1: the next one, and seen from right behind it the last one; fractions change nothing."""
    schedule, found = parse_schedule(text), at(expected)
    assert schedule.next_after(at(after)) == found
    assert schedule.next_after(at(after) + HALF) == found
    assert schedule.next_after(found - HALF) == found
    assert schedule.previous_before(found + HALF) == found
    assert schedule.previous_before(found + SECOND) == found
    assert schedule.count_between(at(after), found - HALF) == 0
    assert schedule.count_between(at(after), found) == 1


@pytest.mark.parametrize(
    ("text", "before", "expected"),
    [
        ("0 6,18 * * MON", "2026-02-09 06:00", "2026-02-02 18:00"),
        ("0 6,18 * * MON", "2026-02-02 18:00", "2026-02-02 06:00"),
        ("0 6,18 * * MON", "2026-02-05 12:00", "2026-02-02 18:00"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 18:05:10", "2026-02-02 06:30:20"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 06:05:10", "2026-02-01 18:30:20"),
        ("10,20 5,30 6,18 * * *", "2026-02-02 12:00:00", "2026-02-02 06:30:20"),
        ("0 0 0 * * *", "2026-02-03 00:00:00", "2026-02-02 00:00:00"),
    ],
)
def test_back(text: str, before: str, expected: str) -> None:
    """S1: the last reading of the day before, of any day before."""
    assert parse_schedule(text).previous_before(at(before)) == at(expected)


@pytest.mark.parametrize(
    ("text", "days", "expected"),
    [
        ("*/20 0,30 6 * * *", 10, 60),
        ("*/20 0,30 6,7,8 * * *", 1, 18),
        ("0 6,18 * * MON", 14, 4),
        ("0 0 1 * *", 365, 12),
        ("* * * * *", 10, 14_400),
        ("0 0 * * 1-5", 7, 5),
        ("0 0 2,3 * *", 31, 2),
    ],
)
def test_readings_are_counted_by_whole_days(text: str, days: int, expected: int) -> None:
    """S1: every second, minute and hour counts; the start does not and the end does."""
    start = at("2026-01-01 00:00")
    assert parse_schedule(text).count_between(start, start + days * DAY) == expected


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("0 6,18 * * *", "2026-02-02 06:00", "2026-02-02 18:00", 1),
        ("0 6,18 * * *", "2026-02-02 05:59:59", "2026-02-02 18:00", 2),
        ("0 6,18 * * *", "2026-02-02 05:59:59", "2026-02-02 17:59:59", 1),
        ("0 6,18 * * *", "2026-02-02 06:00", "2026-02-04 06:00", 4),
        ("0 6,18 * * MON", "2026-02-02 06:00", "2026-02-09 06:00", 2),
        ("0 6,18 * * MON", "2026-02-03 06:00", "2026-02-09 05:59", 0),
    ],
)
def test_parts_of_days_are_counted(text: str, start: str, end: str, expected: int) -> None:
    """S1: on the day of the start only what follows, on that of the end only what precedes."""
    assert parse_schedule(text).count_between(at(start), at(end)) == expected


@pytest.mark.parametrize("text", ["0 0 * * *", "0 0 1-31 * FRI", "0 0 13 * 0-6"])
def test_every_day_is_known_as_such(text: str) -> None:
    """S1: whatever else may match, no day needs to be looked for."""
    assert spell_days(read_cron(text), "or") == ("0 0 * * *",)
    schedule = parse_schedule(text)
    assert schedule.next_after(at("2026-02-28 00:00")) == at("2026-03-01 00:00")
    assert schedule.previous_before(at("2026-03-01 00:00")) == at("2026-02-28 00:00")


def test_the_calendars_ends_are_beyond_every_search() -> None:
    """S1: also where the day asked about lies within."""
    schedule = parse_schedule("0 0 1 6 *")
    assert schedule.previous_before(at("0001-05-01 12:00")) is None
    assert schedule.previous_before(at("0002-05-01 12:00")) == at("0001-06-01 00:00")
    assert schedule.next_after(at("9999-06-01 12:00")) is None
    assert schedule.next_after(at("9999-05-01 12:00")) == at("9999-06-01 00:00")
