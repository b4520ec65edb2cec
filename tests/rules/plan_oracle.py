"""The rules of planning once more, on plain lists of occurrences: slow, simple, independent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django_scheduler.planning import (
    CATCH_UP_BATCH,
    CATCH_UP_PAUSE,
    Plan,
    Planned,
    Policy,
    Summary,
    next_from,
)
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule

__all__ = ["slow_plan"]


def slow_plan(schedule: Schedule, mark: datetime, now: datetime, policy: Policy) -> Plan:
    """What ``plan`` has to say of a schedule that is neither a fixed delay nor once."""
    if policy.remaining == 0:
        return Plan((), (), None, None, mark, True)
    nominal = _walk(schedule, mark, now, policy)
    due = [each for each in nominal if _due_at(schedule, each, policy) <= now]
    if not due:
        return _then(schedule, mark, policy, (), ())
    on_time = now - _due_at(schedule, due[-1], policy) <= policy.misfire_grace
    fresh, missed = (due[-1:], due[:-1]) if on_time else ([], due)
    if policy.catch_up is CatchUp.SKIP:
        runs, records = tuple(Planned(each) for each in fresh), _record(missed, "missed")
        return _end(schedule, due[-1], policy, runs, records)
    old = [each for each in missed if now - each > policy.catch_up_window]
    recent = missed[len(old) :]
    if policy.catch_up is CatchUp.LATEST:
        if recent and policy.room == 0:
            return _wait(schedule, mark, policy)
        standing = fresh or recent[-1:]
        others = len(fresh + recent) - 1
        runs = tuple(Planned(each, missed=others, late=not fresh) for each in standing)
        return _end(schedule, due[-1], policy, runs, _record(old, "window"))
    beyond = recent[: max(len(recent) - policy.catch_up_limit, 0)]
    kept = recent[len(beyond) :]
    taken, waits = _taken(kept, fresh, policy.room)
    runs = tuple(Planned(each, late=each in kept) for each in taken)
    records = _record(old, "window") + _record(beyond, "limit")
    left = (kept + fresh)[len(taken) :]
    if not left or (policy.remaining is not None and len(taken) >= policy.remaining):
        return _end(schedule, due[-1], policy, runs, records)
    if not taken:
        return _wait(schedule, mark, policy)
    at = None if waits else now + CATCH_UP_PAUSE
    return Plan(runs, records, left[0], at, taken[-1], False, waits)


def _wait(schedule: Schedule, mark: datetime, policy: Policy) -> Plan:
    """Nothing is planned, nor recorded, before there is room."""
    oldest = _then(schedule, mark, policy, (), ()).next_occurrence
    return Plan((), (), oldest, None, mark, False, waits=True)


def _taken(
    kept: list[datetime], fresh: list[datetime], room: int | None
) -> tuple[list[datetime], bool]:
    """(those to run now, oldest first, do the others wait for room?)."""
    taken: list[datetime] = []
    for each in kept + fresh:
        if kept and room is not None and len(taken) >= room:
            return taken, True
        if each in kept and len(taken) >= CATCH_UP_BATCH:
            return taken, False
        taken.append(each)
    return taken, False


def _end(
    schedule: Schedule,
    newest: datetime,
    policy: Policy,
    runs: tuple[Planned, ...],
    records: tuple[Summary, ...],
) -> Plan:
    """The plan that deals with everything due, unless no more runs remain before that."""
    if policy.remaining is not None and runs and len(runs) >= policy.remaining:
        runs = runs[: policy.remaining]
        return Plan(runs, records, None, None, runs[-1].scheduled_for, True)
    return _then(schedule, newest, policy, runs, records)


def _then(
    schedule: Schedule,
    after: datetime,
    policy: Policy,
    runs: tuple[Planned, ...],
    records: tuple[Summary, ...],
) -> Plan:
    following = schedule.next_after(after)
    while following and policy.start_at and following < policy.start_at:
        following = schedule.next_after(following)
    if following is None or (policy.end_at is not None and following > policy.end_at):
        return Plan(runs, records, None, None, after, True)
    at = _due_at(schedule, following, policy)
    return Plan(runs, records, following, at, after, False)


def _record(occurrences: list[datetime], reason: str) -> tuple[Summary, ...]:
    if not occurrences:
        return ()
    return (Summary(occurrences[0], occurrences[-1], len(occurrences), reason),)


def _due_at(schedule: Schedule, occurrence: datetime, policy: Policy) -> datetime:
    alone = Policy(jitter=policy.jitter, seed=policy.seed)
    due = next_from(schedule, occurrence - timedelta(microseconds=1), alone)[1]
    assert due is not None
    return due


def _walk(schedule: Schedule, mark: datetime, now: datetime, policy: Policy) -> list[datetime]:
    """Every occurrence in (mark, now] inside the job's window, one by one."""
    low, high = policy.start_at or mark, policy.end_at or now
    found = []
    instant = schedule.next_after(mark)
    while instant is not None and instant <= now:
        if low <= instant <= high:
            found.append(instant)
        instant = schedule.next_after(instant)
    return found
