"""``jobs.add``, ``schedule``, ``unschedule``, ``get``, ``all``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs, once
from django_scheduler.exceptions import InvalidJob, InvalidSchedule, JobAlreadyExists, JobNotFound
from django_scheduler.models import Job, JobClock, Run, Tag
from django_scheduler.signals import job_added, job_changed
from tests.facades.fixed import DAY, HOUR, MINUTE, NOW, SECOND, make_row, report

pytestmark = pytest.mark.django_db


def test_added_job_is_returned_as_stored_and_planned():
    """J4"""
    job = jobs.add("daily", "report", "0 9 * * *", timezone="Europe/Paris", args=["north"])
    stored = Job.objects.get(name="daily")
    assert (job.pk, job.function, job.schedule, job.timezone) == (
        stored.pk,
        "report",
        "0 9 * * *",
        "Europe/Paris",
    )
    assert (stored.args, stored.state, stored.version) == (["north"], "active", 1)
    assert stored.created_at == stored.anchor == NOW
    assert job.next_run_at == NOW.replace(hour=8) + DAY


def test_job_without_a_function_calls_the_one_of_its_own_name():
    assert jobs.add("plain").function == "plain"


def test_registered_function_itself_can_be_given():
    assert jobs.add("daily", report).function == "report"


def test_function_that_is_not_registered_is_refused_as_an_object():
    with pytest.raises(InvalidJob) as raised:
        jobs.add("daily", lambda: None)
    assert raised.value.field == "function"
    assert not Job.objects.exists()


def test_job_without_a_schedule_only_runs_when_triggered():
    """J2"""
    job = jobs.add("plain")
    assert (job.schedule, job.state, job.next_run_at) == ("@manual", "active", None)


def test_schedule_value_brings_its_zone():
    """S11"""
    assert jobs.add("plain", schedule=cron("0 9 * * *", timezone="Asia/Tokyo")).timezone == (
        "Asia/Tokyo"
    )


def test_zone_of_the_project_is_copied_when_none_is_given(settings):
    """S11"""
    settings.TIME_ZONE = "America/Lima"
    assert jobs.add("plain", schedule="0 9 * * *").timezone == "America/Lima"


def test_next_run_in_moves_the_first_run_only():
    """J9"""
    job = jobs.add("plain", schedule=every(hours=6), next_run_in=timedelta(minutes=2))
    assert job.next_run_at == NOW + 2 * MINUTE
    assert job.parsed_schedule().next_after(NOW) == NOW + 6 * HOUR


def test_instant_already_past_is_owed_once():
    """S7"""
    assert jobs.add("plain", schedule=once(NOW - HOUR)).next_run_at == NOW - HOUR


def test_second_job_of_a_name_is_refused_and_changes_nothing():
    """J4"""
    jobs.add("plain", schedule="@hourly")
    with pytest.raises(JobAlreadyExists) as raised:
        jobs.add("plain", "report", "@daily")
    assert raised.value.field == "name"
    assert "jobs.update()" in str(raised.value)
    assert list(Job.objects.values_list("function", "schedule")) == [("plain", "@hourly")]


def test_metadata_is_copied_not_shared():
    """J8"""
    given = {"owner": {"name": "ann"}}
    job = jobs.add("plain", metadata=given)
    run = jobs.trigger("plain")
    given["owner"]["name"] = "bob"
    run.metadata["owner"]["name"] = "cid"
    assert jobs.get("plain").metadata == {"owner": {"name": "ann"}}
    assert job.metadata == {"owner": {"name": "ann"}}
    assert Run.objects.get().metadata == {"owner": {"name": "ann"}}


def test_tags_are_a_table_and_find_jobs():
    """J7"""
    jobs.add("plain", tags=["night", "money", "night"])
    jobs.add("report", tags="money")
    assert [job.name for job in jobs.all(tag="money")] == ["plain", "report"]
    assert [job.name for job in jobs.all(tag="night")] == ["plain"]
    assert list(jobs.all(tag="none")) == []
    assert set(Tag.objects.values_list("name", flat=True)) == {"money", "night"}


def test_jobs_are_found_by_state_and_function():
    """J7"""
    jobs.add("a", "plain")
    jobs.add("b", "report")
    jobs.pause("b")
    assert [job.name for job in jobs.all()] == ["a", "b"]
    assert [job.name for job in jobs.all(state="paused")] == ["b"]
    assert [job.name for job in jobs.all(function="plain")] == ["a"]


def test_unknown_state_is_refused():
    with pytest.raises(InvalidJob) as raised:
        jobs.all(state="sleeping")
    assert raised.value.field == "state"


@pytest.mark.parametrize(
    ("name", "error"), [("nobody", JobNotFound), ("", InvalidJob), (" x", InvalidJob)]
)
def test_get_tells_unknown_names_from_impossible_ones(name, error):
    """J7"""
    with pytest.raises(error) as raised:
        jobs.get(name)
    assert raised.value.field == "name"


def test_schedule_adds_a_job_for_the_function_of_that_name():
    """J4"""
    job = jobs.schedule("plain", every(minutes=10))
    assert (job.function, job.schedule) == ("plain", "@every 10m")


def test_schedule_replaces_the_schedule_and_keeps_everything_else():
    """J4, J5"""
    jobs.add("daily", "report", "@daily", metadata={"owner": "ann"}, priority=3)
    job = jobs.schedule("daily", "@hourly")
    assert (job.schedule, job.function, job.metadata, job.priority) == (
        str(job.parsed_schedule()),
        "report",
        {"owner": "ann"},
        3,
    )
    assert job.next_run_at == NOW + HOUR
    assert Job.objects.count() == 1


def test_unschedule_keeps_function_and_history(clock):
    """J4"""
    job = jobs.add("plain", schedule="@hourly")
    make_row(job, "succeeded")
    job = jobs.unschedule("plain")
    assert (job.schedule, job.state, job.function) == ("@manual", "active", "plain")
    assert job.next_run_at is None
    assert job.runs.count() == 1


def test_adding_and_changing_are_told_after_commit(django_capture_on_commit_callbacks):
    """H3"""
    seen = []

    def added(job, **_kwargs):
        seen.append(("added", job.name))

    def changed(job, **_kwargs):
        seen.append(("changed", job.name))

    job_added.connect(added)
    job_changed.connect(changed)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            jobs.add("plain")
            assert seen == []
        with django_capture_on_commit_callbacks(execute=True):
            jobs.update("plain", priority=1)
    finally:
        job_added.disconnect(added)
        job_changed.disconnect(changed)
    assert seen == [("added", "plain"), ("changed", "plain")]


def test_every_job_has_one_clock():
    job = jobs.add("plain", schedule="@hourly")
    assert JobClock.objects.get().job_id == job.pk


@pytest.mark.parametrize("schedule", [5, timedelta(minutes=5), object()])
def test_what_is_no_schedule_is_refused_with_a_hint(schedule):
    with pytest.raises(InvalidSchedule, match=r"every\(minutes=5\)") as caught:
        jobs.add("plain", schedule=schedule)
    assert caught.value.field == "schedule"
    assert not Job.objects.exists()


def test_a_job_with_no_occurrence_ahead_is_ended_from_the_start():
    """S8"""
    job = jobs.add("plain", schedule="@hourly", end_at=NOW + MINUTE)
    assert (job.state, job.next_run_at) == ("ended", None)
    soon = jobs.add("soon", "plain", "@hourly", end_at=NOW + MINUTE, next_run_in=30)
    assert (soon.state, soon.next_run_at) == ("active", NOW + 30 * SECOND)
