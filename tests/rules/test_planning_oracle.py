"""Planning against the same rules told on lists, over many combinations of policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from django_scheduler.planning import Policy, passed_over, plan
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule, cron, every

from .plan_oracle import slow_plan
from .times import HOUR, MINUTE, at

NOW = at("2026-03-29 12:00")
LONG_AGO = NOW - 4000 * MINUTE

T = TypeVar("T")


@dataclass(frozen=True)
class Quarters(Schedule):
    """A kind of one's own that only knows what comes next: quarters past seven, five a day."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The next of five quarters of an hour a day."""
        start = instant.replace(hour=7, minute=0, second=0, microsecond=0)
        times = (start + timedelta(days=day, minutes=15 * n) for day in (0, 1) for n in range(5))
        return next(each for each in times if each > instant)


SCHEDULES = (
    every(minutes=37),
    every(hours=1),
    cron("17 */3 * * *", timezone="Europe/Paris"),
    cron("*/20 1-4 * * *", timezone="Europe/Paris"),
    Quarters(),
)


def offsets(*limits: int) -> st.SearchStrategy[timedelta]:
    """Spans of whole minutes, often on the hour, within two limits in minutes."""
    minutes = st.integers(*limits)
    return st.one_of(minutes, minutes.map(lambda each: each // 60 * 60)).map(
        lambda each: each * MINUTE
    )


def seldom(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Mostly no bound: with all of them hardly anything is left to plan."""
    return st.integers(0, 3).flatmap(lambda each: st.none() if each else strategy)


POLICIES = st.builds(
    Policy,
    catch_up=st.sampled_from((*CatchUp, CatchUp.ALL, CatchUp.ALL)),
    catch_up_window=offsets(0, 3000),
    catch_up_limit=st.integers(0, 30),
    misfire_grace=offsets(0, 300),
    start_at=seldom(offsets(-3000, 200).map(lambda each: NOW + each)),
    end_at=seldom(offsets(-600, 200).map(lambda each: NOW + each)),
    remaining=seldom(st.integers(0, 30)),
    jitter=seldom(offsets(0, 90)),
    seed=st.sampled_from(["a", "b", "c"]),
    room=st.none() | st.integers(0, 12),
)


@given(st.sampled_from(SCHEDULES), offsets(0, 4100), offsets(-90, 90), POLICIES)
def test_plan_follows_the_rules(
    schedule: Schedule, begun: timedelta, until: timedelta, policy: Policy
) -> None:
    """T8, S8, S12: whatever is combined with whatever."""
    mark, now = LONG_AGO + begun, NOW + until
    assert plan(schedule, mark, now, policy) == slow_plan(schedule, mark, now, policy)


@given(st.sampled_from(SCHEDULES), offsets(-4000, 100), POLICIES)
def test_what_is_passed_over_is_what_skip_would_record(
    schedule: Schedule, since: timedelta, policy: Policy
) -> None:
    """C1: all nominal occurrences since the mark, in the job's window."""
    skipping = Policy(
        catch_up=CatchUp.SKIP,
        misfire_grace=-HOUR,
        start_at=policy.start_at,
        end_at=policy.end_at,
        remaining=policy.remaining,
    )
    summaries = slow_plan(schedule, NOW + since, NOW, skipping).summaries
    assert passed_over(schedule, NOW + since, NOW, policy) == (summaries[0] if summaries else None)
