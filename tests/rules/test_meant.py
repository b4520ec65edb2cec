"""A text that resembles a schedule is refused with the one that was probably meant."""

from __future__ import annotations

import pytest

from django_scheduler.exceptions import InvalidSchedule
from django_scheduler.schedules import cron, parse_schedule
from django_scheduler.schedules.meant import did_you_mean


def refusal(text: str) -> str:
    with pytest.raises(InvalidSchedule) as raised:
        parse_schedule(text)
    assert raised.value.field == "schedule"
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("every 5 minutes", "@every 5m"),
        ("Every 90 sec", "@every 90s"),
        ("every hour", "@every 1h"),
        ("every 2 days", "@every 2d"),
        ("every week", "@every 1w"),
        ("every 10m", "@every 10m"),
        ("hourly", "@hourly"),
        ("Daily", "@daily"),
        ("weekly", "@weekly"),
        ("monthly", "@monthly"),
        ("midnight", "@midnight"),
        ("yearly", "@yearly"),
        ("@dayly", "@daily"),
        ("@weakly", "@weekly"),
        ("@evry 5m", "@every"),
        ("@manul", "@manual"),
    ],
)
def test_a_text_that_resembles_a_schedule_is_refused_with_it(text: str, meant: str) -> None:
    assert refusal(text).endswith(f": did you mean {meant}?")


@pytest.mark.parametrize(
    "text", ["0 9 * *", "every 5 months", "tomorrow", "@fortnightly", "x" * 90]
)
def test_a_text_that_resembles_none_is_refused_with_the_rule(text: str) -> None:
    said = refusal(text)
    assert "did you mean" not in said
    assert "write five" in said or "use @every" in said


def test_a_misspelt_macro_is_refused_by_cron_as_well() -> None:
    with pytest.raises(InvalidSchedule, match=r"'@dayly' is not a macro: did you mean @daily\?"):
        cron("@dayly")
    with pytest.raises(InvalidSchedule, match="is not a macro: use one of @yearly"):
        cron("@noon")


@pytest.mark.parametrize(("item", "last"), [("1#6", "1L"), ("MON#6", "1L"), ("7#0", "0L")])
def test_a_weekday_beyond_the_fifth_is_refused_with_the_last_one(item: str, last: str) -> None:
    assert refusal(f"0 0 * * {item}").endswith(f"for the last one write {last}.")
    assert str(parse_schedule(f"0 0 * * {last}")) == f"0 0 * * {last}"


def test_nothing_is_made_of_nothing() -> None:
    assert did_you_mean("  ", ["@daily"]) == ""
