"""Cron against the brute-force oracle, around transitions of many zones."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_scheduler.exceptions import UnsatisfiableSchedule
from django_scheduler.schedules import Cron, cron

from .oracle import Crontab
from .times import UTC, at, walk, walk_back
from .transitions import TRANSITIONS


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, wrap: int) -> str:
    """One field of a crontab."""
    number = st.integers(low, high)
    items = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["one", "one", "range", "range_step", "star", "star_step"]))
        step = draw(st.integers(1, wrap + 2))
        first, last = draw(number), draw(number)
        items.append(
            {
                "one": f"{first}",
                "range": f"{first}-{last}",
                "range_step": f"{first}-{last}/{step}",
                "star": "*",
                "star_step": f"*/{step}",
            }[kind]
        )
    return ",".join(items)


MINUTES = fields(0, 59, 60)
HOURS = st.one_of(fields(0, 23, 24), fields(0, 3, 24))
DAYS = st.one_of(st.just("*"), fields(1, 31, 31))
MONTHS = st.one_of(st.just("*"), st.just("*"), fields(1, 12, 12))
WEEKDAYS = st.one_of(st.just("*"), fields(0, 7, 7))
EXPRESSIONS = st.tuples(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS).map(" ".join)
OPTIONS = st.fixed_dictionaries(
    {
        "day_mode": st.sampled_from(["or", "and"]),
        "gap": st.sampled_from(["shift", "skip"]),
        "fold": st.sampled_from(["first", "both", "last"]),
    }
)


def _compare(expression: str, zone: str, start: datetime, end: datetime, **options: str) -> None:
    line = Crontab(expression, options["day_mode"])
    expected = line.occurrences(zone, start, end, options["gap"], options["fold"])
    try:
        schedule = cron(expression, timezone=zone, **options)
    except UnsatisfiableSchedule:
        assert expected == []
        return
    assert walk(schedule, start, end) == expected
    assert walk_back(schedule, start, end) == expected
    instant = timedelta(microseconds=1)
    assert schedule.count_between(start - instant, end - instant) == len(expected)
    middle = start + (end - start) / 2
    assert schedule.count_between(middle, end - instant) == sum(e > middle for e in expected)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(TRANSITIONS), EXPRESSIONS, OPTIONS)
def test_cron_agrees_with_the_oracle_around_transitions(
    transition: tuple[str, str], expression: str, options: dict[str, str]
) -> None:
    """S1, S11: nothing left out, nothing invented, forwards, backwards and counted."""
    zone, text = transition
    middle = at(text)
    window = timedelta(hours=5)
    _compare(expression, zone, middle - window, middle + window, **options)


@pytest.mark.parametrize(("zone", "text"), TRANSITIONS)
@pytest.mark.parametrize(("gap", "fold"), [("shift", "first"), ("skip", "last"), ("shift", "both")])
def test_common_expressions_agree_with_the_oracle(
    zone: str, text: str, gap: str, fold: str
) -> None:
    """S11: daily, half-hourly and wildcard lines over two days of every transition."""
    middle = at(text)
    for expression in ("0 9 * * *", "0,30 0-3 * * *", "*/20 0-3 * * *", "59 23 * * 5-1"):
        _compare(
            expression,
            zone,
            middle - timedelta(hours=28),
            middle + timedelta(hours=28),
            day_mode="or",
            gap=gap,
            fold=fold,
        )


@pytest.mark.parametrize(
    "expression",
    ["*/7 * * * * *", "5-40/11 58-2 * * * *", "0,59 59,0 1-3 * * *", "30 */30 2 * * *"],
)
@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Paris", "2026-03-29 01:00"),
        ("Europe/Paris", "2026-10-25 01:00"),
        ("Australia/Lord_Howe", "2026-04-04 15:00"),
    ],
)
def test_seconds_agree_with_the_oracle(expression: str, zone: str, text: str) -> None:
    """S1: six fields, second first, second by second through a transition."""
    middle = at(text)
    hour = timedelta(minutes=75)
    line = Crontab(expression)
    schedule = cron(expression, timezone=zone)
    expected = line.occurrences(zone, middle - hour, middle + hour, step=timedelta(seconds=1))
    assert walk(schedule, middle - hour, middle + hour) == expected
    assert schedule.count_between(middle - hour, middle + hour - timedelta(seconds=1)) == len(
        [each for each in expected if each > middle - hour]
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["0 0 L * *", "0 0 1,15W * *", "30 2 LW * *", "0 0 * * MON#1,5L", "0 9 * * *"]),
    st.sampled_from([zone for zone, _ in TRANSITIONS]),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001
)
def test_next_and_previous_agree_everywhere(text: str, zone: str, naive: datetime) -> None:
    """S1: previous_before(next_after(t)) is the occurrence at or before t."""
    schedule: Cron = cron(text, timezone=zone)
    moment = naive.replace(tzinfo=UTC)
    following = schedule.next_after(moment)
    assert following is not None and following > moment
    previous = schedule.previous_before(following)
    assert previous is not None and previous <= moment
    assert schedule.next_after(previous) == following
