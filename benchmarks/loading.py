"""Jobs by the million: one is made as people make them, the database copies its row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from django_scheduler import jobs
from django_scheduler.models import Job, JobClock, Process, Run

__all__ = ["clear", "load", "make_due", "utc_now"]

FAR = datetime(2100, 1, 1, tzinfo=timezone.utc)
PERIOD = timedelta(hours=24)
PORTION = 50_000

_SERIES = {
    "sqlite": (
        "(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last})"
        " SELECT n FROM s)"
    ),
    "postgresql": "(SELECT generate_series({first}, {last}) AS n)",
    "mysql": "(SELECT seq AS n FROM seq_{first}_to_{last})",
}
_LATER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {column}, s.n || ' seconds')",
    "postgresql": "{column} + s.n * interval '1 second'",
    "mysql": "{column} + INTERVAL s.n SECOND",
}
_NAME = {
    "sqlite": "'job-' || s.n",
    "postgresql": "'job-' || s.n",
    "mysql": "CONCAT('job-', s.n)",
}


def utc_now() -> datetime:
    """Return the machine's time, aware: the servers run on this machine too."""
    return datetime.now(timezone.utc)


def load(
    count: int, function: str = "benchmarks.noop", schedule: str = "@every 24h", **fields: Any
) -> list[int]:
    """Store ``count`` active jobs that are due far ahead, and return their ids."""
    job = jobs.add("template", function=function, schedule=schedule, **fields)
    JobClock.objects.update(next_run_at=FAR, next_occurrence=FAR, planned_until=FAR - PERIOD)
    first = job.pk + 1
    for begin in range(first, job.pk + count, PORTION):
        end = min(begin + PORTION, job.pk + count) - 1
        _copy(Job, job.pk, begin, end, {"id": "s.n", "name": _NAME[connection.vendor]})
        spread = {
            name: _LATER[connection.vendor].format(column=f"t.{name}")
            for name in ("next_run_at", "next_occurrence", "planned_until")
        }
        _copy(JobClock, job.pk, begin, end, {"job_id": "s.n", **spread})
    _settle(first + count)
    return list(range(job.pk, job.pk + count))


def _copy(model: type[Model], template: int, first: int, last: int, own: dict[str, str]) -> None:
    columns = [f.column for f in model._meta.concrete_fields if not getattr(f, "generated", False)]
    quoted = [connection.ops.quote_name(name) for name in columns]
    table = connection.ops.quote_name(model._meta.db_table)
    values = [own.get(name, f"t.{quote}") for name, quote in zip(columns, quoted, strict=True)]
    series = _SERIES[connection.vendor].format(first=first, last=last)
    key = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(quoted)}) SELECT {', '.join(values)}"
            f" FROM {table} t CROSS JOIN {series} s WHERE t.{key} = {template}"
        )


def _settle(following: int) -> None:
    """Leave the database as it is after some days: sequences right, statistics fresh."""
    table = Job._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {following})")
        for model in (Job, JobClock):
            name = model._meta.db_table
            cursor.execute(
                f"ANALYZE TABLE {name}" if connection.vendor == "mysql" else f"ANALYZE {name}"
            )
        if connection.vendor == "postgresql":
            cursor.execute("CHECKPOINT")


def make_due(ids: Iterable[int], at: datetime | None = None) -> datetime:
    """Make the jobs due at ``at`` (None: now), an instant their schedules do not have.

    It is a time chosen by hand, so that no job need be edited for it: one that fires again and
    again is the same job each time, and so are these.
    """
    when = at or utc_now()
    wanted = list(ids)
    with transaction.atomic():
        for begin in range(0, len(wanted), 500):
            _point(wanted[begin : begin + 500], when)
    return when


def _point(ids: list[int], when: datetime) -> None:
    JobClock.objects.filter(pk__in=ids).update(
        next_run_at=when, next_occurrence=when, planned_until=when - PERIOD, by_hand=True
    )


def clear() -> None:
    """Leave no job and no run, for the next measurement in the same database."""
    for model in (Run, JobClock, Job, Process):
        model.objects.all().delete()
