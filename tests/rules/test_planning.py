"""What is planned when: lateness, catching up, windows and bounds, both ways of every rule."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from django_scheduler.planning import (
    CATCH_UP_BATCH,
    CATCH_UP_PAUSE,
    Plan,
    Planned,
    Policy,
    Summary,
    initial_high_water,
    next_from,
    plan,
)
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule, cron, every, manual, once

from .times import DAY, HOUR, MINUTE, SECOND, at

HOURLY = cron("0 * * * *")
NOON = at("2026-05-05 12:00")


def hours_ago(count: int) -> datetime:
    """That many hours before noon."""
    return NOON - count * HOUR


def policy(catch_up: str = "latest", **fields: object) -> Policy:
    """A policy with this catch-up."""
    return Policy(catch_up=CatchUp(catch_up), **fields)  # type: ignore[arg-type]


def planned(*occurrences: datetime, late: bool = True) -> tuple[Planned, ...]:
    """Runs that stand for themselves only."""
    return tuple(Planned(each, late=late) for each in occurrences)


def test_nothing_due_looks_ahead() -> None:
    """T2: the next occurrence, and the mark stays."""
    found = plan(HOURLY, NOON, NOON + 59 * MINUTE, policy())
    assert found == Plan((), (), NOON + HOUR, NOON + HOUR, NOON, False)


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_on_time_runs_under_every_policy(catch_up: str) -> None:
    """T8: late by at most the grace is on time."""
    found = plan(HOURLY, hours_ago(1), NOON + MINUTE, policy(catch_up))
    assert found == Plan(planned(NOON, late=False), (), NOON + HOUR, NOON + HOUR, NOON, False)


@pytest.mark.parametrize(
    ("catch_up", "runs", "records"),
    [
        ("skip", (), (Summary(NOON, NOON, 1, "missed"),)),
        ("latest", planned(NOON), ()),
        ("all", planned(NOON), ()),
    ],
)
def test_over_the_grace_is_missed(
    catch_up: str, runs: tuple[Planned, ...], records: tuple[Summary, ...]
) -> None:
    """T8: one second more, and the catch-up policy decides."""
    found = plan(HOURLY, hours_ago(1), NOON + MINUTE + SECOND, policy(catch_up))
    assert found == Plan(runs, records, NOON + HOUR, NOON + HOUR, NOON, False)


@pytest.mark.parametrize(("now", "late"), [(NOON, False), (NOON + 30 * MINUTE, True)])
def test_latest_makes_one_run_for_all(now: datetime, late: bool) -> None:
    """T8: after 10 missed intervals 1 run that says it missed 9, on time or not."""
    found = plan(HOURLY, hours_ago(10), now, policy())
    assert found.occurrences == (Planned(NOON, missed=9, late=late),)
    assert found.summaries == ()
    assert (found.next_occurrence, found.planned_until) == (NOON + HOUR, NOON)


def test_an_interval_goes_on_on_its_grid() -> None:
    """T8: @every 1h after 10 h down: one run now, then on the grid."""
    schedule = every(hours=1, starting=hours_ago(10) + 17 * MINUTE)
    found = plan(schedule, hours_ago(10) + 17 * MINUTE, NOON + 20 * MINUTE, policy())
    assert found.occurrences == (Planned(NOON + 17 * MINUTE, missed=9, late=True),)
    assert found.next_at == NOON + HOUR + 17 * MINUTE


@pytest.mark.parametrize(
    ("now", "runs", "count", "last"),
    [
        (NOON + MINUTE, planned(NOON, late=False), 9, hours_ago(1)),
        (NOON + 30 * MINUTE, (), 10, NOON),
    ],
)
def test_skip_records_the_missed_ones_once(
    now: datetime, runs: tuple[Planned, ...], count: int, last: datetime
) -> None:
    """T8: the newest on time still runs."""
    found = plan(HOURLY, hours_ago(10), now, policy("skip"))
    assert found.occurrences == runs
    assert found.summaries == (Summary(hours_ago(9), last, count, "missed"),)
    assert found.planned_until == NOON


def test_skip_keeps_one_record_however_old() -> None:
    """T8: never two records where nothing was to be run anyway."""
    found = plan(HOURLY, NOON - 30 * DAY, NOON, policy("skip"))
    assert found.summaries == (Summary(NOON - 30 * DAY + HOUR, hours_ago(1), 719, "missed"),)


@pytest.mark.parametrize(
    ("now", "expected"),
    [(NOON, planned(hours_ago(2), hours_ago(1)) + planned(NOON, late=False)),
     (NOON + 30 * MINUTE, planned(hours_ago(2), hours_ago(1), NOON))],
)  # fmt: skip
def test_all_runs_each_oldest_first(now: datetime, expected: tuple[Planned, ...]) -> None:
    """T8: side by side where the overlap policy allows it."""
    found = plan(HOURLY, hours_ago(3), now, policy("all"))
    assert found == Plan(expected, (), NOON + HOUR, NOON + HOUR, NOON, False)


def test_without_room_for_more_the_next_missed_one_waits() -> None:
    """T8: under skip, queue and replace catching up is not overlapping."""
    mark, seen, now = hours_ago(3), [], NOON + 30 * MINUTE
    for _ in range(2):
        assert plan(HOURLY, mark, now, policy("all", room=0)) == Plan(
            (), (), mark + HOUR, None, mark, False, waits=True
        )
        found = plan(HOURLY, mark, now, policy("all", room=1))
        mark = found.planned_until
        assert found == Plan(planned(mark), (), mark + HOUR, None, mark, False, waits=True)
        seen.append(mark)
    found = plan(HOURLY, mark, now, policy("all", room=1))
    assert found == Plan(planned(NOON), (), NOON + HOUR, NOON + HOUR, NOON, False, waits=False)
    assert seen == [hours_ago(2), hours_ago(1)]


@pytest.mark.parametrize(
    ("room", "runs", "waits"), [(1, 1, True), (2, 2, True), (3, 3, False), (4, 3, False)]
)
def test_the_one_on_time_comes_last(room: int, runs: int, waits: bool) -> None:
    """T8: the missed ones come first, and those after them wait with them."""
    found = plan(HOURLY, hours_ago(3), NOON, policy("all", room=room))
    both = planned(hours_ago(2), hours_ago(1)) + planned(NOON, late=False)
    assert (found.occurrences, found.waits) == (both[:runs], waits)
    assert found.next_at == (None if waits else NOON + HOUR)


def test_one_on_time_with_nothing_missed_before_it_does_not_wait() -> None:
    """T8: what becomes of it is the overlap policy's to say."""
    found = plan(HOURLY, hours_ago(1), NOON, policy("all", room=0))
    assert found == Plan(planned(NOON, late=False), (), NOON + HOUR, NOON + HOUR, NOON, False)


def test_catching_up_pauses_between_batches() -> None:
    """T8: it never starves other jobs; the rest follows after the pause."""
    now, mark = NOON + 30 * MINUTE, hours_ago(2 * CATCH_UP_BATCH + 3)
    for _ in range(2):
        found = plan(HOURLY, mark, now, policy("all"))
        assert len(found.occurrences) == CATCH_UP_BATCH
        mark = found.planned_until
        assert found.next_occurrence == mark + HOUR
        assert (found.next_at, found.waits) == (now + CATCH_UP_PAUSE, False)
    found = plan(HOURLY, mark, now + CATCH_UP_PAUSE, policy("all"))
    assert (len(found.occurrences), found.next_at) == (3, NOON + HOUR)


@pytest.mark.parametrize("room", [1, None])
def test_all_keeps_the_newest_within_its_limit(room: int | None) -> None:
    """T8: what lies beyond becomes one record."""
    found = plan(
        HOURLY, hours_ago(10), NOON + 30 * MINUTE, policy("all", catch_up_limit=3, room=room)
    )
    kept = planned(hours_ago(2), hours_ago(1), NOON)
    assert found.occurrences == (kept[:1] if room else kept)
    assert found.summaries == (Summary(hours_ago(9), hours_ago(3), 7, "limit"),)


def test_a_limit_of_none_at_all_records_everything_missed() -> None:
    """T8: and the one on time still runs, in series or not."""
    for room in (0, None):
        chosen = policy("all", catch_up_limit=0, room=room)
        found = plan(HOURLY, hours_ago(3), NOON, chosen)
        assert found.occurrences == planned(NOON, late=False)
        assert found.summaries == (Summary(hours_ago(2), hours_ago(1), 2, "limit"),)
        found = plan(HOURLY, hours_ago(3), NOON + HOUR / 2, chosen)
        assert found.occurrences == ()
        assert found.summaries == (Summary(hours_ago(2), NOON, 3, "limit"),)


def test_older_than_the_window_is_missed_for_good() -> None:
    """T8: one record, never thousands of rows; exactly as old as the window is inside."""
    chosen = policy("latest", catch_up_window=5 * HOUR)
    found = plan(HOURLY, hours_ago(100), NOON, chosen)
    assert found.occurrences == (Planned(NOON, missed=5, late=False),)
    assert found.summaries == (Summary(hours_ago(99), hours_ago(6), 94, "window"),)
    found = plan(HOURLY, hours_ago(100), NOON, policy("all", catch_up_window=5 * HOUR, room=1))
    assert found.occurrences == planned(hours_ago(5))
    assert found.summaries == (Summary(hours_ago(99), hours_ago(6), 94, "window"),)


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_everything_older_than_the_window_runs_nothing(catch_up: str) -> None:
    """T8: a yearly job after a week."""
    schedule = cron("0 0 1 1 *")
    now = at("2026-01-08 00:00")
    found = plan(schedule, at("2025-06-01 00:00"), now, policy(catch_up))
    assert found.occurrences == ()
    newest = at("2026-01-01 00:00")
    assert found.summaries == (Summary(newest, newest, 1, "window"),)
    assert (found.planned_until, found.next_occurrence) == (newest, at("2027-01-01 00:00"))


def test_on_time_runs_whatever_the_window() -> None:
    """T8: a window of nothing does not take the one that is on time."""
    for catch_up in ("latest", "all"):
        found = plan(
            HOURLY, hours_ago(3), NOON + SECOND, policy(catch_up, catch_up_window=timedelta(0))
        )
        assert found.occurrences == planned(NOON, late=False)
        assert found.summaries == (Summary(hours_ago(2), hours_ago(1), 2, "window"),)


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_a_past_instant_runs_once_and_ends_the_job(catch_up: str) -> None:
    """S7: once, now, never missed for good, never again."""
    schedule = once(NOON - 400 * DAY)
    mark = initial_high_water(schedule, NOON)
    found = plan(schedule, mark, NOON, policy(catch_up))
    assert found == Plan(planned(NOON - 400 * DAY), (), None, None, NOON - 400 * DAY, True)
    assert plan(schedule, None, NOON, policy(catch_up)) == found
    again = plan(schedule, found.planned_until, NOON + DAY, policy(catch_up))
    assert again == Plan((), (), None, None, NOON - 400 * DAY, True)


def test_a_coming_instant_waits() -> None:
    """S7: on time it is not late."""
    schedule = once(NOON)
    assert plan(schedule, hours_ago(1), hours_ago(1), policy()).next_at == NOON
    assert plan(schedule, hours_ago(1), NOON, policy()).occurrences == planned(NOON, late=False)


def test_a_new_job_never_catches_up_from_before_its_creation() -> None:
    """T8: its mark is its creation."""
    assert initial_high_water(HOURLY, NOON) == NOON
    assert initial_high_water(once(NOON + HOUR), NOON) == NOON
    assert plan(HOURLY, None, NOON, policy()).occurrences == ()


def test_on_demand_has_no_next_and_is_not_over() -> None:
    """T3: manual jobs stay."""
    assert plan(manual(), hours_ago(1), NOON, policy()) == Plan(
        (), (), None, None, hours_ago(1), False
    )
    assert next_from(manual(), NOON, policy(remaining=0)) == (None, None, True)


def test_the_mark_never_goes_back() -> None:
    """T8: also when the database's clock does."""
    found = plan(HOURLY, NOON, hours_ago(5), policy())
    assert found == Plan((), (), NOON + HOUR, NOON + HOUR, NOON, False)


def account(found: Plan) -> int:
    """How many occurrences a plan deals with."""
    runs = sum(1 + each.missed for each in found.occurrences)
    return runs + sum(each.count for each in found.summaries)


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_a_month_of_seconds_costs_nothing(catch_up: str) -> None:
    """T8: an every-second job, counted by arithmetic, under each policy."""
    for schedule in (every(seconds=1), cron("* * * * * *", timezone="Europe/Paris")):
        found = plan(schedule, NOON - 30 * DAY, NOON, policy(catch_up))
        assert account(found) == schedule.count_between(NOON - 30 * DAY, found.planned_until)
        assert found.planned_until == (NOON - 91 * SECOND if catch_up == "all" else NOON)


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
@pytest.mark.parametrize("room", [1, 3, None])
@pytest.mark.parametrize("late", [SECOND, 10 * MINUTE])
@pytest.mark.parametrize("busy", [SECOND, HOUR])
@pytest.mark.parametrize(
    "schedule",
    [cron("17 */3 * * *", timezone="Europe/Paris"), every(minutes=37), every(days=1)],
)
def test_every_occurrence_is_accounted_for_once(
    catch_up: str, room: int | None, late: timedelta, busy: timedelta, schedule: Schedule
) -> None:
    """T8: a run, part of a run, or in a record: nothing twice, nothing lost, while runs go on."""
    start, now = at("2026-03-20 00:00"), at("2026-03-30 00:17") + late
    mark, accounted, times, rows = start, 0, [], 0
    for _ in range(60):
        found = plan(schedule, mark, now, policy(catch_up, room=room, catch_up_limit=20))
        accounted += account(found)
        times += [each.scheduled_for for each in found.occurrences]
        rows += len(found.summaries)
        assert found.planned_until >= mark
        mark = found.planned_until
        assert accounted == schedule.count_between(start, mark)
        if not found.waits and found.next_at != now + CATCH_UP_PAUSE:
            assert schedule.count_between(mark, now) == 0
            break
        assert schedule.count_between(mark, now) > 0
        now += busy if found.waits else CATCH_UP_PAUSE
    assert times == sorted(set(times))
    assert rows <= 2 * max(len(times), 1)
