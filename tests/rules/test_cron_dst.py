"""What daylight saving does to cron, case by case (semantics of DST in the explanation page)."""

from __future__ import annotations

import pytest

from django_scheduler.exceptions import InvalidTimezone, UnsatisfiableSchedule
from django_scheduler.schedules import cron, wall

from .times import DAY, HOUR, MINUTE, SECOND, UTC, at, local

# expression, options, zone, from (a reading), the next readings
GAPS = [
    ("30 2 * * *", {}, "Europe/Paris", "2026-03-28 12:00",
     ["2026-03-29 03:00:00+02:00", "2026-03-30 02:30:00+02:00"]),
    ("30 2 * * *", {"gap": "skip"}, "Europe/Paris", "2026-03-28 12:00",
     ["2026-03-30 02:30:00+02:00"]),
    ("0,15,30 2,3 * * *", {}, "Europe/Paris", "2026-03-29 01:00",
     ["2026-03-29 03:00:00+02:00", "2026-03-29 03:15:00+02:00"]),
    ("*/30 * * * *", {}, "Europe/Paris", "2026-03-29 01:15",
     ["2026-03-29 01:30:00+01:00", "2026-03-29 03:00:00+02:00"]),
    ("*/15 2 * * *", {}, "Europe/Paris", "2026-03-28 12:00",
     ["2026-03-30 02:00:00+02:00"]),
    ("30 2 * * *", {}, "America/New_York", "2026-03-07 12:00",
     ["2026-03-08 03:00:00-04:00", "2026-03-09 02:30:00-04:00"]),
    ("15 2 * * *", {}, "Australia/Lord_Howe", "2026-10-03 12:00",
     ["2026-10-04 02:30:00+11:00", "2026-10-05 02:15:00+11:00"]),
    ("0 0 * * *", {}, "America/Santiago", "2026-09-05 12:00",
     ["2026-09-06 01:00:00-03:00", "2026-09-07 00:00:00-03:00"]),
    ("0 0 * * *", {}, "Asia/Beirut", "2026-03-28 12:00",
     ["2026-03-29 01:00:00+03:00", "2026-03-30 00:00:00+03:00"]),
    ("0 0 * * *", {}, "America/Havana", "2026-03-07 12:00",
     ["2026-03-08 01:00:00-04:00", "2026-03-09 00:00:00-04:00"]),
    ("30 1 * * *", {}, "Europe/Dublin", "2026-03-28 12:00",
     ["2026-03-29 02:00:00+01:00", "2026-03-30 01:30:00+01:00"]),
    ("30 2 * * *", {}, "Africa/Casablanca", "2026-03-21 12:00",
     ["2026-03-22 03:00:00+01:00", "2026-03-23 02:30:00+01:00"]),
    ("0 9 * * *", {}, "Pacific/Apia", "2011-12-29 12:00",
     ["2011-12-31 00:00:00+14:00", "2011-12-31 09:00:00+14:00"]),
    ("0 9 * * *", {"gap": "skip"}, "Pacific/Apia", "2011-12-29 12:00",
     ["2011-12-31 09:00:00+14:00"]),
    ("0 0 30,31 12 *", {}, "Pacific/Apia", "2011-12-29 12:00",
     ["2011-12-31 00:00:00+14:00", "2012-12-30 00:00:00+14:00"]),
]  # fmt: skip

FOLDS = [
    ("30 2 * * *", {}, "Europe/Paris", "2026-10-25 01:00",
     ["2026-10-25 02:30:00+02:00", "2026-10-26 02:30:00+01:00"]),
    ("30 2 * * *", {"fold": "last"}, "Europe/Paris", "2026-10-25 01:00",
     ["2026-10-25 02:30:00+01:00", "2026-10-26 02:30:00+01:00"]),
    ("30 2 * * *", {"fold": "both"}, "Europe/Paris", "2026-10-25 01:00",
     ["2026-10-25 02:30:00+02:00", "2026-10-25 02:30:00+01:00", "2026-10-26 02:30:00+01:00"]),
    ("*/30 2 * * *", {}, "Europe/Paris", "2026-10-25 01:00",
     ["2026-10-25 02:00:00+02:00", "2026-10-25 02:30:00+02:00",
      "2026-10-25 02:00:00+01:00", "2026-10-25 02:30:00+01:00", "2026-10-26 02:00:00+01:00"]),
    ("30 1 * * *", {}, "America/New_York", "2026-11-01 00:30",
     ["2026-11-01 01:30:00-04:00", "2026-11-02 01:30:00-05:00"]),
    ("45 1 * * *", {}, "Australia/Lord_Howe", "2026-04-05 00:30",
     ["2026-04-05 01:45:00+11:00", "2026-04-06 01:45:00+10:30"]),
    ("30 23 * * *", {}, "America/Santiago", "2026-04-04 12:00",
     ["2026-04-04 23:30:00-03:00", "2026-04-05 23:30:00-04:00"]),
    ("30 23 * * *", {}, "Asia/Beirut", "2026-10-24 12:00",
     ["2026-10-24 23:30:00+03:00", "2026-10-25 23:30:00+02:00"]),
    ("30 0 * * *", {"fold": "last"}, "America/Havana", "2026-10-31 12:00",
     ["2026-11-01 00:30:00-05:00", "2026-11-02 00:30:00-05:00"]),
    ("30 1 * * *", {}, "Europe/Dublin", "2026-10-25 00:30",
     ["2026-10-25 01:30:00+01:00", "2026-10-26 01:30:00+00:00"]),
    ("30 2 * * *", {}, "Africa/Casablanca", "2026-02-15 01:00",
     ["2026-02-15 02:30:00+01:00", "2026-02-16 02:30:00+00:00"]),
    ("@hourly", {}, "Europe/Paris", "2026-10-25 01:30",
     ["2026-10-25 02:00:00+02:00", "2026-10-25 02:00:00+01:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "options", "zone", "start", "expected"), GAPS + FOLDS)
def test_transition(
    expression: str, options: dict[str, str], zone: str, start: str, expected: list[str]
) -> None:
    """S11: gaps, folds, half-hour shifts, midnight gaps, negative DST and a skipped day."""
    schedule = cron(expression, timezone=zone, **options)
    assert local(schedule, at(start, zone), len(expected)) == expected


@pytest.mark.parametrize(("fold", "expected"), [("first", 0), ("last", 1), ("both", 1)])
def test_second_pass_seen_from_the_first(fold: str, expected: int) -> None:
    """S11: after the first 02:30 the second one comes only if asked for."""
    schedule = cron("15 2 * * *", timezone="Europe/Paris", fold=fold)
    first = at("2026-10-25 02:30", "Europe/Paris")
    assert schedule.count_between(first, first + HOUR) == expected
    assert (schedule.next_after(first) == at("2026-10-25 02:15", "Europe/Paris", 1)) is bool(
        expected
    )


@pytest.mark.parametrize(("fold", "expected"), [("first", 0), ("last", 1), ("both", 1)])
def test_previous_on_the_second_pass(fold: str, expected: int) -> None:
    """S11: backwards through a fold, from within either pass."""
    schedule = cron("15 2 * * *", timezone="Europe/Paris", fold=fold)
    second = at("2026-10-25 02:30", "Europe/Paris", 1)
    wanted = at("2026-10-25 02:15", "Europe/Paris", expected)
    assert schedule.previous_before(second) == wanted
    if fold == "last":
        assert schedule.previous_before(second - HOUR) == at("2026-10-24 02:15", "Europe/Paris")
    else:
        assert schedule.previous_before(second - HOUR) == at("2026-10-25 02:15", "Europe/Paris")


def test_readings_ahead_on_the_second_pass_lie_behind_on_the_first() -> None:
    """S11: at the second 02:30 the first 02:45 is past, and the second 02:45 is to come."""
    second = at("2026-10-25 02:30", "Europe/Paris", 1)
    once = cron("45 2 * * *", timezone="Europe/Paris")
    assert once.previous_before(second) == at("2026-10-25 02:45", "Europe/Paris")
    last = cron("45 2 * * *", timezone="Europe/Paris", fold="last")
    assert last.previous_before(second) == at("2026-10-24 02:45", "Europe/Paris")
    assert last.next_after(second - HOUR) == at("2026-10-25 02:45", "Europe/Paris", 1)


def test_previous_at_the_end_of_a_gap_is_the_day_before() -> None:
    """S11: strictly before also where a gap's run stands."""
    schedule = cron("30 2 * * *", timezone="Europe/Paris")
    end = at("2026-03-29 03:00", "Europe/Paris")
    assert schedule.previous_before(end) == at("2026-03-28 02:30", "Europe/Paris")
    assert schedule.previous_before(end + SECOND) == end
    skipping = cron("30 2 * * *", timezone="Europe/Paris", gap="skip")
    assert skipping.previous_before(end + SECOND) == at("2026-03-28 02:30", "Europe/Paris")


def test_a_year_counts_one_daily_run_a_day_whatever_the_zone_does() -> None:
    """S11: 365 occurrences of a daily fixed time through both transitions."""
    schedule = cron("30 2 * * *", timezone="Europe/Paris")
    start = at("2026-01-01 00:00", "Europe/Paris")
    assert schedule.count_between(start, start + 365 * DAY) == 365
    skipping = cron("30 2 * * *", timezone="Europe/Paris", gap="skip")
    assert skipping.count_between(start, start + 365 * DAY) == 364
    both = cron("30 2 * * *", timezone="Europe/Paris", fold="both")
    assert both.count_between(start, start + 365 * DAY) == 366


def test_wildcard_counts_real_time() -> None:
    """S11: every minute is 60 an hour in elapsed time, in a gap as in a fold."""
    schedule = cron("* * * * *", timezone="Europe/Paris")
    for text in ("2026-03-28 12:00", "2026-10-24 12:00"):
        start = at(text, "Europe/Paris")
        assert schedule.count_between(start, start + DAY) == 1440
    assert schedule.count_between(start, start) == 0
    assert schedule.count_between(start, start - MINUTE) == 0


def test_a_time_that_always_falls_into_a_gap_is_refused() -> None:
    """S1: 02:30 on the day Paris leaves it out, without a shift, can never run."""
    with pytest.raises(UnsatisfiableSchedule) as caught:
        cron("30 2 * 3 7L", timezone="Europe/Paris", gap="skip")
    assert "gap=shift" in str(caught.value)
    assert caught.value.field == "schedule"
    assert cron("30 2 * 3 7L", timezone="Europe/Paris") is not None


@pytest.mark.parametrize("fold", ["first", "both", "last"])
def test_what_follows_a_fold_at_once_is_seen_from_its_second_pass(fold: str) -> None:
    """S11: 03:00:00 is the next after both passes of 02:30."""
    schedule = cron("0 3 24,25 * *", timezone="Europe/Paris", fold=fold)
    end = at("2026-10-25 03:00", "Europe/Paris")
    # The second pass first: what is remembered from before would answer for it.
    for pass_number in (1, 0):
        inside = at("2026-10-25 02:30", "Europe/Paris", pass_number)
        assert schedule.next_after(inside) == end
        assert schedule.previous_before(inside) == end - 25 * HOUR
    assert schedule.next_after(end - SECOND) == end
    assert schedule.previous_before(end + SECOND) == end


@pytest.mark.parametrize("fold", ["first", "both", "last"])
def test_what_a_fold_begins_with_is_seen_from_before_it(fold: str) -> None:
    """S11: 02:00:00 exactly, the first reading that comes twice, and 01:59:59 just before it."""
    first = at("2026-10-25 02:00", "Europe/Paris")
    wanted = {"first": [first], "last": [first + HOUR], "both": [first, first + HOUR]}[fold]
    schedule = cron("0 2 * * *", timezone="Europe/Paris", fold=fold)
    assert schedule.upcoming(first - SECOND, len(wanted)) == wanted
    assert schedule.previous_before(first + 2 * HOUR) == wanted[-1]
    assert schedule.previous_before(wanted[0]) == at("2026-10-24 02:00", "Europe/Paris")
    assert schedule.count_between(first - SECOND, first + 2 * HOUR) == len(wanted)
    before = cron("59 59 1 * * *", timezone="Europe/Paris", fold=fold)
    assert before.next_after(first - HOUR) == first - SECOND
    assert before.previous_before(first + 90 * MINUTE) == first - SECOND
    assert before.next_after(first) == first + 25 * HOUR - SECOND


def test_a_gaps_run_is_counted_at_its_second_and_no_other() -> None:
    """S11: (after, until] to the second and below it."""
    schedule = cron("30 2 * * *", timezone="Europe/Paris")
    end = at("2026-03-29 03:00", "Europe/Paris")
    tick = SECOND / 1000
    for after, until, expected in [
        (end - SECOND, end, 1),
        (end - tick, end, 1),
        (end - HOUR, end - SECOND, 0),
        (end - HOUR, end - tick, 0),
        (end, end + HOUR, 0),
        (end - tick, end + tick, 1),
        (end - DAY, end + DAY, 3),
    ]:
        assert schedule.count_between(after, until) == expected, (after, until)


@pytest.mark.parametrize(
    ("expression", "options", "expected"),
    [
        ("0 9 * * *", {}, 1),
        ("30 2 * * *", {}, 1),
        ("0,30 2 * * *", {}, 1),
        ("0 2,3 * * *", {}, 1),
        ("30 2,3 * * *", {}, 2),
        ("30 2,3 * * *", {"gap": "skip"}, 1),
        ("*/30 2,3 * * *", {}, 2),
    ],
)
def test_a_day_with_a_gap_is_counted_as_it_runs(
    expression: str, options: dict[str, str], expected: int
) -> None:
    """S11: what is left out makes one run at the most, and none beside a real match there."""
    schedule = cron(expression, timezone="Europe/Paris", **options)
    start = at("2026-03-29 00:00", "Europe/Paris")
    assert schedule.count_between(start, start + 23 * HOUR) == expected
    assert len([each for each in schedule.upcoming(start, 9) if each <= start + 23 * HOUR]) == (
        expected
    )


def test_a_run_at_the_end_of_a_gap_is_counted_to_the_second() -> None:
    """S11: in (after, until], as any other."""
    schedule = cron("30 2 * * *", timezone="Europe/Paris")
    end = at("2026-03-29 03:00", "Europe/Paris")
    assert schedule.count_between(end - SECOND, end) == 1
    assert schedule.count_between(end - 2 * SECOND, end - SECOND) == 0
    assert schedule.count_between(end, end + SECOND) == 0


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules"])
def test_a_name_that_a_machine_may_point_elsewhere_is_no_zone(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """S11: a stored schedule may not move by itself, also where such a file is installed."""
    monkeypatch.setattr(wall, "ZoneInfo", lambda _name: UTC)
    with pytest.raises(InvalidTimezone):
        wall.zone_called.__wrapped__(name)
