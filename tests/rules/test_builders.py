"""What people write in code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_scheduler import schedules
from django_scheduler.exceptions import InvalidCron, InvalidSchedule
from django_scheduler.schedules import cron, daily_at, hourly_at, monthly_on, weekly_on

from .times import at


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"hour": 14}, "0 14 * * *"),
        ({"minute": "*/5", "hour": "9-17"}, "*/5 9-17 * * *"),
        ({"minute": 30}, "30 * * * *"),
        ({"second": 15}, "15 * * * * *"),
        ({"second": 0, "hour": 3}, "0 * 3 * * *"),
        ({"day_of_month": 1}, "0 0 1 * *"),
        ({"day_of_week": "MON"}, "0 0 * * MON"),
        ({"month": 6}, "0 0 1 6 *"),
        ({"month": "JUN", "day_of_week": 1}, "0 0 * JUN 1"),
        ({"month": 6, "day_of_month": "L"}, "0 0 L 6 *"),
        ({"day_of_month": 13, "day_of_week": 5}, "0 0 13 * 5"),
        ({"hour": [9, 17], "day_of_week": ("MON", "FRI")}, "0 9,17 * * MON,FRI"),
        ({"hour": "*"}, "0 * * * *"),
    ],
)
def test_unnamed_smaller_fields_are_first_values(fields: dict[str, object], text: str) -> None:
    """S2: a job for 14 o'clock runs once, not 60 times."""
    assert str(cron(**fields)) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"expression": "* * * * *", "hour": 3},
        {"expression": "* * * * *", "second": 0},
        {"hour": True},
        {"hour": 3.5},
        {"hour": ""},
        {"hour": []},
        {"hour": [None]},
        {"hour": "3 4"},
        {"hour": 24},
        {"minute": "x"},
        {"expression": ""},
    ],
)
def test_fields_that_cannot_be_read_are_refused(arguments: dict[str, object]) -> None:
    """S2: one form or the other, and only numbers, texts and lists."""
    with pytest.raises(InvalidCron) as caught:
        cron(**arguments)  # type: ignore[arg-type]
    assert caught.value.field in ("schedule", "hour")


@pytest.mark.parametrize("value", ["", [], ["", 5]])
def test_an_empty_field_is_refused_by_its_name(value: object) -> None:
    """S2: the error says what to write instead."""
    with pytest.raises(InvalidCron, match="hour is empty") as caught:
        cron(hour=value)  # type: ignore[arg-type]
    assert caught.value.field == "hour"


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (hourly_at(0), "0 * * * *"),
        (hourly_at(15), "15 * * * *"),
        (hourly_at(59), "59 * * * *"),
        (daily_at(0, 0, 59), "59 0 0 * * *"),
        (daily_at(23, 59), "59 23 * * *"),
        (weekly_on(0), "0 0 * * 0"),
        (monthly_on(1), "0 0 1 * *"),
        (daily_at(3), "0 3 * * *"),
        (daily_at(3, 30), "30 3 * * *"),
        (daily_at(3, 30, 5), "5 30 3 * * *"),
        (weekly_on("monday", 9), "0 9 * * MON"),
        (weekly_on("SUN", 9, 30), "30 9 * * SUN"),
        (weekly_on(7), "0 0 * * 7"),
        (monthly_on(31, 12), "0 12 31 * *"),
    ],
)
def test_helpers(schedule: schedules.Cron, text: str) -> None:
    """S3: they are cron, and read as such."""
    assert str(schedule) == text


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: hourly_at(60), "minute"),
        (lambda: hourly_at(-1), "minute"),
        (lambda: hourly_at(True), "minute"),
        (lambda: daily_at(24), "hour"),
        (lambda: daily_at(3, 60), "minute"),
        (lambda: daily_at(3, 0, 60), "second"),
        (lambda: daily_at(3, 0, -1), "second"),
        (lambda: weekly_on(-1), "day"),
        (lambda: weekly_on("someday"), "day"),
        (lambda: weekly_on(8), "day"),
        (lambda: monthly_on(0), "day"),
        (lambda: monthly_on(32), "day"),
        (lambda: monthly_on("1"), "day"),
    ],
)
def test_helpers_check_their_ranges(make: Callable[[], object], field: str) -> None:
    """S3: the error names the argument."""
    with pytest.raises(InvalidSchedule) as caught:
        make()
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "a_day"),
    [
        ("EVERY_MINUTE", 1440),
        ("EVERY_FIVE_MINUTES", 288),
        ("EVERY_TEN_MINUTES", 144),
        ("EVERY_FIFTEEN_MINUTES", 96),
        ("EVERY_THIRTY_MINUTES", 48),
        ("HOURLY", 24),
        ("DAILY", 1),
    ],
)
def test_cadences_by_the_day(name: str, a_day: int) -> None:
    """S3: as many a day as the name says."""
    start = at("2026-06-03 00:00")
    assert getattr(schedules, name).count_between(start, at("2026-06-04 00:00")) == a_day


def test_weekly_and_monthly() -> None:
    """S3: Sunday midnight, and the first of the month."""
    start = at("2026-06-03 00:00")
    assert schedules.WEEKLY.next_after(start) == at("2026-06-07 00:00")
    assert schedules.MONTHLY.next_after(start) == at("2026-07-01 00:00")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 3 * * 1-5", "At 03:00, Monday through Friday, Europe/Paris"),
        ("@daily", "At 00:00, every day, Europe/Paris"),
        ("*/10 * * * * *", "Every 10 seconds, Europe/Paris"),
        ("0 0 13 * FRI", "At 00:00, on day 13 of the month, or on Friday, Europe/Paris"),
        (
            "0 0 13 * FRI day_mode=and",
            "At 00:00, on day 13 of the month, and only if also on Friday, Europe/Paris",
        ),
        (
            "0 0 */2 * FRI",
            "At 00:00, on day 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, and 31 of the "
            "month, and only if also on Friday, Europe/Paris",
        ),
        ("0 0 LW * *", "At 00:00, on the last weekday of the month, Europe/Paris"),
        ("0 0 1,L * *", "Cron 0 0 1,L * *, Europe/Paris"),
        ("0 0 1,L * MON", "Cron 0 0 1,L * MON (either day field may match), Europe/Paris"),
        (
            "0 0 1,L * MON day_mode=and",
            "Cron 0 0 1,L * MON (both day fields must match), Europe/Paris",
        ),
        ("50-10/5 1 * * *", "Cron 50-10/5 1 * * *, Europe/Paris"),
        ("5,50-10/5 1 * * *", "Cron 5,50-10/5 1 * * *, Europe/Paris"),
        ("0 0 15W,L * *", "Cron 0 0 15W,L * *, Europe/Paris"),
        ("7-7 1 * * *", "Every minute between 01:07 and 01:07, every day, Europe/Paris"),
    ],
)
def test_words(text: str, words: str) -> None:
    """S13: in words with the zone, and in its own text where words would mislead."""
    assert schedules.parse_schedule(text, "Europe/Paris").describe() == words


def test_words_the_library_cannot_find_fall_back_to_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S13: an expression it does not know is still shown."""
    from django_scheduler.schedules import cron_words
    from django_scheduler.schedules.cron import _told as cron_told

    class Mute:
        def __init__(self, *args: object, **kwargs: object) -> None: ...

        def get_description(self) -> str:
            raise cron_words.FormatError("no words")

    monkeypatch.setattr(cron_words, "_Teller", Mute)
    cron_told.cache_clear()
    assert cron("0 3 * * *").describe() == "Cron 0 3 * * *, UTC"
