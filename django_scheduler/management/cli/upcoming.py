"""What comes next, as the engine would plan it. Reads jobs and their clocks, writes nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from ...exceptions import SchedulerError
from ...lifecycle import planning_policy
from ...models import Job, JobClock
from ...planning import next_from
from ...states import JobState
from .documents import iso

__all__ = ["Coming", "soonest", "upcoming"]


@dataclass(frozen=True)
class Coming:
    """One occurrence to come: its nominal instant, and when it is due."""

    job: Job
    scheduled_for: datetime
    due_at: datetime

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "job": self.job.name,
            "scheduled_for": iso(self.scheduled_for),
            "due_at": iso(self.due_at),
        }


def _clock_of(job: Job) -> JobClock | None:
    try:
        return job.clock
    except JobClock.DoesNotExist:
        return None


def _walk(job: Job) -> Iterator[Coming]:
    """Yield the job's coming occurrences; of a fixed delay only the next one is known."""
    clock = _clock_of(job)
    if job.state != JobState.ACTIVE or clock is None or clock.next_run_at is None:
        return
    occurrence: datetime | None = clock.next_occurrence or clock.next_run_at
    due: datetime | None = clock.next_run_at
    try:
        schedule, policy = job.parsed_schedule(), planning_policy(job, clock)
    except SchedulerError:
        return
    while occurrence is not None and due is not None:
        yield Coming(job, occurrence, due)
        if schedule.fixed_delay:
            return
        if policy.remaining is not None:
            policy = replace(policy, remaining=policy.remaining - 1)
        occurrence, due, _ended = next_from(schedule, occurrence, policy)


def upcoming(job: Job, count: int) -> list[Coming]:
    """Return at most ``count`` coming occurrences of the job; none unless it is active."""
    return list(islice(_walk(job), count))


def soonest(jobs: Iterable[Job], count: int) -> list[Coming]:
    """Return the ``count`` occurrences of all these jobs that are due first."""
    merged = heapq.merge(*map(_walk, jobs), key=lambda coming: (coming.due_at, coming.job.name))
    return list(islice(merged, count))
