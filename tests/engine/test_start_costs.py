"""A start costs the same whatever the number of jobs (P8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import job as declare
from django_scheduler import jobs, registry
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler
from django_scheduler.engine.sync import sync
from django_scheduler.models import Duty, Job, JobClock

MOST_QUERIES = 12


def _queries_of_a_start(clock: Any) -> list[str]:
    """Return all of them, those of the first turn and of its maintenance included."""
    Duty.objects.update(begun_at=None)  # as after a night in which nobody ran
    scheduler = Scheduler(clock=clock, executors={})
    with CaptureQueriesContext(connection) as seen:
        scheduler.tick()
    scheduler.close(timedelta(0))
    return [query["sql"] for query in seen.captured_queries]


@pytest.fixture
def declared(scheduler_clock: Any, db: None) -> Iterator[Any]:
    """Declare a number of jobs and carry them into rows."""
    names: list[str] = []

    def declared(number: int) -> None:
        for _ in range(number):
            name = f"declared{len(names)}"
            declare(name, schedule="@daily", tags=["many"])(lambda: None)
            names.append(name)
        sync("default", scheduler_clock)

    yield declared
    for name in names:
        registry.unregister(name)


def _add_in_bulk(number: int, now: Any) -> None:
    rows = Job.objects.bulk_create(
        Job(
            name=f"bulk{each}",
            function="recorder",
            schedule="@daily",
            planned_spec="UTC @daily",
            created_at=now,
            updated_at=now,
            anchor=now,
        )
        for each in range(number)
    )
    JobClock.objects.bulk_create(
        JobClock(job=row, planned_spec="UTC @daily", planned_until=now) for row in rows
    )


def test_a_start_makes_a_dozen_queries_at_most(scheduler_clock, recorder, db):
    jobs.add("one", function="recorder", schedule="@daily")
    _queries_of_a_start(SystemClock())
    queries = _queries_of_a_start(SystemClock())  # this one asks the database for the time
    assert 0 < len(queries) <= MOST_QUERIES, queries


def test_a_start_makes_as_many_queries_with_a_thousand_jobs(scheduler_clock, recorder, db):
    jobs.add("one", function="recorder", schedule="@daily")
    _queries_of_a_start(scheduler_clock)
    few = len(_queries_of_a_start(scheduler_clock))
    _add_in_bulk(1000, scheduler_clock.now())
    many = _queries_of_a_start(scheduler_clock)
    assert len(many) == few, many


def test_a_start_makes_as_many_queries_with_many_declared_jobs(scheduler_clock, declared):
    declared(3)
    _queries_of_a_start(scheduler_clock)
    few = len(_queries_of_a_start(scheduler_clock))
    declared(200)
    many = _queries_of_a_start(scheduler_clock)
    assert len(many) == few, many
