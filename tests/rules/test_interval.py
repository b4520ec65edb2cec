"""Intervals: fixed rate, whole days, fixed delay."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scheduler.exceptions import InvalidInterval, InvalidSchedule, InvalidTimezone
from django_scheduler.schedules import Interval, every, parse_schedule

from .times import DAY, HOUR, MINUTE, SECOND, UTC, at, local, walk, walk_back

INSTANT = timedelta(microseconds=1)


def test_grid_goes_through_its_start_and_begins_there() -> None:
    """S5: before the anchor comes the anchor, on a boundary the next one."""
    start = at("2026-01-01 00:00:30")
    schedule = every(minutes=5, starting=start)
    assert schedule.next_after(start - 100 * DAY) == start
    assert schedule.next_after(start - INSTANT) == start
    assert schedule.next_after(start) == start + 5 * MINUTE
    assert schedule.next_after(start + 7 * MINUTE) == start + 10 * MINUTE
    assert schedule.previous_before(start) is None
    assert schedule.previous_before(start + INSTANT) == start
    assert schedule.previous_before(start + 5 * MINUTE) == start
    for each in (schedule, every(days=1, starting=start)):
        assert each.count_between(start - 100 * DAY, start) == 1
        assert each.count_between(start - 100 * DAY, start - 50 * DAY) == 0


def test_job_anchor_is_used_only_without_a_start() -> None:
    """S5: inside a job the grid counts from its creation; the text does not show it."""
    created = at("2026-05-05 10:17:03")
    schedule = every(hours=1).anchored(created)
    assert schedule.first(created) == created + HOUR
    assert str(schedule) == "@every 1h"
    assert parse_schedule("@every 1h", anchor=created) == schedule
    fixed = every(hours=1, starting=at("2026-01-01 00:00"))
    assert fixed.anchored(created) is fixed
    delay = every(hours=1, after="finish")
    assert delay.anchored(created) is delay


def test_bare_interval_counts_from_the_epoch() -> None:
    """S4: without anchor and start the grid is the clock's own."""
    assert every(hours=1).next_after(at("2026-05-05 10:17")) == at("2026-05-05 11:00")
    assert every(minutes=7).next_after(at("1960-01-01 00:00")) == at("1970-01-01 00:00")


@given(
    st.integers(1, 10**7),
    st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001
    st.integers(0, 10**9),
)
def test_fixed_rate_never_drifts(seconds: int, naive: datetime, offset: int) -> None:
    """S5: every occurrence is anchor + n * interval, the first one after the instant."""
    anchor = naive.replace(tzinfo=UTC)
    schedule = every(seconds=seconds, starting=anchor)
    moment = anchor + timedelta(seconds=offset)
    found = schedule.next_after(moment)
    assert found is not None
    assert (found - anchor) % timedelta(seconds=seconds) == timedelta(0)
    assert moment < found <= moment + timedelta(seconds=seconds)
    assert schedule.count_between(moment, found) == 1
    assert schedule.count_between(moment, found - INSTANT) == 0
    assert schedule.previous_before(found + INSTANT) == found


def test_counting_a_long_outage_is_arithmetic() -> None:
    """S5: a century of seconds."""
    start = at("2000-01-01 00:00")
    assert every(seconds=1).count_between(start, start + 36500 * DAY) == 36500 * 86400
    assert every(seconds=1).count_between(start, start - DAY) == 0


def test_hours_are_elapsed_and_days_are_wall_clock() -> None:
    """S5, S11: 24h drifts against the clock over DST, 1d does not."""
    start = at("2026-03-28 09:00", "Europe/Paris")
    hours = every(hours=24, starting=start).with_timezone("Europe/Paris")
    days = every(days=1, starting=start).with_timezone("Europe/Paris")
    assert local(hours, start, 1) == ["2026-03-29 10:00:00+02:00"]
    assert local(days, start, 2) == ["2026-03-29 09:00:00+02:00", "2026-03-30 09:00:00+02:00"]


def test_days_are_anchored_at_local_midnight() -> None:
    """S5: the job's creation gives the day, midnight the time."""
    created = at("2026-05-05 17:30", "Europe/Paris")
    schedule = every(days=3).with_timezone("Europe/Paris").anchored(created)
    assert local(schedule, created, 2) == ["2026-05-08 00:00:00+02:00", "2026-05-11 00:00:00+02:00"]
    assert schedule.previous_before(created) == at("2026-05-05 00:00", "Europe/Paris")
    bare = every(days=2).with_timezone("Asia/Tokyo")
    assert local(bare, at("1970-01-01 00:00"), 1) == ["1970-01-03 00:00:00+09:00"]


@pytest.mark.parametrize(
    ("zone", "start", "days"),
    [
        ("Pacific/Apia", "2011-12-27 12:00", 1),
        ("Pacific/Apia", "2011-12-28 12:00", 2),
        ("Pacific/Kwajalein", "1993-08-18 12:00", 1),
        ("America/Havana", "2026-03-06 12:00", 1),
        ("America/Havana", "2026-10-30 12:00", 1),
        ("America/Santiago", "2026-09-04 12:00", 1),
    ],
)
def test_days_through_transitions(zone: str, start: str, days: int) -> None:
    """S11: a midnight left out moves to the gap's end, a skipped day makes no second run."""
    begin = at(start, zone)
    schedule = every(days=days).with_timezone(zone).anchored(begin)
    end = begin + 8 * DAY
    found = walk(schedule, begin, end)
    assert found == sorted(set(found)) and len(found) >= 3
    assert walk_back(schedule, begin, end) == found
    for after in (begin, *found):
        expected = sum(each > after for each in found)
        assert schedule.count_between(after, end - INSTANT) == expected


def test_skipped_day_runs_once_at_its_end() -> None:
    """S11: Samoa had no 30 December 2011."""
    schedule = every(days=1).with_timezone("Pacific/Apia").anchored(at("2011-12-28 00:00"))
    assert local(schedule, at("2011-12-29 05:00", "Pacific/Apia"), 2) == [
        "2011-12-31 00:00:00+14:00",
        "2012-01-01 00:00:00+14:00",
    ]


def test_fixed_delay_counts_from_the_finish() -> None:
    """S6: measured from the recorded end of the last run."""
    schedule = every(minutes=10, after="finish")
    finish = at("2026-05-05 10:03:07")
    assert schedule.fixed_delay and not every(minutes=10).fixed_delay
    assert schedule.next_after(finish) == finish + 10 * MINUTE
    assert schedule.previous_before(finish) == finish - 10 * MINUTE
    assert schedule.count_between(finish, finish + 5 * HOUR) == 1
    assert schedule.count_between(finish, finish + 10 * MINUTE) == 1
    assert schedule.count_between(finish, finish + 10 * MINUTE - INSTANT) == 0
    days = every(days=1, after="finish").with_timezone("Europe/Paris")
    finish = at("2026-03-28 09:15", "Europe/Paris")
    assert local(days, finish, 1) == ["2026-03-29 09:15:00+02:00"]


def test_the_calendar_has_ends() -> None:
    """Beyond year 9999 nothing happens and nothing breaks."""
    last, first = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    for schedule in (every(hours=1), every(days=1), every(hours=1, after="finish")):
        assert schedule.next_after(last) is None
        assert schedule.previous_before(first) is None
        assert schedule.with_timezone("Pacific/Apia").next_after(last) is None


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("@every 1h30m", "@every 1h30m"),
        ("@every 90m", "@every 1h30m"),
        ("@EVERY  5400s", "@every 1h30m"),
        ("@every 1d", "@every 1d"),
        ("@every 1w2d", "@every 9d"),
        ("@every 24h", "@every 24h"),
        ("@every 5m from 2026-01-01T00:00:00Z", "@every 5m from 2026-01-01T00:00:00Z"),
        ("@every 5m from 2026-01-01T00:00+00:00", "@every 5m from 2026-01-01T00:00:00Z"),
        ("@every 5m from 2026-01-01T00:00:00+01:00", "@every 5m from 2026-01-01T00:00:00+01:00"),
        ("@every 10m after finish", "@every 10m after finish"),
        ("@every 10m after start", "@every 10m"),
    ],
)
def test_text_round_trip(written: str, normalised: str) -> None:
    """S4: one text per interval, and back."""
    schedule = parse_schedule(written)
    assert str(schedule) == normalised
    assert parse_schedule(normalised) == schedule


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("@every", InvalidInterval),
        ("@every 0s", InvalidInterval),
        ("@every 0d", InvalidInterval),
        ("@every -5m", InvalidInterval),
        ("@every 1.5h", InvalidInterval),
        ("@every 30m1h", InvalidInterval),
        ("@every 1d12h", InvalidInterval),
        ("@every 5", InvalidInterval),
        ("@every 5 minutes", InvalidInterval),
        ("@every 200000d", InvalidInterval),
        ("@every 99999999999s", InvalidInterval),
        ("@every " + "9" * 50 + "s", InvalidInterval),
        ("@every 5m after lunch", InvalidInterval),
        ("@every 5m from 2026-01-01T00:00:00Z after finish", InvalidInterval),
        ("@every 5m from yesterday", InvalidSchedule),
        ("@every 5m from 2026-01-01T00:00:00", InvalidSchedule),
        ("@every 5m from 2026-02-30T00:00:00Z", InvalidSchedule),
    ],
)
def test_malformed_interval_text_is_refused(text: str, error: type[InvalidSchedule]) -> None:
    """S4: a typed error, with the field for the form."""
    with pytest.raises(error) as caught:
        parse_schedule(text)
    assert caught.value.field in ("schedule", "after", "starting")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"seconds": 0},
        {"seconds": -1},
        {"seconds": 0.5},
        {"days": 1.5},
        {"days": 1, "hours": 1},
        {"minutes": True},
        {"minutes": "5"},
        {"minutes": float("nan")},
        {"minutes": float("inf")},
        {"days": float("inf")},
        {"days": 10**12},
        {"minutes": 5, "after": "noon"},
        {"minutes": 5, "after": "finish", "starting": datetime(2026, 1, 1, tzinfo=timezone.utc)},
    ],
)
def test_malformed_arguments_are_refused(arguments: dict[str, object]) -> None:
    """S3: whole, positive, unmixed."""
    with pytest.raises(InvalidInterval):
        every(**arguments)  # type: ignore[arg-type]


def test_values_made_directly_are_checked_as_well() -> None:
    """S3: the class is public."""
    for arguments in ({"seconds": 1.5}, {"seconds": True}, {"days": "1"}):
        with pytest.raises(InvalidInterval):
            Interval(**arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidSchedule):
        every(minutes=5, starting=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_longest_interval_is_a_century() -> None:
    """S3: exactly as long is fine, longer is not."""
    for longest in ({"days": 36_600}, {"seconds": 36_600 * 86_400}):
        assert Interval(**longest) is not None
        with pytest.raises(InvalidInterval):
            Interval(**{name: value + 1 for name, value in longest.items()})


def test_fractions_that_make_whole_seconds_are_fine() -> None:
    """S3: one and a half hours are 90 minutes."""
    assert every(hours=1.5) == every(minutes=90)
    assert every(days=2.0) == every(days=2)
    assert every(seconds=1).next_after(at("2026-01-01 00:00")) == at("2026-01-01 00:00") + SECOND


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@every 1s", "Every second"),
        ("@every 1h", "Every hour"),
        ("@every 90m", "Every 1 hour 30 minutes"),
        ("@every 5m after finish", "Every 5 minutes after the last run has finished"),
        ("@every 1d", "Every day at midnight, Europe/Paris"),
        ("@every 3d after finish", "Every 3 days after the last run has finished, Europe/Paris"),
        ("@every 5m from 2026-01-01T00:00:00Z", "Every 5 minutes from 2026-01-01 00:00:00+00:00"),
    ],
)
def test_words(text: str, words: str) -> None:
    """S13: the zone is said where it matters."""
    assert parse_schedule(text, "Europe/Paris").describe() == words


def test_a_start_on_the_second_pass_is_the_first_occurrence() -> None:
    """S2: nothing lies before `from`, also where its reading comes twice."""
    second = at("2026-10-25 02:30", "Europe/Paris", 1)
    schedule = every(days=1, starting=second).with_timezone("Europe/Paris")
    assert schedule.next_after(second - DAY) == second
    assert schedule.next_after(second) == at("2026-10-26 02:30", "Europe/Paris")
    assert schedule.previous_before(second) is None
    assert schedule.previous_before(second + SECOND) == second
    assert schedule.count_between(second - DAY, second) == 1


def test_whole_days_take_the_first_pass_of_a_fold() -> None:
    """S2: the reading that comes twice runs once, also seen from between its two passes."""
    first = at("2026-10-25 02:30", "Europe/Paris")
    schedule = every(days=1, starting=first - 3 * DAY).with_timezone("Europe/Paris")
    assert schedule.next_after(first - HOUR) == first
    second_ten_past = at("2026-10-25 02:10", "Europe/Paris", 1)
    assert schedule.next_after(second_ten_past) == first + 25 * HOUR
    assert schedule.previous_before(second_ten_past) == first
    assert schedule.count_between(first - HOUR, first + HOUR) == 1


def test_a_delay_of_days_keeps_the_reading() -> None:
    """S2: two days after the end of the last run, on the wall clock, and as many before."""
    schedule = every(days=2, after="finish").with_timezone("Europe/Paris")
    ended = at("2026-03-28 12:00", "Europe/Paris")
    assert schedule.next_after(ended) == at("2026-03-30 12:00", "Europe/Paris")
    assert schedule.previous_before(at("2026-03-30 12:00", "Europe/Paris")) == ended
    assert schedule.next_after(at("2026-03-27 02:30", "Europe/Paris")) == at(
        "2026-03-29 03:00", "Europe/Paris"
    )


def test_starts_are_equal_by_instant_and_offset_whatever_their_zone_object() -> None:
    """S2: a start in a zone is kept with its offset, so that text and value agree."""
    start = datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Paris"))
    schedule = every(days=1, starting=start)
    assert str(schedule) == "@every 1d from 2026-07-01T09:00:00+02:00"
    assert schedule.starting is not None
    assert schedule.starting.tzinfo == timezone(2 * HOUR)
    assert parse_schedule(str(schedule)) == schedule


@pytest.mark.parametrize("days", [-1, -2])
def test_negative_days_are_refused(days: int) -> None:
    """S2: time does not run backwards."""
    with pytest.raises(InvalidInterval):
        Interval(days=days)


def test_an_interval_checks_its_zone() -> None:
    """S11: also when it is made without a builder."""
    with pytest.raises(InvalidTimezone):
        Interval(days=1, timezone="Europe/Pari")


@pytest.mark.parametrize("name", ["starting", "anchor"])
@pytest.mark.parametrize(
    "value",
    ["2026-01-01", datetime(2026, 1, 1), datetime.min.replace(tzinfo=UTC), at("9999-01-01 00:00")],  # noqa: DTZ001
)
def test_a_grid_goes_through_an_instant_within_the_calendar(name: str, value: object) -> None:
    """S3: aware, and not so near its ends that a zone could push it out."""
    with pytest.raises(InvalidSchedule):
        Interval(seconds=60, **{name: value})  # type: ignore[arg-type]


def test_a_span_is_at_most_forty_characters_long() -> None:
    """S4: with as many zeros as anybody may write."""
    assert parse_schedule("@every " + "5s".rjust(40, "0")) == every(seconds=5)
    with pytest.raises(InvalidInterval):
        parse_schedule("@every " + "5s".rjust(41, "0"))
