"""What is passed over while a job is paused, edited or mended: one record, never silently lost."""

from __future__ import annotations

from datetime import datetime

import pytest

from django_scheduler.planning import Policy, Summary, passed_over
from django_scheduler.schedules import cron, every, manual, once

from .times import DAY, HOUR, MINUTE, SECOND, at

HOURLY = cron("0 * * * *")
NOON = at("2026-05-05 12:00")


def hours_ago(count: int) -> datetime:
    """That many hours before noon."""
    return NOON - count * HOUR


@pytest.mark.parametrize(
    ("mark", "now", "count"),
    [
        (hours_ago(1), NOON - SECOND, 0),
        (hours_ago(1), NOON, 1),
        (hours_ago(3), NOON + 59 * MINUTE, 3),
        (NOON, hours_ago(5), 0),
        (None, NOON, 0),
    ],
)
def test_passed_over_since_the_mark(mark: datetime | None, now: datetime, count: int) -> None:
    """C1: after the mark, until now, both as nominal instants; a clock set back finds none."""
    found = passed_over(HOURLY, mark, now, Policy())
    expected = Summary(hours_ago(count - 1), NOON, count, "missed") if count else None
    assert found == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"start_at": hours_ago(1)}, (hours_ago(1), NOON, 2)),
        ({"end_at": hours_ago(1)}, (hours_ago(2), hours_ago(1), 2)),
        ({"start_at": NOON + SECOND}, None),
        ({"end_at": hours_ago(3)}, None),
        ({"remaining": 1}, (hours_ago(2), NOON, 3)),
        ({"remaining": 0}, None),
        ({"jitter": HOUR, "seed": "job"}, (hours_ago(2), NOON, 3)),
    ],
)
def test_passed_over_within_the_window_of_the_job(
    fields: dict[str, object], expected: tuple[datetime, datetime, int] | None
) -> None:
    """S8: outside it, and once no run may follow, there are no occurrences; jitter moves none."""
    found = passed_over(HOURLY, hours_ago(3), NOON, Policy(**fields))  # type: ignore[arg-type]
    assert found == (None if expected is None else Summary(*expected, "missed"))


@pytest.mark.parametrize(
    ("start_at", "now", "first"),
    [
        (None, NOON, hours_ago(5) + 10 * MINUTE),
        (hours_ago(1), NOON, hours_ago(1)),
        (NOON + SECOND, NOON, None),
        (None, hours_ago(5) + 9 * MINUTE, None),
    ],
)
def test_a_fixed_delay_is_passed_over_once(
    start_at: datetime | None, now: datetime, first: datetime | None
) -> None:
    """S6: however long it was."""
    schedule = every(minutes=10, after="finish")
    found = passed_over(schedule, hours_ago(5), now, Policy(start_at=start_at))
    assert found == (None if first is None else Summary(first, first, 1, "missed"))


def test_other_kinds_are_passed_over_by_their_own_occurrences() -> None:
    """S7: an instant once, a manual job never; a month of seconds by arithmetic."""
    assert passed_over(once(NOON), hours_ago(1), NOON, Policy()) == Summary(NOON, NOON, 1, "missed")
    assert passed_over(once(NOON), NOON, NOON + DAY, Policy()) is None
    assert passed_over(manual(), hours_ago(1), NOON, Policy()) is None
    found = passed_over(cron("* * * * * *"), NOON - 30 * DAY, NOON, Policy())
    assert found == Summary(NOON - 30 * DAY + SECOND, NOON, 30 * 86400, "missed")
