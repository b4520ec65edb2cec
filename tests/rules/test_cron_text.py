"""Cron texts: what is read, what it becomes, what is refused and with which words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_scheduler.exceptions import InvalidCron, InvalidSchedule, UnsatisfiableSchedule
from django_scheduler.schedules import Cron, Schedule, cron, parse_schedule
from django_scheduler.schedules.cron_text import read_cron

from .times import at


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("  0   3 * *  mon ", "0 3 * * MON"),
        ("05 03 * * 07", "5 3 * * 7"),
        ("0 3 ? * ?", "0 3 * * *"),
        ("@Daily", "@daily"),
        ("10/20 * * * *", "10-59/20 * * * *"),
        ("0 0 1 nov/1 *", "0 0 1 11-12/1 *"),
        ("0 0 l,wl * *", "0 0 L,LW * *"),
        ("0 0 w15 * *", "0 0 15W * *"),
        ("0 0 * * L5,fril,mon#2", "0 0 * * 5L,FRIL,MON#2"),
        ("*/10 * * * * *", "*/10 * * * * *"),
        ("0 0 * jan-mar *", "0 0 * JAN-MAR *"),
    ],
)
def test_text_is_normalised_and_stays(written: str, normalised: str) -> None:
    """S1: str() gives the normalised text, and reading it again gives the same schedule."""
    schedule = parse_schedule(written)
    assert str(schedule) == normalised
    assert parse_schedule(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("field", "place", "text", "values"),
    [
        ("minute", 1, "7-7", {7}),
        ("minute", 1, "50-10/5", {50, 55, 0, 5, 10}),
        ("minute", 1, "59/15", {59}),
        ("minute", 1, "*/25", {0, 25, 50}),
        ("hour", 2, "22-2", {22, 23, 0, 1, 2}),
        ("day_of_month", 3, "30-2", {30, 31, 1, 2}),
        ("day_of_month", 3, "*/10", {1, 11, 21, 31}),
        ("month", 4, "NOV-FEB", {11, 12, 1, 2}),
        ("day_of_week", 5, "5-7", {5, 6, 0}),
        ("day_of_week", 5, "SAT-MON", {6, 0, 1}),
        ("day_of_week", 5, "7-2", {0, 1, 2}),
        ("day_of_week", 5, "0-7", {0, 1, 2, 3, 4, 5, 6}),
        ("day_of_week", 5, "7", {0}),
    ],
)
def test_field_values(field: str, place: int, text: str, values: set[int]) -> None:
    """S1: ranges, wrap-around ranges, steps, and Sunday as 0 and 7."""
    words = ["0", "0", "0", "*", "*", "*"]
    words[place] = text
    assert read_cron(" ".join(words)).readings[place].values == values, field


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "empty"),
        ("* * * *", "4 fields"),
        ("* * * * * * 2030", "year field"),
        ("@reboot", "run_on_start"),
        ("@fortnightly", "not a macro"),
        ("@fortnightly", "use one of @yearly, "),
        ("60 * * * *", "out of range 0-59"),
        ("* 24 * * *", "out of range 0-23"),
        ("* * 0 * *", "out of range 1-31"),
        ("* * 0 * *", "'0' in the day of month field"),
        ("* * * 13 *", "out of range 1-12"),
        ("* * * * 8", "out of range 0-7"),
        ("60 * * * * *", "out of range 0-59"),
        ("-1 * * * *", "use numbers"),
        ("1,,2 * * * *", "use numbers"),
        ("5- * * * *", "use numbers"),
        ("*/0 * * * *", "above 0"),
        ("*/x * * * *", "above 0"),
        ("*-5 * * * *", "whole range"),
        ("? * * * *", "use numbers"),
        ("R * * * *", "jitter"),
        ("H * * * *", "jitter"),
        ("H(0-5) * * * *", "use numbers"),
        ("MON * * * *", "use numbers 0-59"),
        ("* * * MON *", "names such as APR"),
        ("* * * * MONDAY", "names such as FRI"),
        ("* * * * 1/2", "needs a range"),
        ("* * L-3 * *", "use L"),
        ("* * 31W * *", "LW"),
        ("* * 0W * *", "1W to 28W"),
        ("* * 1-5W * *", "use numbers"),
        ("* * * * 1#6", "#1 to #5"),
        ("* * * * 1#L", "#1 to #5"),
        ("* * * * MON-FRI#1", "use numbers"),
        ("* * * * L", "5L"),
        ("* * * * 8L", "out of range"),
        ("* * * * XXXL", "use numbers"),
        ("* * * L *", "use numbers"),
        ("٣ * * * *", "ASCII"),
        ("0," * 600 + "0 * * * *", "1000"),
        (None, "empty"),
        (5, "empty"),
    ],
)
def test_malformed_cron_is_refused_with_a_remedy(text: object, remedy: str) -> None:
    """S1: never half understood: a typed error that names the field and says what to write."""
    with pytest.raises(InvalidCron) as caught:
        Cron(text)  # type: ignore[arg-type]
    assert remedy in str(caught.value)
    assert caught.value.field == "schedule"


@pytest.mark.parametrize("read", [Cron, parse_schedule])
def test_a_text_may_be_as_long_as_the_limit(read: Callable[[str], Schedule]) -> None:
    """S1: 1000 characters are not too many, one more is."""
    longest = "0," * 495 + "00 * * * *"
    assert len(longest) == 1000
    assert read(longest).next_after(at("2026-01-01 00:30")) == at("2026-01-01 01:00")
    with pytest.raises(InvalidSchedule, match="at most 1000 characters"):
        read(longest + "0")


@pytest.mark.parametrize(
    "text",
    ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30,31 FEB *", "0 0 30 2 MON day_mode=and"],
)
def test_dates_that_do_not_exist_are_refused(text: str) -> None:
    """S1: 30 February is well-formed and can never come."""
    with pytest.raises(UnsatisfiableSchedule) as caught:
        parse_schedule(text)
    assert caught.value.field == "schedule"
    assert "no such day exists" in str(caught.value)


def test_one_impossible_day_field_leaves_the_other() -> None:
    """S1: either may match, so Mondays of February remain."""
    schedule = parse_schedule("0 0 30 2 MON")
    assert schedule.next_after(at("2026-01-01 00:00")) == at("2026-02-02 00:00")


def test_leap_day_on_one_weekday_is_found_decades_away() -> None:
    """S1: the search is bounded, and wide enough for the rarest date there is."""
    schedule = cron("0 0 29 2 MON", day_mode="and")
    assert schedule.next_after(at("2072-03-01 00:00")) == at("2112-02-29 00:00")


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 0 13 * FRI", "2026-02-01 00:00", ["2026-02-06", "2026-02-13", "2026-02-20"]),
        ("0 0 13 * FRI day_mode=and", "2026-02-01 00:00", ["2026-02-13", "2026-03-13"]),
        ("0 0 */2 * FRI", "2026-02-01 00:00", ["2026-02-13", "2026-02-27", "2026-03-13"]),
        ("0 0 13 * */5", "2026-02-01 00:00", ["2026-02-13", "2026-03-13"]),
        ("0 0 1-31 * FRI", "2026-02-01 00:00", ["2026-02-02", "2026-02-03"]),
        ("0 0 L * *", "2026-01-31 00:00", ["2026-02-28", "2026-03-31"]),
        ("0 0 10,L * *", "2026-02-01 00:00", ["2026-02-10", "2026-02-28"]),
        ("0 0 LW * *", "2026-01-01 00:00", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("0 0 15W * *", "2026-02-01 00:00", ["2026-02-16", "2026-03-16", "2026-04-15"]),
        ("0 0 1W * *", "2026-01-31 00:00", ["2026-02-02", "2026-03-02", "2026-04-01"]),
        ("0 0 15W,20 * *", "2026-02-01 00:00", ["2026-02-16", "2026-02-20"]),
        ("0 0 15W,LW * *", "2026-02-01 00:00", ["2026-02-16", "2026-02-27", "2026-03-16"]),
        ("0 0 * * MON#1", "2026-02-01 00:00", ["2026-02-02", "2026-03-02"]),
        ("0 0 * * MON#5", "2026-01-01 00:00", ["2026-03-30", "2026-06-29"]),
        ("0 0 * * 5L", "2026-01-01 00:00", ["2026-01-30", "2026-02-27"]),
        ("0 0 * * SUN#1,7L", "2026-01-31 00:00", ["2026-02-01", "2026-02-22", "2026-03-01"]),
        ("0 0 * * MON,FRI#2", "2026-02-01 00:00", ["2026-02-02", "2026-02-09", "2026-02-13"]),
        ("0 0 15 * MON#1", "2026-02-01 00:00", ["2026-02-02", "2026-02-15", "2026-03-02"]),
        ("0 0 LW * MON", "2026-02-20 00:00", ["2026-02-23", "2026-02-27", "2026-03-02"]),
        ("0 0 13 * FRI#2 day_mode=and", "2026-01-01 00:00", ["2026-02-13", "2026-03-13"]),
    ],
)
def test_days(text: str, after: str, expected: list[str]) -> None:
    """S1: Debian's day rule, and the special days alone, in lists and combined."""
    found = parse_schedule(text).upcoming(at(after), len(expected))
    assert found == [at(f"{day} 00:00") for day in expected]


@pytest.mark.parametrize(
    ("options", "field"),
    [({"day_mode": "xor"}, "day_mode"), ({"gap": "run"}, "gap"), ({"fold": "second"}, "fold")],
)
def test_unknown_option_value_is_refused(options: dict[str, str], field: str) -> None:
    """S11: the error names the option."""
    with pytest.raises(InvalidCron) as caught:
        cron("0 3 * * *", **options)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert isinstance(caught.value, (InvalidSchedule, ValueError))


@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * * gap",
        "0 3 * * * speed=fast",
        "0 3 * * * gap=skip gap=shift",
        "gap=skip 0 3 * * *",
        "0 3 gap=skip * * *",
        "0 3 * * * gap=run",
        "0 3 * * * =skip",
    ],
)
def test_options_out_of_place_are_refused(text: str) -> None:
    """S11: options follow the fields, each once."""
    with pytest.raises(InvalidCron):
        parse_schedule(text)


def test_options_round_trip_in_a_fixed_order() -> None:
    """S11: only what differs from the default stands in the text."""
    schedule = parse_schedule("0 3 1 * mon fold=both gap=skip day_mode=and", "Europe/Paris")
    assert str(schedule) == "0 3 1 * MON day_mode=and gap=skip fold=both"
    assert parse_schedule(str(schedule), "Europe/Paris") == schedule
    assert str(parse_schedule("@daily gap=shift")) == "@daily"


@pytest.mark.parametrize(
    ("text", "wildcard"),
    [
        ("*/5 2 * * *", True),
        ("0 */2 * * *", True),
        ("@hourly", True),
        ("*/9 0 2 * * *", True),
        ("5,* 2 * * *", False),
        ("0 2 * * *", False),
        ("@daily", False),
    ],
)
def test_wildcard_is_a_star_in_front_of_a_time_field(text: str, wildcard: bool) -> None:
    """S11: what follows real time is decided by the text, macros expanded."""
    assert read_cron(text).wildcard is wildcard
