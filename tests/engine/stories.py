"""Short ways to make a job of the recorder and to tell what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from django_scheduler import every, jobs
from django_scheduler.models import Run

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def add(name="job", schedule=None, **fields):
    return jobs.add(name, function="recorder", schedule=schedule or every(minutes=1), **fields)


def lasting(name="job", schedule=None, *, minutes=0, metadata=None, **fields):
    """Add a job whose runs take so many minutes on the `stage`."""
    said = {"minutes": minutes, **(metadata or {})}
    schedule = schedule or every(minutes=10)
    return jobs.add(name, function="lasting", schedule=schedule, metadata=said, **fields)


def timeline(name="job"):
    """Return (due, status or reason, start, end) of the job's runs, in minutes, by occurrence."""
    found = Run.objects.filter(job_name=name).order_by("scheduled_for", "number")
    return [
        (minutes(r.scheduled_for), r.reason or r.status, minutes(r.started_at), _left(r))
        for r in found
    ]


def _left(run):
    """When its function returned; None if it never began, or is still inside."""
    return minutes(run.left_at) if run.started_at else None


def minutes(instant):
    """Return how many minutes after the start the instant is."""
    return None if instant is None else (instant - START) / MINUTE


def story(name="job"):
    """Return (minutes after the start, status, reason) of the job's runs, oldest first."""
    found = Run.objects.filter(job_name=name).order_by("scheduled_for", "number")
    return [((r.scheduled_for - START) / MINUTE, r.status, r.reason) for r in found]
