"""How soon a running scheduler follows one edit, made by the facade or in SQL."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta

from django.db import connection

from django_scheduler import jobs
from django_scheduler.models import Job, Run

from ..figures import Figure, percentile
from ..loading import utc_now
from ..processes import scheduler
from .place import Place

__all__ = ["measure"]

EACH_SECOND = "* * * * * *"
PATIENCE = 60.0


def measure(place: Place) -> list[Figure]:
    """One job, due in 2100, is edited to be due each second while the scheduler sleeps.

    The figure is how late the first run comes after the first second that follows the commit:
    zero is what cannot be done better.
    """
    times = place.pick(1, 3, 6)
    found = []
    with scheduler(place.folder):
        time.sleep(2.0)
        for begin, (name, edit) in enumerate((("facade", _by_facade), ("SQL", _by_sql))):
            first = (begin + 1) * place.size // 3
            late = [_once(edit, first + number) for number in range(times)]
            found.append(
                Figure(
                    "edits", f"one edit of {place.size:,} jobs by {name}", place.kind,
                    percentile(late, 0.5), "s",
                    note=f"until it runs by the new schedule; longest of {times}:"
                    f" {max(late):.2f} s",
                    series={"ours": late},
                )
            )  # fmt: skip
    return found


def _once(edit, number: int) -> float:
    job = Job.objects.order_by("pk")[number]
    edit(job, EACH_SECOND)
    following = _next_second(utc_now())
    try:
        return (_first_start(job) - following).total_seconds()
    finally:
        jobs.update(job.name, schedule="@every 24h")
        time.sleep(0.7)


def _by_facade(job: Job, schedule: str) -> None:
    jobs.update(job.name, schedule=schedule)


def _by_sql(job: Job, schedule: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Job._meta.db_table} SET schedule = %s WHERE id = %s", [schedule, job.pk]
        )


def _next_second(now: datetime) -> datetime:
    return now.replace(microsecond=0) + timedelta(seconds=math.ceil(now.microsecond / 1e6))


def _first_start(job: Job) -> datetime:
    runs = Run.objects.filter(job=job, started_at__isnull=False).order_by("id")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        first = runs.values_list("started_at", flat=True).first()
        if first is not None:
            return first
        time.sleep(0.05)
    raise TimeoutError(f"the edit was not followed within {PATIENCE:.0f} s")
