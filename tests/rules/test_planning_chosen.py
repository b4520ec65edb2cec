"""A next run that was chosen instead of the schedule's own: on time, missed, and what follows."""

from __future__ import annotations

from datetime import datetime

import pytest

from django_scheduler.planning import Planned, Policy, Summary, plan_chosen
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import cron, every, manual

from .times import DAY, HOUR, MINUTE, SECOND, at

HOURLY = cron("0 * * * *")
NOON = at("2026-05-05 12:00")
CHOSEN = NOON + 10 * MINUTE


def policy(catch_up: str = "latest", **fields: object) -> Policy:
    """A policy with this catch-up."""
    return Policy(catch_up=CatchUp(catch_up), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
@pytest.mark.parametrize("late", [0 * SECOND, MINUTE])
def test_on_time_it_runs_and_the_schedule_goes_on(catch_up: str, late: datetime) -> None:
    """S9: strictly after what was chosen."""
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN + late, policy(catch_up))
    assert found.occurrences == (Planned(CHOSEN),)
    assert found.summaries == ()
    assert (found.next_occurrence, found.planned_until) == (NOON + HOUR, CHOSEN)


def test_it_takes_the_place_of_what_the_schedule_named_before() -> None:
    """S9: six hours on, five hourly ones were not missed."""
    chosen = NOON + 6 * HOUR
    found = plan_chosen(HOURLY, chosen, chosen, NOON, chosen, policy())
    assert found.occurrences == (Planned(chosen),)
    assert found.next_occurrence == NOON + 7 * HOUR


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_one_brought_forward_is_never_late(catch_up: str) -> None:
    """T4: somebody asked for it; its own time is still to come."""
    coming = NOON + HOUR
    found = plan_chosen(HOURLY, coming, NOON, NOON, NOON + 50 * MINUTE, policy(catch_up))
    assert found.occurrences == (Planned(coming),)
    assert (found.next_occurrence, found.planned_until) == (NOON + 2 * HOUR, coming)


@pytest.mark.parametrize(("now", "runs"), [(NOON + HOUR - SECOND, 1), (NOON + HOUR, 0)])
def test_one_brought_forward_can_be_late_once_its_own_time_has_come(
    now: datetime, runs: int
) -> None:
    """T4: from that instant on it is an occurrence like any other, missed since it was due."""
    found = plan_chosen(HOURLY, NOON + HOUR, NOON, NOON, now, policy("skip"))
    assert len(found.occurrences) == runs
    assert len(found.summaries) == 1 - runs


def test_missed_and_skipped_it_is_recorded_with_the_rest() -> None:
    """T8"""
    now = CHOSEN + 2 * HOUR
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, now, policy("skip"))
    assert found.occurrences == ()
    assert found.summaries == (
        Summary(CHOSEN, CHOSEN, 1, "missed"),
        Summary(NOON + HOUR, NOON + 2 * HOUR, 2, "missed"),
    )
    assert found.next_occurrence == NOON + 3 * HOUR


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_older_than_the_window_it_is_recorded(catch_up: str) -> None:
    """T8"""
    now = CHOSEN + 2 * DAY
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, now, policy(catch_up))
    assert found.summaries[0] == Summary(CHOSEN, CHOSEN, 1, "missed")
    assert CHOSEN not in [each.scheduled_for for each in found.occurrences]
    inside = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN + DAY, policy(catch_up))
    assert Summary(CHOSEN, CHOSEN, 1, "missed") not in inside.summaries


def test_latest_lets_the_newest_run_stand_for_it_too() -> None:
    """T8: one run for all missed."""
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN + 2 * HOUR, policy())
    assert found.occurrences == (Planned(NOON + 2 * HOUR, missed=2, late=True),)
    assert found.planned_until == NOON + 2 * HOUR


def test_latest_runs_it_when_nothing_newer_was_missed() -> None:
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN + 20 * MINUTE, policy())
    assert found.occurrences == (Planned(CHOSEN, late=True),)
    assert found.next_occurrence == NOON + HOUR


def test_all_runs_it_first_and_then_looks_at_the_rest() -> None:
    now = CHOSEN + 2 * HOUR
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, now, policy("all"))
    assert found.occurrences == (Planned(CHOSEN, late=True),)
    assert (found.next_occurrence, found.next_at) == (NOON + HOUR, NOON + HOUR)
    assert found.planned_until == CHOSEN


@pytest.mark.parametrize(
    ("schedule", "following"), [(manual(), None), (every(minutes=5, after="finish"), None)]
)
def test_what_has_no_next_time_of_its_own_waits(schedule: object, following: object) -> None:
    """S6, T4: the end of the run sets the next time of a fixed delay."""
    found = plan_chosen(schedule, CHOSEN, CHOSEN, NOON, CHOSEN, policy())  # type: ignore[arg-type]
    assert (found.occurrences, found.next_at) == ((Planned(CHOSEN),), following)
    assert not found.ended


def test_a_fixed_delay_whose_chosen_time_is_skipped_goes_on_from_now() -> None:
    schedule = every(minutes=5, after="finish")
    now = CHOSEN + HOUR
    found = plan_chosen(schedule, CHOSEN, CHOSEN, NOON, now, policy("skip"))
    assert (found.occurrences, found.next_at) == ((), now + 5 * MINUTE)
    assert found.planned_until == now
    run = plan_chosen(schedule, CHOSEN, CHOSEN, NOON, now, policy())
    assert (run.occurrences, run.next_at) == ((Planned(CHOSEN, late=True),), None)


def test_it_counts_for_the_bound() -> None:
    """S8"""
    found = plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN, policy(remaining=1))
    assert (found.occurrences, found.next_at, found.ended) == ((Planned(CHOSEN),), None, True)
    assert not plan_chosen(HOURLY, CHOSEN, CHOSEN, NOON, CHOSEN, policy(remaining=2)).ended


def test_the_mark_only_moves_forward() -> None:
    later = NOON + DAY
    assert plan_chosen(HOURLY, CHOSEN, CHOSEN, later, CHOSEN, policy()).planned_until == later
    assert plan_chosen(HOURLY, CHOSEN, CHOSEN, None, CHOSEN, policy()).planned_until == CHOSEN
