"""Rows that want to be looked at are found at once; what should never happen, in time (J5, I11)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import jobs
from django_scheduler.engine import mending
from django_scheduler.engine.maintenance import Maintenance
from django_scheduler.engine.share import Share
from django_scheduler.models import Job, JobClock

DAY = timedelta(days=1)


@pytest.fixture
def mend(scheduler_clock: Any, recorder: Any, db: None, monkeypatch: Any) -> Any:
    """Make one round of a reconciler that goes through two rows a round."""
    monkeypatch.setattr(mending, "SLICE", 2)
    maintenance = Maintenance(scheduler_clock, {}, Share(), "default", lambda: 0.0)
    return lambda: maintenance.reconcile(uuid.uuid4(), ())


@pytest.fixture
def ten(mend: Any) -> list[Job]:
    """Ten jobs that are planned, in the order of their keys."""
    return [
        jobs.add(f"job{number}", function="recorder", schedule="@daily") for number in range(10)
    ]


def _by_orm(job: Job) -> None:
    job.schedule = "@hourly"
    job.save()


def _in_bulk(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(schedule="@hourly")


def _in_sql(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_scheduler_job SET schedule = '@hourly' WHERE id = %s", [job.pk]
        )


@pytest.mark.parametrize("edit", [_by_orm, _in_bulk, _in_sql])
def test_an_edit_past_the_facade_is_seen_in_one_round_among_any_number(
    ten, mend, edit, scheduler_clock
):
    """J5"""
    edit(ten[-1])
    mend()
    assert jobs.get("job9").next_run_at - scheduler_clock.now() <= timedelta(hours=1)
    assert not Job.objects.filter(attention__isnull=False).exists()


def test_a_window_edited_in_bulk_is_seen_in_one_round(ten, mend, scheduler_clock):
    later = scheduler_clock.now() + 5 * DAY
    Job.objects.filter(name__in=["job8", "job9"]).update(start_at=later)
    mend()
    assert {jobs.get(name).next_run_at >= later for name in ("job8", "job9")} == {True}
    assert not Job.objects.filter(attention__isnull=False).exists()


def test_a_row_made_past_the_facade_gets_its_clock_in_one_round(ten, mend):
    Job.objects.create(name="new", function="recorder", schedule="@daily")
    mend()
    assert jobs.get("new").next_run_at is not None


def test_a_row_that_cannot_be_planned_is_set_aside_once(ten, mend):
    Job.objects.create(name="bad", function="recorder", schedule="every now and then")
    mend()
    assert jobs.get("bad").state == "broken"
    assert not Job.objects.filter(attention__isnull=False).exists()


def test_a_row_that_makes_anything_go_wrong_holds_up_no_other(ten, mend, monkeypatch):
    planned = mending.lifecycle.replan_edited

    def stumble(job: Job, *args: Any, **options: Any) -> None:
        if job.name == "job0":
            raise OverflowError("too far")
        planned(job, *args, **options)

    monkeypatch.setattr(mending.lifecycle, "replan_edited", stumble)
    Job.objects.filter(name__in=["job0", "job9"]).update(schedule="@hourly")
    mend()
    assert (jobs.get("job0").state, jobs.get("job0").error) == (
        "broken",
        "It cannot be planned: too far",
    )
    assert JobClock.objects.get(job=ten[9]).planned_spec == "UTC @hourly"


def test_a_pause_that_is_over_ends_in_one_round(ten, mend, scheduler_clock):
    jobs.pause("job9", until=scheduler_clock.now() + DAY / 2)
    mend()
    assert jobs.get("job9").state == "paused"
    scheduler_clock.advance(DAY / 2)
    mend()
    assert jobs.get("job9").state == "active"


def test_a_clock_that_was_deleted_is_found_by_going_through_all_rows(ten, mend):
    """I11"""
    JobClock.objects.filter(job=ten[-1]).delete()
    for _ in range(5):
        mend()
    assert jobs.get("job9").next_run_at is not None


def test_a_clock_that_was_changed_by_hand_is_found_by_going_through_all_rows(ten, mend):
    JobClock.objects.filter(job=ten[-1]).update(planned_spec="UTC @yearly")
    for _ in range(5):
        mend()
    assert JobClock.objects.get(job=ten[-1]).planned_spec == "UTC @daily"


def test_a_clock_that_stands_is_found_among_those_that_may(ten, mend):
    """I11"""
    for number in range(6):
        jobs.unschedule(f"job{number}")
    JobClock.objects.filter(job=ten[-1]).update(next_run_at=None, next_occurrence=None)
    for _ in range(4):
        mend()
    assert jobs.get("job9").next_run_at is not None
    assert jobs.get("job0").next_run_at is None


def test_going_through_begins_anew_after_the_last_row(ten, mend):
    for _ in range(7):
        mend()
    JobClock.objects.filter(job=ten[0]).delete()
    for _ in range(6):
        mend()
    assert jobs.get("job0").next_run_at is not None


def test_what_people_do_leaves_nothing_to_look_at(ten, scheduler_clock):
    jobs.update("job0", schedule="@hourly")
    jobs.update("job1", start_at=scheduler_clock.now() + DAY)
    jobs.update("job2", description="changes no timing")
    jobs.pause("job3")
    jobs.pause("job4")
    jobs.resume("job4")
    jobs.run_within("job5", 5)
    jobs.skip_next("job6")
    jobs.trigger("job7")
    jobs.unschedule("job8")
    jobs.add("next", function="recorder", schedule="@daily", next_run_in=5)
    assert not Job.objects.filter(attention__isnull=False).exists()


def test_a_round_makes_as_many_queries_with_a_hundred_jobs_as_with_ten(ten, mend):
    mend()
    with CaptureQueriesContext(connection) as before:
        mend()
    for number in range(90):
        jobs.add(f"more{number}", function="recorder", schedule="@daily")
    with CaptureQueriesContext(connection) as after:
        mend()
    assert len(before) == len(after)
