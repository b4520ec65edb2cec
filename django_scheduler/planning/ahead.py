"""The next occurrence within a job's window, and the instant it is due with its jitter."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

from ..schedules import Schedule
from .policy import Policy

__all__ = ["INSTANT", "due_at", "floor", "following", "initial_high_water", "is_due", "next_from"]

INSTANT = timedelta(microseconds=1)


def next_from(
    schedule: Schedule, after: datetime, policy: Policy
) -> tuple[datetime | None, datetime | None, bool]:
    """(next nominal occurrence strictly after ``after``, when it is due, is the job over?).

    For first planning, resuming and edits. A schedule that only runs when triggered has no next
    occurrence and is not over.
    """
    if policy.spent:
        return None, None, True
    if schedule.on_demand:
        return None, None, False
    found = following(schedule, after, policy)
    if found is None or (policy.end_at is not None and found > policy.end_at):
        return None, None, True
    return found, due_at(schedule, found, policy), False


def initial_high_water(schedule: Schedule, created_at: datetime) -> datetime:
    """The mark a new job starts with: its creation, or just before an instant it owes.

    A new job never catches up from before its creation; only ``once`` in the past is owed.
    """
    first = schedule.first(created_at) if schedule.one_shot else None
    return created_at if first is None else min(created_at, first - INSTANT)


def following(schedule: Schedule, after: datetime, policy: Policy) -> datetime | None:
    if not schedule.fixed_delay:
        return schedule.next_after(floor(after, policy))
    found = schedule.next_after(after)
    if found is None or policy.start_at is None:
        return found
    return max(found, policy.start_at)


def floor(after: datetime, policy: Policy) -> datetime:
    return after if policy.start_at is None else max(after, policy.start_at - INSTANT)


def due_at(schedule: Schedule, occurrence: datetime, policy: Policy) -> datetime:
    """The occurrence plus its jitter, which stays below the distance to the next one."""
    if not policy.jitter:
        return occurrence
    following = schedule.next_after(occurrence)
    bound = policy.jitter if following is None else min(policy.jitter, following - occurrence)
    text = f"{policy.seed}|{occurrence.astimezone(timezone.utc).isoformat()}"
    # Whole numbers: a float fraction could round up to the bound itself.
    drawn = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return occurrence + (bound // INSTANT * drawn >> 64) * INSTANT


def is_due(schedule: Schedule, occurrence: datetime, now: datetime, policy: Policy) -> bool:
    return due_at(schedule, occurrence, policy) <= now
