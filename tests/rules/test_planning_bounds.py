"""Planning within bounds: the job's window, the runs that remain, and fixed delays."""

from __future__ import annotations

from datetime import datetime

import pytest

from django_scheduler.planning import Plan, Planned, Policy, Summary, next_from, plan
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import cron, every

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


@pytest.mark.parametrize(
    ("fields", "now", "runs", "ended", "following"),
    [
        ({"start_at": hours_ago(1)}, NOON, 2, False, NOON + HOUR),
        ({"start_at": NOON + SECOND}, NOON, 0, False, NOON + HOUR),
        ({"start_at": NOON + HOUR}, NOON, 0, False, NOON + HOUR),
        ({"start_at": NOON + HOUR + SECOND}, NOON, 0, False, NOON + 2 * HOUR),
        ({"end_at": hours_ago(1)}, NOON, 9, True, None),
        ({"end_at": NOON}, NOON, 10, True, None),
        ({"end_at": NOON + HOUR}, NOON, 10, False, NOON + HOUR),
        ({"end_at": hours_ago(20)}, NOON, 0, True, None),
        ({"start_at": hours_ago(2), "end_at": hours_ago(1)}, NOON, 2, True, None),
    ],
)
def test_window_of_the_job(
    fields: dict[str, datetime], now: datetime, runs: int, ended: bool, following: datetime | None
) -> None:
    """S8: both ends belong to it; nothing is planned outside, and after it the job is over."""
    found = plan(HOURLY, hours_ago(10), now, policy("all", **fields))
    assert len(found.occurrences) == runs
    assert (found.ended, found.next_occurrence) == (ended, following)


@pytest.mark.parametrize(
    ("remaining", "runs", "ended"), [(0, 0, True), (2, 2, True), (3, 3, True), (4, 3, False)]
)
def test_never_more_than_remain(remaining: int, runs: int, ended: bool) -> None:
    """S8: max_runs, oldest first."""
    found = plan(HOURLY, hours_ago(3), NOON + HOUR / 2, policy("all", remaining=remaining))
    assert found.occurrences == planned(hours_ago(2), hours_ago(1), NOON)[:runs]
    assert found.ended is ended
    assert (found.next_occurrence is None) is ended


def test_the_last_remaining_run_in_series_ends_the_job() -> None:
    """S8: what is missed beyond it is not run."""
    found = plan(HOURLY, hours_ago(3), NOON, policy("all", remaining=1, room=1))
    assert found == Plan(planned(hours_ago(2)), (), None, None, hours_ago(2), True)
    assert next_from(HOURLY, NOON, policy(remaining=0)) == (None, None, True)
    assert next_from(HOURLY, NOON, policy(remaining=1)) == (NOON + HOUR, NOON + HOUR, False)


def test_series_stops_at_the_end_of_the_window() -> None:
    """S8: the last missed one inside it is the last."""
    chosen = policy("all", end_at=hours_ago(1), room=1)
    first = plan(HOURLY, hours_ago(3), NOON, chosen)
    assert (first.next_occurrence, first.waits, first.ended) == (hours_ago(1), True, False)
    assert plan(HOURLY, first.planned_until, NOON, chosen).ended


def test_fixed_delay_is_planned_from_the_last_finish() -> None:
    """S6: one run, and the next is unknown until it has finished."""
    schedule = every(minutes=10, after="finish")
    finish = hours_ago(1)
    early = plan(schedule, finish, finish + 9 * MINUTE, policy())
    assert early == Plan((), (), finish + 10 * MINUTE, finish + 10 * MINUTE, finish, False)
    due = plan(schedule, finish, finish + 10 * MINUTE, policy())
    assert due == Plan(
        planned(finish + 10 * MINUTE, late=False), (), None, None, finish + 10 * MINUTE, False
    )


@pytest.mark.parametrize(
    ("catch_up", "runs"), [("latest", 1), ("all", 1), ("skip", 0)]
)  # fmt: skip
def test_fixed_delay_missed(catch_up: str, runs: int) -> None:
    """S6: missed once however long it was; what is not run sets the next from now."""
    schedule = every(minutes=10, after="finish")
    found = plan(schedule, hours_ago(5), NOON, policy(catch_up))
    assert len(found.occurrences) == runs
    occurrence = hours_ago(5) + 10 * MINUTE
    if runs:
        assert found.planned_until == occurrence
        assert found.occurrences == planned(occurrence)
        assert found.next_occurrence is None
    else:
        assert found.planned_until == NOON
        assert found.summaries == (Summary(occurrence, occurrence, 1, "missed"),)
        assert found.next_occurrence == NOON + 10 * MINUTE


def test_fixed_delay_too_old_for_the_window() -> None:
    """S6: recorded, and started again from now."""
    schedule = every(minutes=10, after="finish")
    found = plan(schedule, NOON - 9 * DAY, NOON, policy())
    occurrence = NOON - 9 * DAY + 10 * MINUTE
    assert found.summaries == (Summary(occurrence, occurrence, 1, "window"),)
    assert (found.occurrences, found.next_at) == ((), NOON + 10 * MINUTE)


def test_fixed_delay_inside_its_window() -> None:
    """S8: first at the window's start, none after its end."""
    schedule = every(minutes=10, after="finish")
    starting = policy(start_at=NOON)
    assert next_from(schedule, hours_ago(1), starting)[0] == NOON
    assert plan(schedule, hours_ago(1), NOON - MINUTE, starting).occurrences == ()
    assert plan(schedule, hours_ago(1), NOON, starting).occurrences == planned(NOON, late=False)
    ending = policy(end_at=NOON)
    assert next_from(schedule, NOON - MINUTE, ending) == (None, None, True)
    assert plan(schedule, NOON - MINUTE, NOON + HOUR, ending).ended
