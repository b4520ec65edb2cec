"""From what was dealt with and the time to what to do now, or to what is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..schedules import Schedule
from .ahead import floor, following, initial_high_water, next_from
from .due import CATCH_UP_PAUSE, Sorted, find_due
from .outcome import Plan, Summary
from .policy import Policy
from .stretch import Stretch

__all__ = ["passed_over", "plan"]


def plan(schedule: Schedule, high_water: datetime | None, now: datetime, policy: Policy) -> Plan:
    """The occurrences in (``high_water``, ``now``] sorted into runs and records.

    Under ``all`` missed occurrences are planned oldest first, at most ``CATCH_UP_BATCH`` in one
    planning and at most as many as there is room for; what comes after them waits with them. What
    has become missed meanwhile is owed as well: at any time at most ``catch_up_limit`` are, and
    what is given up for that, or has grown too old, is recorded together with the next runs.

    When the last of the ``remaining`` runs is planned the job is over: what was due after it is
    not an occurrence any more, and is not recorded. A fixed-delay schedule has one occurrence after
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
        return _ahead(schedule, mark, policy, Sorted((), (), mark))
    found = due.sorted_out()
    if policy.remaining is not None:
        found = replace(found, runs=found.runs[: policy.remaining])
        policy = replace(policy, remaining=policy.remaining - len(found.runs))
    if policy.spent:
        return Plan(found.runs, found.records, None, None, found.runs[-1].scheduled_for, True)
    if found.left:
        return _later(schedule, now, policy, found)
    if not schedule.fixed_delay:
        return _ahead(schedule, found.until, policy, found)
    if found.runs:
        # It sets the next time when it has finished.
        return Plan(found.runs, found.records, None, None, found.until, False)
    # From now on it is measured from here: from the old mark it would be missed for ever.
    return _ahead(schedule, now, policy, replace(found, until=now))


def _ahead(schedule: Schedule, after: datetime, policy: Policy, found: Sorted) -> Plan:
    """The plan that leaves nothing due behind."""
    occurrence, at, ended = next_from(schedule, after, policy)
    return Plan(found.runs, found.records, occurrence, at, found.until, ended)


def _later(schedule: Schedule, now: datetime, policy: Policy, found: Sorted) -> Plan:
    """The plan that leaves some of what is due for another one."""
    occurrence = following(schedule, found.until, policy)
    at = None if found.waits else now + CATCH_UP_PAUSE
    return Plan(found.runs, found.records, occurrence, at, found.until, False, found.waits)


def passed_over(
    schedule: Schedule, mark: datetime | None, now: datetime, policy: Policy
) -> Summary | None:
    """One record of the occurrences in (``mark``, ``now``], by nominal instant; None if none.

    For a job that is paused, edited or mended while occurrences were due that nobody claimed, and
    that now begins anew after ``now``. Outside the job's window, and once no further run may come,
    there are none. A fixed delay has one at most.

    Args:
        mark: newest nominal instant dealt with; None: nothing was, and nothing is passed over.
        now: the database's time.
    """
    if mark is None or policy.spent:
        return None
    only = following(schedule, mark, policy) if schedule.fixed_delay else None
    until = now if policy.end_at is None else min(now, policy.end_at)
    passed = Stretch(schedule, floor(mark, policy), until, only)
    return next(iter(passed.records("missed")), None)
