"""What each shift of a zone's clock does to a schedule, in tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler.schedules import effects, manual, once, parse_schedule
from django_scheduler.schedules.effects import DstAction, dst_effects
from django_scheduler.schedules.preview import coming_effects, preview

from .times import DAY, SECOND, at

SHIFTED, MERGED, LEFT_OUT = DstAction.SHIFTED, DstAction.MERGED, DstAction.LEFT_OUT
FIRST, LAST, BOTH = DstAction.FIRST, DstAction.LAST, DstAction.BOTH

# text, zone, a day of the shift, action, how many readings, words
CASES = [
    ("30 2 * * *", "Europe/Paris", "2026-03-29", SHIFTED, 1,
     "02:30 does not exist, so it runs at 03:00"),
    ("30 2 * * * gap=skip", "Europe/Paris", "2026-03-29", LEFT_OUT, 1,
     "02:30 does not exist and is left out"),
    ("0,30 2 * * *", "Europe/Paris", "2026-03-29", SHIFTED, 2,
     "2 times from 02:00 to 03:00 do not exist, so it runs once for them, at 03:00"),
    ("0 2,3 * * *", "Europe/Paris", "2026-03-29", MERGED, 1,
     "02:00 does not exist; the run at 03:00 stands for it"),
    ("30 2 * * *", "Europe/Paris", "2026-10-25", FIRST, 1,
     "02:30 comes twice and runs the first time only"),
    ("30 2 * * * fold=last", "Europe/Paris", "2026-10-25", LAST, 1,
     "02:30 comes twice and runs the second time only"),
    ("30 2 * * * fold=both", "Europe/Paris", "2026-10-25", BOTH, 1,
     "02:30 comes twice and runs both times"),
    ("*/15 2 * * *", "Europe/Paris", "2026-03-29", LEFT_OUT, 4,
     "4 times from 02:00 to 03:00 do not exist and are left out"),
    ("*/15 2 * * *", "Europe/Paris", "2026-10-25", BOTH, 4,
     "4 times from 02:00 to 03:00 come twice and run both times"),
    ("15,45 2 * * * fold=last", "Europe/Paris", "2026-10-25", LAST, 2,
     "2 times from 02:00 to 03:00 come twice and run the second time only"),
    ("15 30 2 * * *", "Europe/Paris", "2026-03-29", SHIFTED, 1,
     "02:30:15 does not exist, so it runs at 03:00"),
    ("1 0 2,3 * * *", "Europe/Paris", "2026-03-29", SHIFTED, 1,
     "02:00:01 does not exist, so it runs at 03:00"),
    ("30 2 * * *", "America/New_York", "2026-03-08", SHIFTED, 1,
     "02:30 does not exist, so it runs at 03:00"),
    ("30 1 * * *", "America/New_York", "2026-11-01", FIRST, 1,
     "01:30 comes twice and runs the first time only"),
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", SHIFTED, 1,
     "02:15 does not exist, so it runs at 02:30"),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", FIRST, 1,
     "01:45 comes twice and runs the first time only"),
    ("0 0 * * *", "America/Santiago", "2026-09-06", SHIFTED, 1,
     "00:00 does not exist, so it runs at 01:00"),
    ("30 23 * * *", "America/Santiago", "2026-04-04", FIRST, 1,
     "23:30 comes twice and runs the first time only"),
    ("30 1 * * *", "Europe/Dublin", "2026-03-29", SHIFTED, 1,
     "01:30 does not exist, so it runs at 02:00"),
    ("30 2 * * *", "Africa/Casablanca", "2026-03-22", SHIFTED, 1,
     "02:30 does not exist, so it runs at 03:00"),
    ("30 2 * * *", "Africa/Casablanca", "2026-02-15", FIRST, 1,
     "02:30 comes twice and runs the first time only"),
    ("0 9 * * *", "Pacific/Apia", "2011-12-30", SHIFTED, 1,
     "09:00 does not exist, so it runs at 2011-12-31 00:00"),
    ("0 */6 * * *", "Pacific/Apia", "2011-12-30", LEFT_OUT, 4,
     "4 times from 00:00 to 2011-12-31 00:00 do not exist and are left out"),
    ("@every 1d", "America/Santiago", "2026-09-06", SHIFTED, 1,
     "00:00 does not exist, so it runs at 01:00"),
    ("@every 1d", "Pacific/Apia", "2011-12-30", MERGED, 1,
     "00:00 does not exist; the run at 2011-12-31 00:00 stands for it"),
    ("@every 2d from 2011-12-20T05:00:00-10:00", "Pacific/Apia", "2011-12-30", SHIFTED, 1,
     "05:00 does not exist, so it runs at 2011-12-31 00:00"),
    ("@every 7d from 2026-10-18T02:30:00+02:00", "Europe/Paris", "2026-10-25", FIRST, 1,
     "02:30 comes twice and runs the first time only"),
    ("@every 7d from 2026-10-25T02:30:00+02:00", "Europe/Paris", "2026-10-25", FIRST, 1,
     "02:30 comes twice and runs the first time only"),
]  # fmt: skip

NOTHING = [
    ("30 4 * * *", "Europe/Paris"),
    ("59 59 1 * * *", "Europe/Paris"),
    ("0 3 * * *", "Europe/Paris"),
    ("30 2 * * 1-5", "Europe/Paris"),
    ("30 2 * * *", "UTC"),
    ("@every 1h", "Europe/Paris"),
    ("@every 1d", "Europe/Paris"),
    ("@every 1d after finish", "America/Santiago"),
    ("@every 1d from 2030-01-01T02:30:00+01:00", "Europe/Paris"),
    ("@every 1d from 2026-10-26T02:30:00+01:00", "Europe/Paris"),
    ("@every 7d from 2026-01-01T02:30:00+01:00", "Europe/Paris"),
]

# text, zone: does somebody who waits for the next run notice the shift?
RHYTHMS = [
    ("*/5 * * * *", "Europe/Paris", True),
    ("0 * * * *", "Europe/Paris", True),
    ("*/10 * * * * *", "Europe/Paris", True),
    ("0 */2 * * *", "Europe/Paris", False),
    ("*/15 2 * * *", "Europe/Paris", False),
    ("*/30 * * * *", "Australia/Lord_Howe", True),
    ("0 * * * *", "Australia/Lord_Howe", False),
    ("30 2 * * *", "Europe/Paris", False),
]


@pytest.mark.parametrize(("text", "zone", "day", "action", "count", "words"), CASES)
def test_a_shift_does_what_the_rules_say(text, zone, day, action, count, words):
    schedule = parse_schedule(text, zone)
    start = at(f"{day} 00:00") - DAY
    (found,) = dst_effects(schedule, start, start + 3 * DAY)
    assert (found.action, found.count) == (action, count)
    assert found.describe() == f"{day}: {words}"
    assert found.gap == (action in (SHIFTED, MERGED, LEFT_OUT))
    assert found.low <= found.first < found.high
    assert start < found.at <= start + 3 * DAY


@pytest.mark.parametrize(("text", "zone", "day", "action"), [each[:4] for each in CASES])
def test_what_is_told_is_what_happens(text, zone, day, action):
    """The occurrences around the shift, counted: the words cannot drift from the rules."""
    schedule = parse_schedule(text, zone)
    start = at(f"{day} 00:00") - DAY
    (found,) = dst_effects(schedule, start, start + 3 * DAY)
    length = found.high - found.low
    instant = timedelta(microseconds=1)
    if found.gap:
        expected = {SHIFTED: 1, MERGED: 1, LEFT_OUT: 0}[action]
        # The instant of the shift, which is the first one after the gap.
        happened = schedule.count_between(found.at - instant, found.at)
        merged_or_wild = action is LEFT_OUT and happened == 1
        assert happened == expected or merged_or_wild
        return
    passes = [
        schedule.count_between(found.at - length - instant, found.at - instant),
        schedule.count_between(found.at - instant, found.at + length - instant),
    ]
    once_each = found.count
    assert passes == {FIRST: [once_each, 0], LAST: [0, once_each], BOTH: [once_each] * 2}[action]


@pytest.mark.parametrize(("text", "zone"), NOTHING)
def test_what_no_shift_touches_has_no_effects(text, zone):
    assert dst_effects(parse_schedule(text, zone), at("2026-01-01 00:00"), at("2027-01-01")) == []


def test_schedules_without_a_wall_clock_have_no_effects():
    start = at("2026-01-01 00:00")
    for schedule in (manual(), once(at("2026-03-29 01:30"))):
        zoned = schedule.with_timezone("Europe/Paris")
        assert dst_effects(zoned, start, start + 400 * DAY) == []


@pytest.mark.parametrize(("text", "zone", "kept"), RHYTHMS)
def test_a_rhythm_that_goes_on_is_known_as_one(text, zone, kept):
    start = at("2026-01-01 00:00")
    schedule = parse_schedule(text, zone)
    found = dst_effects(schedule, start, start + 365 * DAY)
    assert found and {each.rhythm for each in found} == {kept}
    assert bool(coming_effects(schedule, start)) is not kept


def test_an_answer_is_bounded():
    """Ten years are twenty shifts, however long the span that is asked for."""
    schedule = parse_schedule("30 2 * * *", "Europe/Paris")
    found = dst_effects(schedule, at("2020-01-01 00:00"), at("2999-01-01 00:00"))
    assert len(found) == 20
    assert found == sorted(found, key=lambda each: each.at)
    assert effects.LONGEST < 11 * 366 * DAY


def test_the_calendars_end_has_no_effects():
    schedule = parse_schedule("30 2 * * *", "Europe/Paris")
    assert dst_effects(schedule, at("9998-06-01 00:00"), at("9999-12-31 00:00")) == []


def test_a_preview_shows_words_instants_and_warnings():
    """S13: next and previous, and what DST will do within a year."""
    shown = preview(parse_schedule("30  2 * * *", "Europe/Paris"), at("2026-03-28 12:00"), 2, 1)
    assert shown.text == "30 2 * * *"
    assert shown.zone == "Europe/Paris"
    assert shown.words.startswith("At 02:30, every day, Europe/Paris")
    assert shown.upcoming == (at("2026-03-29 01:00"), at("2026-03-30 00:30"))
    assert shown.previous == (at("2026-03-28 01:30"),)
    assert [each.at for each in shown.warnings][:2] == [
        at("2026-03-29 01:00"),
        at("2026-10-25 01:00"),
    ]


def test_a_preview_shows_five_ahead_and_three_before():
    shown = preview(parse_schedule("@daily"), at("2026-03-28 12:00"))
    assert (len(shown.upcoming), len(shown.previous)) == (5, 3)
    assert shown.previous[0] == at("2026-03-28 00:00")


def test_warnings_reach_as_far_as_a_year():
    schedule = parse_schedule("30 2 * * *", "Europe/Paris")
    last = at("2027-03-28 01:00")
    assert coming_effects(schedule, last - 365 * DAY)[-1].at == last
    assert coming_effects(schedule, last - 365 * DAY - SECOND)[-1].at < last


def test_a_preview_of_a_fixed_delay_knows_one_instant():
    shown = preview(parse_schedule("@every 10m after finish"), at("2026-03-28 12:00"))
    assert shown.upcoming == (at("2026-03-28 12:10"),)
    assert shown.previous == ()


def test_a_preview_ends_where_the_schedule_does():
    shown = preview(once(at("2026-03-28 11:00")), at("2026-03-28 12:00"))
    assert (shown.upcoming, shown.previous) == ((), (at("2026-03-28 11:00"),))


def test_the_bound_of_an_answer_is_ten_years_to_the_second():
    schedule = parse_schedule("30 2 * * *", "Europe/Paris")
    shift = at("2036-03-30 01:00")
    after = shift - timedelta(days=3660)
    assert dst_effects(schedule, after, shift + DAY)[-1].at == shift
    assert dst_effects(schedule, after - SECOND, shift + DAY)[-1].at < shift


def test_the_last_year_looked_at_is_9997():
    found = dst_effects(
        parse_schedule("30 2 * * *", "Europe/Paris"), at("9996-12-01 00:00"), at("9999-12-01 00:00")
    )
    assert [each.at.year for each in found] == [9997, 9997]


def test_a_standing_rule_is_that_of_the_thirties():
    shifts = effects._standing_shifts("Europe/Paris")
    assert [each.at.year for each in shifts] == [year for year in range(2030, 2040) for _ in "ab"]
