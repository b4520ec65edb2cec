"""What texts mean, pinned where libraries differ; and what holds for every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from django_scheduler.exceptions import InvalidCron, InvalidSchedule, UnsatisfiableSchedule
from django_scheduler.schedules import Schedule, cron, every, once, parse_schedule, register_kind
from django_scheduler.schedules.base import as_utc

from .differential import places
from .random_cases import Case, Corner
from .times import DAY, HOUR, MINUTE, SECOND, UTC, at
from .transitions import TRANSITIONS

PARIS = "Europe/Paris"
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # One star anywhere in a day field leaves it unrestricted for the day rule: both must match.
        ("0 0 1,*/2 * FRI", ["01-09", "01-23", "02-13", "02-27"]),
        ("0 0 *,1 * FRI", ["01-02", "01-09", "01-16"]),
        ("0 0 1-31/2 * FRI", ["01-02", "01-03", "01-05", "01-07"]),
        # The whole range without a star restricts: either may match.
        ("0 0 2 * 0-6", ["01-02", "01-03", "01-04"]),
        ("0 0 2 * 0-7", ["01-02", "01-03", "01-04"]),
        # a-a is a, not the whole field.
        ("0 0 7-7 * *", ["01-07", "02-07", "03-07"]),
        ("0 0 * * 1-1", ["01-05", "01-12"]),
        ("0 0 * * 7-0", ["01-04", "01-11"]),
        ("0 0 * * 0-0", ["01-04", "01-11"]),
        ("0 0 5 3-3 *", ["03-05"]),
        ("0 0 * * 7-7/3", ["01-04", "01-11"]),
        # Steps count from the range's own beginning, also round the end.
        ("0 0 * * 1-7/2", ["01-02", "01-04", "01-05", "01-07"]),
        ("0 0 * * 5-2/2", ["01-02", "01-04", "01-06", "01-09"]),
        ("0 0 29-3/2 * *", ["01-02", "01-29", "01-31", "02-02"]),
        ("0 0 */40 * *", ["02-01", "03-01"]),
        # Extensions alone, in lists and beside numbers.
        ("0 0 28W * *", ["01-28", "02-27", "03-27"]),
        ("0 0 1W,LW * *", ["01-30", "02-02", "02-27"]),
        ("0 0 1-2,L * *", ["01-02", "01-31", "02-01", "02-02", "02-28"]),
        ("0 0 * * 7#1", ["01-04", "02-01"]),
        ("0 0 * * 1,5L", ["01-05", "01-12", "01-19", "01-26", "01-30", "02-02"]),
        ("0 0 * * 0L", ["01-25", "02-22"]),
        ("0 0 ? * MON", ["01-05", "01-12"]),
        # One side that can never match leaves the other.
        ("0 0 31 2 MON", ["02-02", "02-09"]),
    ],
)
def test_day_fields_mean(text: str, expected: list[str]) -> None:
    """S1: Debian's crontab(5), and the extensions, from the first of January 2026 (a Thursday)."""
    found = cron(text).upcoming(at("2026-01-01 00:00"), len(expected))
    assert [f"{each:%m-%d}" for each in found] == expected


def test_days_in_a_row_are_counted_one_by_one() -> None:
    """S1: two weeks of weekdays, from any hour of the first to any of the last."""
    schedule = cron("0 9,17 * * 1-5")
    start = at("2026-01-05 09:00")
    assert schedule.count_between(start - TICK, start + 14 * DAY - TICK) == 20
    assert schedule.count_between(start, start + 14 * DAY) == 20
    assert schedule.count_between(start + 8 * HOUR, start + 4 * DAY + 7 * HOUR) == 7
    assert schedule.count_between(start + 5 * DAY, start + 6 * DAY) == 0


def test_times_of_a_day_come_in_order_on_days_apart() -> None:
    """S1: first to last on each matching day, forwards and backwards, from between seconds too."""
    schedule = cron("0,30 5,50 8,20 * * MON")
    times = [f"{h}:{m}:{s}" for h in ("08", "20") for m in ("05", "50") for s in ("00", "30")]
    expected = [at(f"2026-01-{day} {each}") for day in ("05", "12") for each in times]
    assert schedule.upcoming(at("2026-01-02 12:00"), 16) == expected
    between = [each + SECOND / 4 for each in expected]
    assert [schedule.previous_before(each) for each in between] == expected
    assert [schedule.next_after(each - SECOND / 2) for each in between] == expected
    assert [schedule.previous_before(each) for each in expected[1:]] == expected[:-1]
    assert schedule.previous_before(at("2026-01-11 03:00")) == at("2026-01-05 20:50:30")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("0 0 29W * *", "1W to 28W, or LW"),
        ("0 0 W * *", "use numbers 1-31"),
        ("0 0 15W-20W * *", "use numbers 1-31"),
        ("0 0 L-0 * *", "use L"),
        ("0 0 1,? * *", "use numbers 1-31"),
        ("0 0 * ? *", "use numbers 1-12"),
        ("0 ? * * *", "use numbers 0-23"),
        ("0 0 * * MON#0", "#1 to #5"),
        ("0 0 * * MON#1-3", "use numbers 0-7"),
        ("0 0 * * 1L-5L", "use numbers 0-7"),
        ("0 0 * * 5#L", "#1 to #5"),
        ("0 0 1 1 * 2030", "2030 is out of range 0-7"),
        ("0 0 0 1 1 * 2030", "end_at"),
        ("H/15 * * * *", "jitter"),
        ("0 0 R * *", "jitter"),
        ("0 0 * * H", "jitter"),
        ("1_0 * * * *", "use numbers 0-59"),
        ("+1 * * * *", "use numbers 0-59"),
        ("1.5 * * * *", "use numbers 0-59"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    """S1: never half understood; a stored schedule may not move by itself."""
    with pytest.raises(InvalidCron) as caught:
        parse_schedule(text)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wildcard"),
    [
        ("*/10 30 2 * * *", True),
        ("0 */30 2 * * *", True),
        ("0 30 */2 * * *", True),
        ("0,*/10 30 2 * * *", False),
        ("0-59/10 30 2 * * *", False),
        ("0 30 2 */1 */1 *", False),
    ],
)
def test_a_star_in_front_of_any_time_field_follows_real_time(text: str, wildcard: bool) -> None:
    """S11: a wildcard has both passes of a fold and nothing for a gap; a fixed time one of each."""
    schedule = cron(text, timezone=PARIS)
    fold = at("2026-10-25 02:00", PARIS)
    first = schedule.count_between(fold - TICK, fold + HOUR - TICK)
    second = schedule.count_between(fold + HOUR - TICK, fold + 2 * HOUR - TICK)
    assert first > 0
    assert second == (first if wildcard else 0)
    gap_end = at("2026-03-29 03:00", PARIS)
    assert schedule.count_between(gap_end - HOUR, gap_end) == int(not wildcard)


@pytest.mark.parametrize(("zone", "text"), TRANSITIONS)
@pytest.mark.parametrize("expression", ["*/20 * * * *", "30 */2 * * *", "@hourly"])
def test_gap_and_fold_leave_wildcards_alone(zone: str, text: str, expression: str) -> None:
    """S11: the two options are about fixed times only."""
    start, end = at(text) - 5 * HOUR, at(text) + 5 * HOUR
    plain = cron(expression, timezone=zone)
    expected = plain.upcoming(start, 40)
    for gap in ("shift", "skip"):
        for fold in ("first", "both", "last"):
            schedule = cron(expression, timezone=zone, gap=gap, fold=fold)
            assert schedule.upcoming(start, 40) == expected
            assert schedule.count_between(start, end) == plain.count_between(start, end)


@dataclass(frozen=True)
class Tide(Schedule):
    """A kind of one's own: every 12 h 25 min from an hour of the year 2000."""

    hour: int = 0

    def next_after(self, instant: datetime) -> datetime | None:
        """On a grid that no calendar knows."""
        origin = datetime(2000, 1, 1, self.hour, tzinfo=UTC)
        span = timedelta(hours=12, minutes=25)
        return origin + ((as_utc(instant) - origin) // span + 1) * span

    def __str__(self) -> str:
        return f"@ebb {self.hour}"


def _read_tide(rest: str) -> Tide:
    return Tide(hour=int(rest))


register_kind("@ebb", _read_tide)

INSTANTS = st.datetimes(datetime(1975, 1, 1), datetime(2060, 1, 1)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)
ZONES = st.sampled_from([zone for zone, _ in TRANSITIONS])
INTERVALS = st.one_of(
    st.builds(lambda n: every(days=n), st.integers(1, 40)),
    st.builds(lambda n: every(seconds=n), st.integers(1, 10**6)),
    st.builds(lambda n, t: every(days=n, starting=t), st.integers(1, 9), INSTANTS),
    st.builds(lambda n, t: every(seconds=n, starting=t), st.integers(1, 10**6), INSTANTS),
)
CASES = st.integers(0, 2**32).map(
    lambda seed: Corner.random(Random(seed), places(Random(0), 0)).case(Random(seed))
)
OTHERS = st.one_of(
    st.builds(once, INSTANTS),
    st.builds(Tide, hour=st.integers(0, 23)),
    st.builds(lambda n: every(seconds=n, after="finish"), st.integers(1, 10**6)),
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(INTERVALS, OTHERS), ZONES)
def test_written_and_read_again_is_the_same_schedule(schedule: Schedule, zone: str) -> None:
    """S1: the text in the database is the schedule; the zone and the anchor stand beside it."""
    placed = schedule.with_timezone(zone)
    again = parse_schedule(str(placed), zone)
    assert again == placed
    assert hash(again) == hash(placed)
    assert str(again) == str(placed)


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_a_text_is_normalised_once_and_for_all(case: Case) -> None:
    """S1: what is stored does not change when it is read and stored again."""
    try:
        schedule = case.schedule()
    except UnsatisfiableSchedule:
        reject()
    written = str(schedule)
    assert str(parse_schedule(written)) == written
    assert parse_schedule(written, case.window.zone, getattr(case, "anchor", None)) == schedule


@settings(max_examples=80, deadline=None)
@given(st.one_of(INTERVALS, st.builds(Tide, hour=st.integers(0, 23))), ZONES, INSTANTS)
def test_previous_is_the_mirror_of_next(schedule: Schedule, zone: str, instant: datetime) -> None:
    """S1: for every kind that repeats; strictly before and after, also on an occurrence."""
    placed = schedule.with_timezone(zone)
    following = placed.next_after(instant)
    assert following is not None and following > instant
    assert placed.next_after(following - TICK) == following
    beyond = placed.next_after(following)
    assert beyond is not None and beyond > following
    assert placed.previous_before(beyond) == following
    assert placed.previous_before(following + TICK) == following
    previous = placed.previous_before(following)
    assert previous is None or previous <= instant
    assert placed.count_between(following - TICK, beyond - TICK) == 1


@pytest.mark.parametrize(
    ("text", "zone", "occurrence"),
    [
        ("0 3 * * *", PARIS, at("2026-03-29 03:00", PARIS)),
        ("30 2 * * *", PARIS, at("2026-03-29 03:00", PARIS)),
        ("30 2 * * *", PARIS, at("2026-10-25 02:30", PARIS)),
        ("*/10 30 2 * * *", "UTC", at("2026-01-01 02:30:50")),
        ("@every 1d", "America/Santiago", at("2026-09-06 01:00", "America/Santiago")),
        ("@every 90m from 2026-01-01T00:00:00.25Z", "UTC", at("2026-01-01 03:00:00.250")),
        ("@at 2026-01-01T00:00:00.000001Z", "UTC", at("2026-01-01 00:00:00.000001")),
        ("@ebb 3", "UTC", at("2000-01-01 15:25")),
    ],
)
def test_an_occurrence_is_not_after_itself(text: str, zone: str, occurrence: datetime) -> None:
    """S1: strictly later as an instant, to the microsecond."""
    schedule = parse_schedule(text, zone)
    assert schedule.next_after(occurrence - TICK) == occurrence
    following = schedule.next_after(occurrence)
    assert following is None or following > occurrence
    assert schedule.previous_before(occurrence + TICK) == occurrence
    previous = schedule.previous_before(occurrence)
    assert previous is None or previous < occurrence


@pytest.mark.parametrize(
    "text",
    ["* * * * *", "*/7 * * * * *", "0 3 * * *", "0 0 29 2 *", "30 2 L * SUN#1", "@every 1d",
     "@every 5m", "@every 30d from 2026-01-01T00:00:00Z", "@every 1d after finish",
     "@every 7h after finish", "@every 7s from 9998-12-31T00:00:00Z",
     "@every 100w from 0002-01-01T00:00:00Z", "@at 9998-12-31T00:00:00Z", "@manual"],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "America/New_York"])
def test_nothing_breaks_at_the_calendars_ends(text: str, zone: str) -> None:
    """S1: an answer in the right direction, or none, and no error."""
    schedule = parse_schedule(text, zone)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for distance in (0 * DAY, TICK, MINUTE, HOUR, DAY, 3 * DAY, 370 * DAY, 800 * DAY):
        for instant in (first + distance, last - distance):
            following = schedule.next_after(instant)
            assert following is None or following > instant
            previous = schedule.previous_before(instant)
            assert previous is None or previous < instant
            assert schedule.count_between(instant, instant) == 0
            assert len(schedule.upcoming(instant, 2)) <= 2


def test_previous_of_an_own_kind_ends_where_the_calendar_begins() -> None:
    """S10: looking back is bounded there too."""
    early = datetime(2, 1, 1, tzinfo=UTC)
    assert Tide().previous_before(early) is None
    assert Tide().previous_before(early + MINUTE) is None
    second = Tide().upcoming(early, 2)[1]
    assert Tide().previous_before(early + DAY) == second


@dataclass(frozen=True)
class Single(Schedule):
    """A kind with one occurrence, which knows no way back."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def next_after(self, instant: datetime) -> datetime | None:
        """It, as long as it is to come."""
        return self.at if instant < self.at else None


@pytest.mark.parametrize(
    ("days", "found"), [(1, True), (64 * 366 - 1, True), (64 * 366 + 1, False)]
)
def test_looking_back_reaches_64_years(days: int, found: bool) -> None:
    """S10: for kinds that only say what comes next; to the day."""
    single = Single()
    assert single.previous_before(single.at + days * DAY) == (single.at if found else None)


def test_an_instant_that_no_calendar_holds_is_refused() -> None:
    """S1: year 10000 in UTC."""
    west = datetime.max.replace(tzinfo=timezone(-5 * HOUR))
    with pytest.raises(InvalidSchedule, match="outside the calendar"):
        cron("@daily").next_after(west)


def test_a_grid_from_an_instant_between_seconds_keeps_it() -> None:
    """S2: a grid goes through its start exactly."""
    start = at("2026-01-01 00:00:00.500")
    schedule = every(hours=1, starting=start)
    assert schedule.upcoming(start - SECOND, 2) == [start, start + HOUR]
    daily = every(days=1, starting=start)
    assert daily.upcoming(start - SECOND, 2) == [start, start + DAY]


@pytest.mark.parametrize(
    "text",
    ["@at 0001-12-31T00:00:00Z", "@at 9999-01-01T00:00:00Z", "@every 1h from 9999-06-01T00:00:00Z"],
)
def test_an_instant_too_near_the_calendars_end_is_refused(text: str) -> None:
    """S1: no database could give it back in every zone."""
    with pytest.raises(InvalidSchedule, match="from 2 to 9998"):
        parse_schedule(text)
