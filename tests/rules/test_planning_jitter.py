"""Jitter: later by a hash, identity unchanged, never as late as the next occurrence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scheduler.exceptions import InvalidSchedule
from django_scheduler.planning import Planned, Policy, next_from, plan
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule, every, once

from .times import DAY, HOUR, MINUTE, SECOND, at

START = at("2026-05-05 00:00")


@given(st.text(max_size=20), st.integers(1, 10**6), st.integers(1, 10**5), st.integers(0, 10**6))
def test_jitter_is_stable_and_below_the_next_occurrence(
    seed: str, seconds: int, jitter: int, offset: int
) -> None:
    """S12: the same answer always, nominal <= due < next."""
    schedule = every(seconds=seconds)
    policy = Policy(jitter=timedelta(seconds=jitter), seed=seed)
    after = START + timedelta(seconds=offset)
    nominal, due, ended = next_from(schedule, after, policy)
    assert nominal is not None and due is not None and not ended
    assert nominal == schedule.next_after(after)
    assert nominal <= due < nominal + timedelta(seconds=min(seconds, jitter))
    assert next_from(schedule, after, policy) == (nominal, due, ended)


def test_seeds_spread_jobs() -> None:
    """S12: a hundred jobs of one schedule do not come due together."""
    dues = {
        next_from(every(hours=1), START, Policy(jitter=HOUR / 2, seed=f"job-{number}"))[1]
        for number in range(100)
    }
    assert len(dues) == 100
    minutes = {(due - START).seconds // 600 for due in dues if due is not None}
    assert len(minutes) == 3


def test_due_only_once_the_jitter_is_over() -> None:
    """S12: before it nothing, at it a run of the nominal instant, on time."""
    policy = Policy(jitter=50 * MINUTE, seed="job")
    nominal, due, _ = next_from(every(hours=1), START, policy)
    assert nominal is not None and due is not None and due > nominal + MINUTE
    early = plan(every(hours=1), START, due - SECOND, policy)
    assert (early.occurrences, early.next_occurrence, early.next_at) == ((), nominal, due)
    assert early.planned_until == START
    found = plan(every(hours=1), START, due, policy)
    assert found.occurrences == (Planned(nominal, late=False),)
    assert plan(every(hours=1), START, due + MINUTE + SECOND, policy).occurrences[0].late


def test_undue_newest_leaves_the_one_before() -> None:
    """S12: while the newest waits out its jitter the one before is what is due."""
    policy = Policy(jitter=59 * MINUTE, seed="job", catch_up=CatchUp.LATEST)
    newest, due, _ = next_from(every(hours=1), START + 3 * HOUR, policy)
    assert newest is not None and due is not None
    found = plan(every(hours=1), START, due - SECOND, policy)
    assert found.occurrences == (Planned(newest - HOUR, missed=2, late=True),)
    assert (found.next_occurrence, found.next_at) == (newest, due)


def test_jitter_without_a_next_occurrence_is_only_bounded_by_itself() -> None:
    """S12: once."""
    nominal, due, _ = next_from(once(START), START - DAY, Policy(jitter=HOUR, seed="x"))
    assert nominal == START
    assert due is not None and START < due < START + HOUR


def test_fixed_delay_waits_out_its_jitter() -> None:
    """S12: the same for a delay after the finish."""
    schedule = every(hours=1, after="finish")
    policy = Policy(jitter=30 * MINUTE, seed="x")
    nominal, due, _ = next_from(schedule, START, policy)
    assert nominal is not None and due is not None and due > nominal
    assert plan(schedule, START, due - SECOND, policy).occurrences == ()
    assert plan(schedule, START, due, policy).occurrences == (Planned(nominal, late=False),)


def test_a_kind_that_contradicts_itself_is_told_so() -> None:
    """S10: a count without a previous occurrence is an error, not an endless search."""

    class Liar(Schedule):
        """Counts two and, backwards, finds one."""

        def next_after(self, instant: datetime) -> datetime | None:
            """Two occurrences."""
            return next((each for each in (START, START + HOUR) if instant < each), None)

        def previous_before(self, instant: datetime) -> datetime | None:
            """Only the later one."""
            return START + HOUR if instant > START + HOUR else None

        def count_between(self, after: datetime, until: datetime) -> int:
            """Both."""
            return 2

    with pytest.raises(InvalidSchedule):
        plan(Liar(), START - DAY, START + HOUR, Policy(catch_up=CatchUp.SKIP))
