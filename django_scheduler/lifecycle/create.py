"""Making run rows, and counting what is active before another one is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from ..models import Job, Process, Run, uuid7
from ..states import ALIVE, OPEN, Reason, RunStatus, Trigger
from .drafts import Draft, Template, snapshot_of
from .giving_way import not_in_the_way, that_give_way

__all__ = [
    "MISSED",
    "Activity",
    "active_runs",
    "activity",
    "insert",
    "make_attempt",
    "make_run",
    "missed_record",
    "occurrence_key",
    "still_inside",
    "waiting_for_room",
]


MISSED = "missed:"
"""What the key of a record begins with."""


def occurrence_key(instant: datetime) -> str:
    """Return the text that names the occurrence at ``instant``: ISO 8601 in UTC."""
    return instant.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def make_run(
    job: Job, *, key: str, scheduled_for: datetime, trigger: Trigger, now: datetime, **fields: Any
) -> Run:
    """Return an unsaved run: a snapshot of the job as it is, which later edits do not reach."""
    values = {**snapshot_of(job), **fields}
    if job.start_deadline is not None:
        values.setdefault("expires_at", max(scheduled_for, now) + job.start_deadline)
    values.setdefault("status", RunStatus.QUEUED.value)
    del values["job_id"]
    return Run(
        id=uuid7(now),
        job=job,
        key=key,
        scheduled_for=scheduled_for,
        trigger=trigger.value,
        queued_at=now,
        **values,
    )


_KEPT = (
    "job_id", "job_name", "function", "key", "scheduled_for", "args", "kwargs", "metadata",
    "policy", "executor", "queue", "priority", "missed",
)  # fmt: skip


def make_attempt(run: Run, *, attempt: int, now: datetime, using: str) -> Run:
    """Return an unsaved run that tries the occurrence of ``run`` again, by the same snapshot."""
    rows = Run.objects.using(using).filter(job=run.job_id, key=run.key)
    number = rows.aggregate(Max("number"))["number__max"] + 1
    kept = Run.objects.using(using).filter(pk=run.pk).values(*_KEPT).get()
    again = Run(
        id=uuid7(now),
        number=number,
        attempt=attempt,
        trigger=Trigger.RETRY.value,
        status=RunStatus.QUEUED.value,
        queued_at=now,
        **kept,
    )
    # An occurrence that was skipped ahead of its time is brought forward by being run after all.
    again.scheduled_for = min(run.scheduled_for, now)
    return again


def missed_record(
    template: Template, first: datetime, last: datetime, count: int, now: datetime
) -> Draft:
    """Return a record of ``count`` occurrences, ``first`` to ``last``, that never run."""
    record = Draft(
        template,
        uuid7(now),
        f"{MISSED}{occurrence_key(first)}/{occurrence_key(last)}",
        last,
        Trigger.CATCH_UP,
        queued_at=now,
        status=RunStatus.SKIPPED,
        reason=Reason.MISSED.value,
        missed=count,
        finished_at=now,
    )
    record.expire()
    return record


def insert(runs: Sequence[Run], using: str) -> set[uuid.UUID]:
    """Store the runs and return the ids of those that were really inserted.

    The unique (job, key, number) lets one row of an occurrence in; who comes second finds its
    id missing here and has nothing to dispatch.
    """
    if not runs:
        return set()
    rows = Run.objects.using(using)
    rows.bulk_create(runs, ignore_conflicts=True, batch_size=100)
    return set(rows.filter(pk__in=[run.pk for run in runs]).values_list("pk", flat=True))


def waiting_for_room() -> Q:
    """Match runs that wait until another run of their job has ended."""
    return Q(status=RunStatus.QUEUED.value, process__isnull=True, due_at__isnull=True)


def active_runs(using: str) -> QuerySet[Run]:
    """Return the runs that count for overlap.

    Besides open runs these are the given-up ones whose function has not returned although its
    process lives: a thread cannot be killed.
    """
    is_open = Q(status__in=[status.value for status in OPEN])
    waits = waiting_for_room() | not_in_the_way()
    return Run.objects.using(using).filter((is_open & ~waits) | still_inside(using))


def still_inside(using: str) -> Q:
    """Match given-up runs whose function has not returned although its process lives."""
    alive = Process.objects.using(using).filter(state__in=ALIVE).values("id")
    # One whose stop was asked for ends stopped, whatever it was given up for.
    given_up = Q(status__in=[RunStatus.TIMED_OUT, RunStatus.INTERRUPTED, RunStatus.STOPPED])
    return given_up & Q(left_at__isnull=True, started_at__isnull=False, process__in=alive)


@dataclass
class Activity:
    """How many runs of a job are active, how many wait for them, and how many would give way."""

    active: int = 0
    waiting: int = 0
    giving_way: int = 0


def activity(job_ids: Iterable[int], using: str) -> dict[int, Activity]:
    """Count the active and waiting runs of the jobs. Call it with their clocks locked."""
    found = {job_id: Activity() for job_id in job_ids}
    rows = Run.objects.using(using).order_by().filter(job_id__in=list(found))
    is_open = rows.filter(status__in=[status.value for status in OPEN])
    # Two questions: a database answers each by an index, and neither where they are joined by OR.
    counted = is_open.values_list("job_id").annotate(
        n=Count("pk", filter=~not_in_the_way()),
        waiting=Count("pk", filter=waiting_for_room()),
        giving_way=Count("pk", filter=that_give_way()),
    )
    for job_id, count, waiting, giving_way in counted:
        found[job_id] = Activity(count - waiting, waiting, giving_way)
    inside = rows.filter(still_inside(using)).values_list("job_id").annotate(n=Count("pk"))
    for job_id, count in inside:
        found[job_id].active += count
    return found
