"""What cron remembers, and where its search ends."""

from __future__ import annotations

import importlib
import threading
from datetime import datetime, timedelta

import pytest

from django_scheduler.exceptions import InvalidSchedule, InvalidTimezone
from django_scheduler.schedules import cron, cron_days, parse_schedule

from .times import DAY, HOUR, MINUTE, SECOND, UTC, at

cron_module = importlib.import_module("django_scheduler.schedules.cron")


def test_remembered_answers_hold_exactly_until_the_occurrence() -> None:
    """The memo is an interval: never an occurrence too early or too late, in any order asked."""
    schedule = cron("0 3 * * *", timezone="Europe/Paris")
    first, second = at("2026-05-05 03:00", "Europe/Paris"), at("2026-05-06 03:00", "Europe/Paris")
    for instant, expected in [
        (first - HOUR, first),
        (first - SECOND, first),
        (first - 5 * HOUR, first),
        (first, second),
        (second - timedelta(microseconds=1), second),
        (first - timedelta(microseconds=1), first),
        (second, second + DAY),
        (first - DAY, first),
    ]:
        assert schedule.next_after(instant) == expected


def test_an_occurrence_is_remembered_from_the_earliest_instant_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One span for each of the last four occurrences, newest first; within one nothing is asked."""
    memo: dict[object, object] = {}
    monkeypatch.setattr(cron_module, "_memo", memo)
    schedule, day = cron("0 3 * * *"), at("2026-05-05 03:00")
    for asked, expected in [
        (day - HOUR, ((day - HOUR, day),)),
        (day - 2 * HOUR, ((day - 2 * HOUR, day),)),
        (day - 2 * HOUR, ((day - 2 * HOUR, day),)),
        (day - HOUR, ((day - 2 * HOUR, day),)),
        (day, ((day, day + DAY), (day - 2 * HOUR, day))),
        (day - 3 * HOUR, ((day - 3 * HOUR, day), (day, day + DAY))),
    ]:
        schedule.next_after(asked)
        assert memo[schedule] == expected
    monkeypatch.delattr(cron_module.Cron, "_ask")
    for asked in (day - 3 * HOUR, day - SECOND, day, day + HOUR):
        assert schedule.next_after(asked) in (day, day + DAY)
    monkeypatch.undo()
    for days in range(6):
        schedule.next_after(day + days * DAY)
    assert [high for _, high in cron_module._memo[schedule]] == [
        day + days * DAY for days in (6, 5, 4, 3)
    ]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answer is forgotten first; answers stay right."""
    monkeypatch.setattr(cron_module, "_MEMO_SIZE", 3)
    monkeypatch.setattr(cron_module, "_memo", {})
    monkeypatch.setattr(cron_days, "_OBJECTS_KEPT", 2)
    monkeypatch.setattr(cron_days, "_local", threading.local())
    for day in range(2, 10):
        schedule = cron(minute=0, hour=0, day_of_month=day)
        assert schedule.next_after(at("2026-01-01 00:59")) == at(f"2026-01-{day:02} 00:00")
    assert len(cron_module._memo) == 3
    assert len(cron_days._local.matchers) == 2


def test_the_library_is_asked_once_for_all_times_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer per day serves every minute, every zone and every expression of that day rule."""
    asked: list[tuple[str, datetime]] = []
    step = cron_days._step

    def counted(spelling: str, start: datetime, forward: bool) -> datetime | None:
        asked.append((spelling, start))
        return step(spelling, start, forward)

    monkeypatch.setattr(cron_days, "_step", counted)
    for minute in range(30):
        for zone in ("UTC", "Europe/Paris", "Asia/Kathmandu"):
            schedule = cron(f"{minute} */2 * 5 2-4", timezone=zone)
            for step_on in range(20):
                schedule.next_after(at("2031-05-06 08:00") + step_on * MINUTE)
    assert 0 < len(asked) <= 6
    assert cron_days._nearest.cache_info().maxsize == 8192
    asked.clear()
    assert cron("* * * * *").next_after(at("2031-05-06 08:00")) == at("2031-05-06 08:01")
    assert asked == []


def test_a_lock_left_behind_by_a_fork_stops_nobody() -> None:
    """What another thread was about to remember is asked again, and right."""
    schedule = cron("3 4 * * *", timezone="Europe/Paris")
    with cron_module._memo_lock:
        for day in (1, 2, 1):
            asked = at(f"2026-06-0{day} 00:00")
            assert schedule.next_after(asked) == at(f"2026-06-0{day} 04:03", "Europe/Paris")
    assert schedule not in cron_module._memo
    assert schedule.next_after(at("2026-06-01 00:00")) is not None
    assert schedule in cron_module._memo


def test_threads_share_answers_and_agree() -> None:
    """Many threads asking for many instants get what one thread gets."""
    schedule = cron("*/7 * * * *", timezone="Europe/Paris")
    instants = [at("2026-03-29 00:30") + step * MINUTE for step in range(90)]
    expected = [schedule.next_after(each) for each in instants]
    wrong: list[object] = []

    def ask() -> None:
        for each, answer in zip(instants, expected, strict=True):
            found = schedule.next_after(each)
            if found != answer:
                wrong.append((each, found))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_calendar_has_ends() -> None:
    """Beyond the year 9999, and before the year 1, nothing happens and nothing breaks."""
    for zone in ("UTC", "Pacific/Apia", "America/New_York"):
        schedule = cron("0 0 1 1 *", timezone=zone)
        assert schedule.next_after(datetime.max.replace(tzinfo=UTC)) is None
        assert schedule.previous_before(datetime.min.replace(tzinfo=UTC)) is None
    assert (
        cron("@yearly").count_between(at("9990-06-01 00:00"), datetime.max.replace(tzinfo=UTC)) == 8
    )


@pytest.mark.parametrize("instant", [datetime(2026, 1, 1), "2026-01-01", None])  # noqa: DTZ001
def test_only_aware_instants_are_accepted(instant: object) -> None:
    """A naive datetime is no instant."""
    for text in ("@daily", "@every 5m", "@every 1d", "@at 2026-01-01T00:00Z", "@manual"):
        schedule = parse_schedule(text)
        with pytest.raises(InvalidSchedule):
            schedule.next_after(instant)  # type: ignore[arg-type]
        with pytest.raises(InvalidSchedule):
            schedule.previous_before(instant)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Pari", "", "../etc/passwd", "localtime", "Factory", "posixrules", "Europe", "\0", 5,
     [], "x" * 300],
)  # fmt: skip
def test_unknown_zone_is_refused_by_name(zone: object) -> None:
    """S11: a typed error that names the field."""
    with pytest.raises(InvalidTimezone) as caught:
        cron("@daily", timezone=zone)  # type: ignore[arg-type]
    assert caught.value.field == "timezone"
    with pytest.raises(InvalidTimezone):
        parse_schedule("@manual").with_timezone(zone)  # type: ignore[arg-type]


def test_zone_can_be_given_later_and_taken_away() -> None:
    """S11: a schedule without a zone reads as UTC until its job gives it one."""
    bare = cron("0 3 * * *")
    paris = bare.with_timezone("Europe/Paris")
    assert bare.zone_name == "UTC"
    assert paris == cron("0 3 * * *", timezone="Europe/Paris")
    assert paris.with_timezone("Europe/Paris") is paris
    assert paris.with_timezone(None) == bare
    assert paris.next_after(at("2026-01-01 00:00")) == at("2026-01-01 02:00")
