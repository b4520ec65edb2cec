"""How far a process looks: what others have due later is nothing to it (P5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import jobs
from django_scheduler.engine.edges import OVERDUE, Edges
from django_scheduler.engine.share import Share
from django_scheduler.models import JobClock
from django_scheduler.testing import ManualClock
from tests.facades.fixed import HOUR, NOW, SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def due(after: timedelta, **fields: object) -> None:
    job = jobs.add(f"in {after}", function="recorder", schedule="@daily", **fields)
    JobClock.objects.filter(job=job).update(next_run_at=NOW + after)


def look(edges: Edges, *, full: bool = False):
    return edges.look(["asyncio"] if full else ["default", "asyncio"], []).job_at


def test_it_sees_as_far_as_it_reaches_and_further_as_time_passes(clock, recorder):
    due(HOUR)
    edges = Edges(Share(), clock, "default", 2 * SECOND)
    assert look(edges) is None
    clock.advance(HOUR - 3 * SECOND)
    assert look(edges) is None
    clock.advance(SECOND)
    assert look(edges) == NOW + HOUR


def test_what_a_full_executor_has_due_is_seen_once_it_is_overdue(clock, recorder):
    due(SECOND)
    due(2 * SECOND, executor="asyncio")
    edges = Edges(Share(), clock, "default", 5 * SECOND)
    assert look(edges, full=True) == NOW + 2 * SECOND
    JobClock.objects.filter(job__executor="asyncio").update(next_run_at=None)
    assert look(edges, full=True) == NOW + SECOND + OVERDUE


def test_jobs_of_other_queues_are_not_walked_through(clock, recorder, django_assert_num_queries):
    """The rows before the one it may take, if it looked at all times, would be all there are."""
    due(HOUR, queue="theirs")
    due(2 * HOUR, queue="mine")
    edges = Edges(Share(["mine"]), clock, "default", SECOND)
    with django_assert_num_queries(1) as asked:
        assert look(edges) is None
    until = NOW + SECOND
    assert until.strftime("%Y-%m-%d %H:%M:%S") in asked.captured_queries[0]["sql"]
