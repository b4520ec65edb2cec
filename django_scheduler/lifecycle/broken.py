"""Setting a job aside that cannot be planned. It is never deleted; the reason is shown."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from ..exceptions import SchedulerError
from ..models import Job, JobClock
from ..models.vendors import locked
from ..signals import announce, job_broken
from ..states import JobState
from .clocks import replan, stop_clock
from .passing import record_passed_over

__all__ = ["mark_broken", "skip_overdue"]

_BATCH = 500


def mark_broken(job: Job, error: str, *, using: str) -> None:
    """Mark an active job ``broken`` with ``error`` and take it off the schedule."""
    rows = Job.objects.using(using).filter(pk=job.pk, state=JobState.ACTIVE.value)
    if rows.update(state=JobState.BROKEN.value, error=error):
        stop_clock(job.pk, using=using)
        job.state, job.error = JobState.BROKEN.value, error
        announce(job_broken, using=using, sender=Job, job=job, error=error)


def skip_overdue(now: datetime, *, paused_at: datetime, using: str) -> bool:
    """Move some overdue jobs strictly past ``now`` without a run; return whether there were any.

    What was due by ``paused_at`` is recorded as missed; the time of the pause is not. A job that
    cannot be planned is set aside.
    """
    # Those without a next run may wait for a run to end before they go on catching up.
    waiting = Q(next_run_at__isnull=True, planned_until__lt=now, job__state=JobState.ACTIVE.value)
    overdue = JobClock.objects.using(using).filter(Q(next_run_at__lte=now) | waiting)
    clocks = list(locked(overdue.order_by("job_id")[:_BATCH]))
    for clock in clocks:
        try:
            record_passed_over(clock.job, clock, until=paused_at, now=now, using=using)
            _move_past(clock, now, using)
        except SchedulerError as error:
            mark_broken(clock.job, str(error), using=using)
    return bool(clocks)


def _move_past(clock: JobClock, now: datetime, using: str) -> None:
    if clock.next_run_at is None:
        clock.planned_until = now
        clock.save(using=using, update_fields=["planned_until"])
    else:
        replan(clock.job, clock, after=now, using=using)
