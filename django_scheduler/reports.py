"""The one counter: every number that a page, a command or a metric shows is counted here.

It only reads. It must not know who asks, nor how a number is shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, Subquery

from . import conf
from .models import Job, Process, Run, uuid7
from .states import OPEN

__all__ = ["Outcome", "counts_by_status", "open_runs", "process_names", "recent_outcomes"]


@dataclass(frozen=True)
class Outcome:
    """What became of one run, as a chart needs it."""

    run_id: uuid.UUID
    status: str
    reason: str
    scheduled_for: datetime
    duration: timedelta | None


def _using() -> str:
    return conf.current().database


def recent_outcomes(job_ids: Iterable[int], each: int = 20) -> dict[int, list[Outcome]]:
    """Return the newest ``each`` runs of every job, oldest first, by job id.

    Two queries, however many jobs are asked about: where each job's newest runs begin, and these
    runs. A window function would be one, and would read every run of every job. A job without
    runs has an empty list.
    """
    found: dict[int, list[Outcome]] = {job_id: [] for job_id in job_ids}
    if not found:
        return found
    rows = (
        Run.objects.using(_using())
        .filter(_newest(list(found), each))
        .order_by("job_id", "id")
        .values_list("job_id", "id", "status", "reason", "scheduled_for", "duration")
    )
    for job_id, run_id, status, reason, scheduled_for, duration in rows:
        if job_id is not None:
            found[job_id].append(Outcome(run_id, status, reason, scheduled_for, duration))
    return found


def _newest(job_ids: list[int], each: int) -> Q:
    """Match the newest ``each`` runs of every job; ids sort by the instant a run was made."""
    of_job = Run.objects.filter(job_id=OuterRef("pk")).order_by("-id").values("pk")
    begins = Job.objects.using(_using()).filter(pk__in=job_ids)
    first = dict(
        begins.annotate(first=Subquery(of_job[each - 1 : each])).values_list("pk", "first")
    )
    matching = Q(job_id__in=[job_id for job_id in job_ids if first.get(job_id) is None])
    for job_id, run_id in first.items():
        if run_id is not None:
            matching |= Q(job_id=job_id, pk__gte=run_id)
    return matching


def counts_by_status(job: Job | None = None, since: datetime | None = None) -> dict[str, int]:
    """Return how many runs have each status; a status that none has is left out.

    Args:
        job: None: of all jobs.
        since: only runs made at or after this aware instant; None: all, which reads every run.
    """
    rows = Run.objects.using(_using()).all()
    if job is not None:
        rows = rows.filter(job_id=job.pk)
    if since is not None:
        # Ids sort by the instant a run was made, so the bound is a range of the primary key.
        rows = rows.filter(pk__gte=uuid.UUID(int=uuid7(since).int >> 80 << 80))
    return dict(rows.order_by().values_list("status").annotate(Count("pk")))


def open_runs(job: Job) -> int:
    """Return how many runs of the job are not over."""
    statuses = [status.value for status in OPEN]
    return Run.objects.using(_using()).filter(job_id=job.pk, status__in=statuses).count()


def process_names(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the names of those processes that still have a row, by id, in one query."""
    wanted = {process for process in ids if process is not None}
    if not wanted:
        return {}
    rows = Process.objects.using(_using()).filter(pk__in=wanted)
    return dict(rows.values_list("pk", "name"))
