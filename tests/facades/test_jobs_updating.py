"""``jobs.update``: what moves the next run, what does not, and who is told of whom."""

from __future__ import annotations

import pytest

from django_scheduler import every, jobs
from django_scheduler.exceptions import (
    InvalidArguments,
    InvalidJob,
    InvalidRunState,
    InvalidSchedule,
    JobNotFound,
)
from django_scheduler.models import Job, JobClock
from tests.facades.fixed import HOUR, MINUTE, NOW, make_row

pytestmark = pytest.mark.django_db


def stored(name):
    """Every column of a job and of its clock."""
    return (
        Job.objects.filter(name=name).values().get(),
        JobClock.objects.filter(job__name=name).values().get(),
    )


def test_change_that_is_not_about_timing_does_not_move_the_next_run(clock):
    """J5"""
    jobs.add("plain", schedule=every(hours=1))
    jobs.run_within("plain", 600)
    clock.advance(5 * MINUTE)
    job = jobs.update("plain", description="new", priority=7, metadata={"a": 1}, timeout=30)
    assert job.next_run_at == NOW + 10 * MINUTE
    assert (job.description, job.priority, job.metadata) == ("new", 7, {"a": 1})


def test_same_schedule_again_does_not_move_the_next_run(clock):
    """J3"""
    jobs.add("plain", schedule="@every 1h", next_run_in=60)
    clock.advance(10 * MINUTE)
    job = jobs.update("plain", schedule="@every 1h")
    assert (job.next_run_at, job.version) == (NOW + MINUTE, 1)


def test_changed_schedule_runs_next_strictly_after_now(clock):
    """J5"""
    jobs.add("plain", schedule="0 9 * * *")
    clock.advance(HOUR)
    job = jobs.update("plain", schedule="0 * * * *")
    assert clock.instant == NOW + HOUR
    assert job.next_run_at == NOW + 2 * HOUR


def test_changed_zone_moves_the_next_run():
    jobs.add("plain", schedule="0 15 * * *", timezone="UTC")
    assert jobs.update("plain", timezone="Asia/Tokyo").next_run_at == NOW.replace(hour=6).replace(
        day=3
    )


def test_update_keeps_history_counters_and_creation(clock):
    """J5"""
    before = jobs.add("plain", schedule="@hourly")
    make_row(before, "succeeded")
    Job.objects.update(success_count=4, last_status="succeeded")
    clock.advance(HOUR / 2)
    job = jobs.update("plain", schedule="@daily")
    assert (job.created_at, job.success_count, job.last_status) == (NOW, 4, "succeeded")
    assert job.updated_at == NOW + HOUR / 2
    assert job.runs.count() == 1


def test_every_change_raises_the_version():
    jobs.add("plain")
    assert jobs.update("plain", priority=1).version == 2
    assert jobs.update("plain", priority=2).version == 3


def test_second_editor_is_told_and_overwrites_nothing():
    seen = jobs.add("plain").version
    jobs.update("plain", description="first", expected_version=seen)
    with pytest.raises(InvalidRunState) as raised:
        jobs.update("plain", description="second", expected_version=seen)
    assert raised.value.field == "version"
    assert jobs.get("plain").description == "first"


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"schedule": "61 * * * *"}, InvalidSchedule, "schedule"),
        ({"timezone": "Mars/Olympus"}, InvalidSchedule, "timezone"),
        ({"priority": "high"}, InvalidJob, "priority"),
        ({"args": [1, 2, 3]}, InvalidArguments, "args"),
        ({"colour": "red"}, InvalidJob, "colour"),
        ({"overlap": "maybe"}, InvalidJob, "overlap"),
    ],
)
def test_failed_update_changes_nothing(fields, error, field):
    """J5"""
    jobs.add("report", schedule="@hourly", tags=["kept"])
    before = stored("report")
    with pytest.raises(error) as raised:
        jobs.update("report", description="half", tags=["lost"], **fields)
    assert raised.value.field == field
    assert stored("report") == before
    assert [tag.name for tag in jobs.get("report").tags.all()] == ["kept"]


def test_job_whose_function_is_unknown_here_can_still_be_edited():
    """T9: another version of the code may own the function."""
    jobs.add("plain", schedule="@hourly")
    Job.objects.update(function="elsewhere.work")
    assert jobs.update("plain", schedule="@daily").function == "elsewhere.work"


def test_tags_can_be_replaced_alone():
    jobs.add("plain", tags=["old"])
    assert [tag.name for tag in jobs.update("plain", tags=["new"]).tags.all()] == ["new"]


def test_ended_job_is_active_again_with_a_new_schedule():
    jobs.add("plain", schedule="@hourly", end_at=NOW + 2 * HOUR)
    Job.objects.update(state="ended")
    job = jobs.update("plain", end_at=None)
    assert (job.state, job.next_run_at) == ("active", NOW + HOUR)


def test_broken_job_is_mended_by_its_schedule():
    """T10"""
    jobs.add("plain", schedule="@hourly")
    Job.objects.update(state="broken", error="vanished", schedule="nonsense")
    JobClock.objects.update(next_run_at=None)
    job = jobs.update("plain", schedule="@hourly")
    assert (job.state, job.error, job.next_run_at) == ("active", "", NOW + HOUR)


def test_window_that_is_over_ends_the_job():
    """S8"""
    jobs.add("plain", schedule="@hourly")
    job = jobs.update("plain", end_at=NOW + MINUTE)
    assert (job.state, job.next_run_at) == ("ended", None)


def test_edit_of_a_paused_job_leaves_it_paused():
    jobs.add("plain", schedule="@hourly")
    jobs.pause("plain")
    job = jobs.update("plain", schedule="@daily")
    assert (job.state, job.next_run_at) == ("paused", None)


def test_update_of_nobody_is_job_not_found():
    with pytest.raises(JobNotFound):
        jobs.update("nobody", priority=1)


@pytest.mark.parametrize("field", ["state", "next_run_at", "success_count", "declared"])
def test_what_is_not_an_editors_is_refused(field):
    jobs.add("plain")
    before = stored("plain")
    with pytest.raises(InvalidJob) as raised:
        jobs.update("plain", **{field: "ended"})
    assert raised.value.field == field
    assert stored("plain") == before
