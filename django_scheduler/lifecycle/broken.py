"""Setting a job aside that cannot be planned. It is never deleted; the reason is shown."""

from __future__ import annotations

from datetime import datetime

from ..exceptions import SchedulerError
from ..models import Job, JobClock
from ..models.vendors import locked
from ..signals import announce, job_broken
from ..states import JobState
from .clocks import replan, stop_clock

__all__ = ["mark_broken", "skip_overdue"]


def mark_broken(job: Job, error: str, *, using: str) -> None:
    """Mark an active job ``broken`` with ``error`` and take it off the schedule."""
    rows = Job.objects.using(using).filter(pk=job.pk, state=JobState.ACTIVE.value)
    if rows.update(state=JobState.BROKEN.value, error=error):
        stop_clock(job.pk, using=using)
        job.state, job.error = JobState.BROKEN.value, error
        announce(job_broken, using=using, sender=Job, job=job, error=error)


def skip_overdue(now: datetime, *, using: str) -> None:
    """Move every overdue job strictly past ``now`` without a run; set aside what cannot be read."""
    overdue = JobClock.objects.using(using).filter(next_run_at__lte=now).order_by("job_id")
    for clock in locked(overdue):
        try:
            replan(clock.job, clock, after=now, using=using)
        except SchedulerError as error:
            mark_broken(clock.job, str(error), using=using)
