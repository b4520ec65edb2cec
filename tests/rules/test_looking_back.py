"""What the base does for kinds that only know the next occurrence, and where the calendar ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from django_scheduler.schedules import Schedule
from django_scheduler.schedules.base import as_utc, clamped

from .times import DAY, MINUTE, SECOND, UTC, at

REACH = 64 * 366 * DAY


@dataclass(frozen=True)
class Marks(Schedule):
    """Occurs at the instants given; remembers how often it was asked."""

    marks: tuple[datetime, ...] = ()
    asked: list[datetime] = field(default_factory=list, compare=False)

    def next_after(self, instant: datetime) -> datetime | None:
        """The first mark after the instant."""
        self.asked.append(instant)
        return min((each for each in self.marks if each > as_utc(instant)), default=None)

    def __str__(self) -> str:
        return "@marks"


@pytest.mark.parametrize(
    ("mark", "now", "found"),
    [
        (at("2026-01-01 00:00") - REACH + SECOND, at("2026-01-01 00:00"), True),
        (at("2026-01-01 00:00") - REACH, at("2026-01-01 00:00"), False),
        (at("0002-01-01 00:00:01"), at("0003-02-05 00:00"), True),
        (at("0002-01-01 00:00:01"), at("0002-01-01 00:00:02"), True),
        (at("0002-01-01 00:00"), at("0003-02-05 00:00"), False),
        (at("0001-06-01 00:00"), at("0001-07-01 00:00"), False),
        (at("2026-01-01 00:00"), at("2026-01-01 00:00"), False),
        (at("2026-01-01 00:00"), at("2026-01-01 00:00:01"), True),
    ],
)
def test_a_look_back_reaches_64_years_within_the_calendar(
    mark: datetime, now: datetime, found: bool
) -> None:
    """S10: bounded, and strictly before."""
    assert Marks(marks=(mark,)).previous_before(now) == (mark if found else None)


def test_what_is_near_is_found_with_few_questions() -> None:
    """S10: a kind may be slow to answer."""
    start = at("2026-01-01 00:00")
    schedule = Marks(marks=tuple(start + number * MINUTE for number in range(100)))
    assert schedule.previous_before(start + 50 * MINUTE) == start + 49 * MINUTE
    assert len(schedule.asked) <= 4
    schedule = Marks(marks=tuple(start + number * SECOND for number in range(1000)))
    assert schedule.previous_before(start + 500 * SECOND) == start + 499 * SECOND
    assert len(schedule.asked) <= 20


def test_instants_are_kept_away_from_the_calendars_ends() -> None:
    """S2: with room for offsets and margins, and in UTC."""
    instant = timedelta(microseconds=1)
    low, high = at("0002-01-01 00:00"), at("9998-01-01 00:00")
    for given, expected in [
        (datetime.min.replace(tzinfo=UTC), low),
        (low + instant, low + instant),
        (at("2026-01-01 00:00", "Asia/Tokyo"), at("2026-01-01 00:00", "Asia/Tokyo")),
        (high - instant, high - instant),
        (datetime.max.replace(tzinfo=UTC), high),
    ]:
        assert clamped(given) == expected
