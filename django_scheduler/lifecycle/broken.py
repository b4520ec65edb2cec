"""Setting a job aside that cannot be planned. It is never deleted; the reason is shown."""

from __future__ import annotations

from ..models import Job
from ..signals import announce, job_broken
from ..states import JobState
from .clocks import stop_clock

__all__ = ["mark_broken"]


def mark_broken(job: Job, error: str, *, using: str) -> None:
    """Mark an active job ``broken`` with ``error`` and take it off the schedule."""
    rows = Job.objects.using(using).filter(pk=job.pk, state=JobState.ACTIVE.value)
    if rows.update(state=JobState.BROKEN.value, error=error):
        stop_clock(job.pk, using=using)
        job.state, job.error = JobState.BROKEN.value, error
        announce(job_broken, using=using, sender=Job, job=job, error=error)
