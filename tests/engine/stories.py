"""Short ways to make a job of the recorder and to tell what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from django_scheduler import every, jobs
from django_scheduler.models import Run

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def add(name="job", schedule=None, **fields):
    return jobs.add(name, function="recorder", schedule=schedule or every(minutes=1), **fields)


def story(name="job"):
    """Return (minutes after the start, status, reason) of the job's runs, oldest first."""
    found = Run.objects.filter(job_name=name).order_by("scheduled_for", "number")
    return [((r.scheduled_for - START) / MINUTE, r.status, r.reason) for r in found]
