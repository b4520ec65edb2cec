"""From what was dealt with and the time to what to do now: one pure function."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..schedules import Schedule
from .ahead import initial_high_water, next_from
from .due import find_due
from .outcome import Plan
from .policy import Policy

__all__ = ["plan"]


def plan(schedule: Schedule, high_water: datetime | None, now: datetime, policy: Policy) -> Plan:
    """The occurrences in (``high_water``, ``now``] sorted into runs and records.

    Under ``all`` with a serial policy only the oldest missed occurrence is planned and ``next_at``
    is ``now``: call again when its run has ended. A fixed-delay schedule has one occurrence after
    ``high_water``, its last finish, and none known after that until the next one.

    Args:
        high_water: newest nominal instant dealt with, see ``initial_high_water``; for a fixed
            delay the end of the last run; None: nothing dealt with, and only a ``once`` may be
            owed from the past.
        now: the database's time.
    """
    mark = initial_high_water(schedule, now) if high_water is None else high_water
    if policy.spent:
        return Plan((), (), None, None, mark, True)
    due = find_due(schedule, mark, now, policy)
    if due is None:
        return Plan((), (), *_ahead(schedule, mark, policy, mark))
    runs, records, until = due.sorted_out()
    if policy.remaining is not None:
        runs = runs[: policy.remaining]
        policy = replace(policy, remaining=policy.remaining - len(runs))
    if policy.spent:
        return Plan(runs, records, None, None, runs[-1].scheduled_for, True)
    if until < due.newest:
        following, _, ended = next_from(schedule, until, policy)
        return Plan(runs, records, following, now, until, ended)
    if schedule.fixed_delay:
        # What was run sets the next time when it has finished; what was not, sets it now.
        ahead = (None, None, until, False) if runs else _ahead(schedule, now, policy, until)
        return Plan(runs, records, *ahead)
    return Plan(runs, records, *_ahead(schedule, until, policy, until))


def _ahead(
    schedule: Schedule, after: datetime, policy: Policy, until: datetime
) -> tuple[datetime | None, datetime | None, datetime, bool]:
    """The last four values of a plan that leaves nothing due behind."""
    occurrence, at, ended = next_from(schedule, after, policy)
    return occurrence, at, until, ended
