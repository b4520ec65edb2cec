"""Histories of chaos as they could be, for those that test the checker."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from django_scheduler import every
from tests.concurrency.chaos.book import Book, Span
from tests.concurrency.chaos.checker import check
from tests.concurrency.chaos.history import Call, Fate, History, JobFacts, ProcessRow, Row

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def key(seconds: float) -> str:
    return at(seconds).isoformat().replace("+00:00", "Z")


def row(seconds: int, **fields: Any) -> Row:
    """A run of the occurrence at this second, which began and ended well."""
    values = {
        "id": f"run {seconds} {fields.get('number', 1)}",
        "job": "job",
        "key": key(seconds),
        "number": 1,
        "attempt": 1,
        "trigger": "schedule",
        "status": "succeeded",
        "reason": "",
        "missed": 0,
        "scheduled_for": at(seconds),
        "queued_at": at(seconds),
        "started_at": at(seconds + 0.01),
        "finished_at": at(seconds + 0.02),
    }
    return Row(**{**values, **fields})


def record(first: int, last: int, count: int) -> Row:
    return row(
        last,
        id=f"record {first} {last}",
        key=f"missed:{key(first)}/{key(last)}",
        status="skipped",
        missed=count,
        started_at=None,
    )


def skipped(seconds: int) -> Row:
    return row(seconds, status="skipped", reason="overlap", started_at=None)


def call(of: Row, **fields: Any) -> Call:
    """The call of a run, as a process noted it; its second is the monotonic one as well."""
    start = (of.scheduled_for - START).total_seconds() + 0.01
    values = {
        "process": "one",
        "run": of.id,
        "job": of.job,
        "key": of.key,
        "attempt": of.attempt,
        "start": start,
        "at": of.scheduled_for + 0.01 * SECOND,
        "end": start + 0.01,
        "outcome": "ok",
    }
    return Call(**{**values, **fields})


def book(until: float = 3.5) -> Book:
    """Every second, from the first one."""
    owed = Book()
    owed.open(every(seconds=1, starting=START), Span(START, START))
    owed.close(Span(at(until), at(until)))
    return owed


def history(*rows: Row, **fields: Any) -> History:
    """The history of one job that was due at the seconds 1, 2 and 3, and of one scheduler."""
    policy = {"overlap": "skip", "on_lost": "retry"}
    well = sum(each.status == "succeeded" for each in rows)
    job = JobFacts("job", book(), policy, "paused", success_count=well, failure_count=0)
    values = {
        "end": at(10),
        "jobs": [job],
        "rows": list(rows),
        "calls": [call(each) for each in rows if each.status == "succeeded"],
        "fates": {"one": Fate("one", 0.0, asked=9.0, ended=9.1, code=0)},
        "processes": [ProcessRow("1", "one", "stopped", at(9))],
    }
    return History(**{**values, **fields})


def with_job(told: History, **fields: Any) -> History:
    return replace(told, jobs=[replace(told.jobs[0], **fields)])


GOOD = history(row(1), row(2), row(3))


def kinds(told: History) -> set[str]:
    return {fault.kind for fault in check(told).faults}


def words(told: History) -> str:
    return "\n".join(str(fault) for fault in check(told).faults)


def lost_then(*, attempt: int = 2, **fields: Any) -> tuple[Row, Row]:
    """A run whose process died, and the next attempt."""
    first = row(2, status="lost", reason="worker_lost")
    later = {"queued_at": at(5), "started_at": at(5.1), "finished_at": at(5.2), **fields}
    return first, row(2, number=2, attempt=attempt, trigger="retry", **later)


def retried(**fields: Any) -> History:
    """The occurrence of the second 2 was called in a process that was killed, and once more."""
    first, second = lost_then(**fields)
    told = history(row(1), first, second, row(3))
    dead = call(first, process="dead", end=None, outcome="")
    again = call(second, start=5.1, end=5.2, at=at(5.1))
    calls = [dead, again, *(each for each in told.calls if each.key != key(2))]
    fate = Fate("dead", 0.0, killed=2.5, asked=2.5, ended=2.6, code=-9)
    return replace(told, calls=calls, fates={**told.fates, "dead": fate})
