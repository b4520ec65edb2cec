"""A next run chosen instead of the schedule's own: by the job itself, or brought forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..policies import CatchUp
from ..schedules import Schedule
from .ahead import next_from
from .outcome import Plan, Planned, Summary
from .planner import plan
from .policy import Policy

__all__ = ["plan_chosen"]


def plan_chosen(
    schedule: Schedule,
    chosen: datetime,
    due_at: datetime,
    high_water: datetime | None,
    now: datetime,
    policy: Policy,
) -> Plan:
    """The plan when ``chosen`` is due; the schedule goes on strictly after it.

    What the schedule named until then is passed over: the choice took its place. If it is missed
    itself it goes through ``catch_up`` with what the schedule named since. An occurrence brought
    forward from a time still to come is never late: somebody asked for it.

    Args:
        chosen: the instant that is its identity.
        due_at: when it was to run; earlier than ``chosen`` if that was brought forward.
    """
    until = chosen if high_water is None else max(chosen, high_water)
    late = chosen <= now and now - due_at > policy.misfire_grace
    if not late:
        return _with_next(schedule, Planned(chosen), until, policy)
    if policy.catch_up is CatchUp.SKIP or now - due_at > policy.catch_up_window:
        found = plan(schedule, until, now, policy) if not schedule.fixed_delay else None
        record = Summary(chosen, chosen, 1, "missed")
        if found is None:
            return replace(_ahead(schedule, now, now, policy), summaries=(record,))
        return replace(found, summaries=(record, *found.summaries))
    return _caught_up(schedule, chosen, until, now, policy)


def _caught_up(
    schedule: Schedule, chosen: datetime, until: datetime, now: datetime, policy: Policy
) -> Plan:
    if policy.catch_up is CatchUp.LATEST and not schedule.fixed_delay:
        found = plan(schedule, until, now, policy)
        if found.occurrences:
            newest = found.occurrences[-1]
            return replace(found, occurrences=(replace(newest, missed=newest.missed + 1),))
    return _with_next(schedule, Planned(chosen, late=True), until, policy)


def _with_next(schedule: Schedule, run: Planned, until: datetime, policy: Policy) -> Plan:
    """The plan of one run; of a fixed delay, its end sets the next time."""
    if policy.remaining is not None:
        policy = replace(policy, remaining=policy.remaining - 1)
    found = replace(_ahead(schedule, until, until, policy), occurrences=(run,))
    if schedule.fixed_delay and not found.ended:
        return replace(found, next_occurrence=None, next_at=None)
    return found


def _ahead(schedule: Schedule, after: datetime, until: datetime, policy: Policy) -> Plan:
    following, at, ended = next_from(schedule, after, policy)
    return Plan((), (), following, at, until, ended)
