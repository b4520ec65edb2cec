"""Kinds by prefix, instants, manual schedules and kinds of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from django_scheduler.exceptions import InvalidCron, InvalidSchedule, InvalidTimezone
from django_scheduler.schedules import (
    COUNT_LIMIT,
    Manual,
    Once,
    Schedule,
    manual,
    once,
    parse_schedule,
    register_kind,
)
from django_scheduler.schedules.base import as_utc, fixed_offset

from .times import DAY, HOUR, MINUTE, SECOND, UTC, at


def test_once_is_owed_also_in_the_past() -> None:
    """S7: before its instant it is next, after it it is previous; the first is always it."""
    instant = at("2026-12-01 08:00")
    schedule = parse_schedule("@at 2026-12-01T09:00:00+01:00")
    assert schedule == once(instant)
    assert hash(schedule) == hash(once(instant))
    assert str(schedule) == "@at 2026-12-01T09:00:00+01:00"
    assert str(once(instant)) == "@at 2026-12-01T08:00:00Z"
    assert schedule.next_after(instant - SECOND) == instant
    assert schedule.next_after(instant) is None
    assert schedule.previous_before(instant) is None
    assert schedule.previous_before(instant + SECOND) == instant
    assert schedule.first(instant + DAY) == instant
    assert schedule.one_shot and not schedule.on_demand
    assert schedule.describe() == "Once, at 2026-12-01 09:00:00+01:00"


def test_manual_never_fires_by_itself() -> None:
    """S1: it has no occurrences, and is not over."""
    schedule = parse_schedule("@Manual")
    assert schedule == manual()
    assert str(schedule) == "@manual"
    assert schedule.next_after(at("2026-01-01 00:00")) is None
    assert schedule.previous_before(at("2026-01-01 00:00")) is None
    assert schedule.first(at("2026-01-01 00:00")) is None
    assert schedule.upcoming(at("2026-01-01 00:00"), 3) == []
    assert schedule.on_demand
    assert schedule.describe() == "Only when triggered"


@pytest.mark.parametrize(
    "text",
    ["", "   ", None, 5, "@nonsense", "@at", "@at tomorrow", "@at 2026-12-01T09:00:00",
     "@at 2026-13-01T09:00:00Z", "@at 2026-12-01T09:00:00Z later", "@manual now", "@" + "x" * 2000],
)  # fmt: skip
def test_unreadable_texts_are_refused(text: object) -> None:
    """S4: a typed error that names the field."""
    with pytest.raises(InvalidSchedule) as caught:
        parse_schedule(text)  # type: ignore[arg-type]
    assert caught.value.field == "schedule"


def test_blanks_count_towards_the_longest_text() -> None:
    """S4: whatever the kind, 1000 characters are not too many, one more is."""
    assert parse_schedule("@manual" + 993 * " ") == manual()
    with pytest.raises(InvalidSchedule, match="at most 1000 characters") as caught:
        parse_schedule("@manual" + 994 * " ")
    assert caught.value.field == "schedule"


def test_an_unknown_kind_is_told_from_a_bad_cron() -> None:
    """S4: by its first word, and the ones there are are named."""
    for text in ("@tides", "@tides 5", "@tides 5 * * * *"):
        with pytest.raises(InvalidSchedule, match="no kind of schedule: use @every,") as caught:
            parse_schedule(text)
        assert type(caught.value) is InvalidSchedule
    with pytest.raises(InvalidCron):
        parse_schedule("0 3 * * @tides")


@pytest.mark.parametrize("zone", ["Europe/Pari", "", 5, []])
def test_a_text_is_read_in_a_known_zone_only(zone: object) -> None:
    """S11: a typed error that names the field, whatever the value is."""
    for text in ("@manual", "@daily"):
        with pytest.raises(InvalidTimezone) as caught:
            parse_schedule(text, zone)  # type: ignore[arg-type]
        assert caught.value.field == "timezone"


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), "2026-01-01", None])  # noqa: DTZ001
def test_once_needs_an_aware_instant(value: object) -> None:
    """S7: a naive datetime is no instant."""
    with pytest.raises(InvalidSchedule):
        once(value)  # type: ignore[arg-type]


def test_naive_readings_have_no_offset() -> None:
    """An offset is never guessed."""
    with pytest.raises(InvalidSchedule):
        fixed_offset(datetime(2026, 1, 1))  # noqa: DTZ001
    assert as_utc(at("2026-01-01 00:00", "Asia/Tokyo")).utcoffset() == timedelta(0)


@dataclass(frozen=True)
class Doubling(Schedule):
    """Occurs at 2^n minutes after the epoch, up to the year 2100 or so."""

    offset: int = 0

    def next_after(self, instant: datetime) -> datetime | None:
        """The next power of two."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=self.offset)
        for power in range(27):
            found = epoch + timedelta(minutes=2**power)
            if found > instant:
                return found
        return None

    def __str__(self) -> str:
        return f"@doubling {self.offset}"


@dataclass(frozen=True)
class EverySecond(Schedule):
    """A kind that can only step."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The next whole second."""
        return as_utc(instant).replace(microsecond=0) + SECOND

    def __str__(self) -> str:
        return "@every-second"


def test_own_kind_gets_a_prefix_and_round_trips() -> None:
    """S10: next_after and str are enough; the rest is derived."""

    def parse(rest: str) -> Doubling:
        return Doubling(offset=int(rest or 0))

    register_kind("@doubling", parse)
    register_kind("@doubling", parse)
    schedule = parse_schedule("@doubling 3", "Europe/Paris", anchor=at("2026-01-01 00:00"))
    assert schedule == Doubling(offset=3, timezone="Europe/Paris")
    assert parse_schedule(str(schedule), "Europe/Paris") == schedule
    assert schedule.describe() == "@doubling 3"
    with pytest.raises(InvalidSchedule):
        register_kind("@doubling", lambda rest: Doubling())


@pytest.mark.parametrize("prefix", ["tide", "@", "@Tide", "@tide x", "", None, "@daily", "@every"])
def test_unusable_prefixes_are_refused(prefix: object) -> None:
    """S10: malformed, a macro, or somebody else's."""
    with pytest.raises(InvalidSchedule):
        register_kind(prefix, lambda rest: Doubling())  # type: ignore[arg-type]


def test_previous_of_an_own_kind_is_found_by_bisecting() -> None:
    """S10: previous agrees with next, and is bounded."""
    schedule = Doubling()
    epoch = at("1970-01-01 00:00")
    for power in range(6, 26):
        exact = epoch + 2**power * MINUTE
        assert schedule.previous_before(exact) == epoch + 2 ** (power - 1) * MINUTE
        assert schedule.previous_before(exact + SECOND) == exact
        assert schedule.next_after(exact - SECOND) == exact
    assert schedule.previous_before(epoch) is None
    assert EverySecond().previous_before(epoch) == epoch - SECOND
    assert EverySecond().previous_before(epoch + SECOND / 2) == epoch


def test_counting_an_own_kind_is_bounded() -> None:
    """S10: one by one, up to a limit."""
    start = at("2026-01-01 00:00")
    assert EverySecond().count_between(start, start + HOUR) == 3600
    assert EverySecond().count_between(start, start + DAY) == COUNT_LIMIT == 10_000
    assert Doubling().count_between(at("1970-01-01 00:00"), at("1970-01-01 00:08")) == 4
    assert Doubling().count_between(at("1970-01-01 00:00"), at("2300-01-01 00:00")) == 27
    assert Doubling().upcoming(at("2090-01-01 00:00"), 5) == [
        at("1970-01-01 00:00") + 2**26 * MINUTE
    ]


def test_the_base_answers_nothing_itself() -> None:
    """S10: a kind must say when."""
    with pytest.raises(NotImplementedError):
        Schedule().next_after(at("2026-01-01 00:00"))


def test_an_own_kind_repeats_by_itself() -> None:
    """S10: what a kind does not say otherwise."""
    assert (Doubling.one_shot, Doubling.on_demand, Doubling().fixed_delay) == (False, False, False)
    assert Doubling().anchored(at("2026-01-01 00:00")) == Doubling()


def test_every_kind_checks_its_zone() -> None:
    """S11: also when it is made without a builder."""
    for make in (Doubling, Manual, partial(Once, at=at("2026-01-01 00:00"))):
        with pytest.raises(InvalidTimezone):
            make(timezone="Europe/Pari")


def test_an_instant_in_a_zone_is_kept_with_its_offset() -> None:
    """S7: so that text and value agree, whatever object made it."""
    made = once(datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Paris")))
    assert isinstance(made, Once)
    assert str(made) == "@at 2026-07-01T09:00:00+02:00"
    assert made.at.tzinfo == timezone(2 * HOUR)
    second = once(datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris"))).at
    assert (second.fold, second.isoformat()) == (0, "2026-10-25T02:30:00+01:00")


@pytest.mark.parametrize(
    ("written", "fraction"),
    [("00.5Z", 500_000), ("00.25Z", 250_000), ("00.000001Z", 1), ("00.0Z", 0), ("00Z", 0)],
)
def test_fractions_of_a_second_are_read_as_written(written: str, fraction: int) -> None:
    """S7: as many digits as there are."""
    schedule = parse_schedule(f"@at 2026-12-01T09:00:{written}")
    expected = at("2026-12-01 09:00").replace(microsecond=fraction)
    assert schedule.first(at("2026-01-01 00:00")) == expected


def test_instants_are_answered_in_utc_and_within_the_calendar() -> None:
    """S2: whatever zone they come in."""
    found = as_utc(datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo")))
    assert found.isoformat() == "2026-07-01T00:00:00+00:00"
    for beyond in (
        datetime.max.replace(tzinfo=timezone(-HOUR)),
        datetime.min.replace(tzinfo=timezone(HOUR)),
    ):
        with pytest.raises(InvalidSchedule, match="outside the calendar"):
            as_utc(beyond)


def test_a_kind_that_checks_nothing_gets_known_zones_only() -> None:
    """S11: a zone given later is checked, whatever a kind of one's own does when it is made."""

    class Careless(Doubling):
        def __post_init__(self) -> None:
            pass

    with pytest.raises(InvalidTimezone):
        Careless().with_timezone("Europe/Pari")
