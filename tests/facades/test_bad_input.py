"""Bad input: a typed error, or a form's error, at the field it is about; nothing is written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from django_scheduler import every, jobs
from django_scheduler.exceptions import (
    FunctionNotRegistered,
    InvalidArguments,
    InvalidCron,
    InvalidData,
    InvalidInterval,
    InvalidJob,
    InvalidSchedule,
    InvalidTimezone,
    InvalidWindow,
    JobAlreadyExists,
    SchedulerError,
    UnsatisfiableSchedule,
)
from django_scheduler.models import Job, JobClock, Tag
from tests.facades.fixed import HOUR, NOW

pytestmark = pytest.mark.django_db

NAIVE = datetime(2026, 3, 2, 12, 0)  # noqa: DTZ001 - the bad input itself

BAD_FOR_ALL = [
    ("name", {"name": ""}, InvalidJob),
    ("name", {"name": "two\nlines"}, InvalidJob),
    ("name", {"name": "n" * 201}, InvalidJob),
    ("function", {"function": "nobody.knows"}, FunctionNotRegistered),
    ("function", {"function": "command:flush"}, InvalidJob),
    ("schedule", {"schedule": "* * * *"}, InvalidCron),
    ("schedule", {"schedule": "61 * * * *"}, InvalidCron),
    ("schedule", {"schedule": "tomorrow"}, InvalidSchedule),
    ("schedule", {"schedule": "@sometimes"}, InvalidSchedule),
    ("schedule", {"schedule": "@every 0s"}, InvalidInterval),
    ("schedule", {"schedule": "@every -5m"}, InvalidInterval),
    ("schedule", {"schedule": "0 0 30 2 *"}, UnsatisfiableSchedule),
    ("schedule", {"schedule": "@at 2026-12-01T09:00:00"}, InvalidSchedule),
    ("timezone", {"timezone": "Mars/Olympus"}, InvalidTimezone),
    ("end_at", {"start_at": NOW, "end_at": NOW - HOUR}, InvalidWindow),
    ("end_at", {"start_at": NOW, "end_at": NOW}, InvalidWindow),
    ("args", {"args": ["a", "b"]}, InvalidArguments),
    ("kwargs", {"kwargs": {"colour": "red"}}, InvalidArguments),
    ("args", {"args": [object()]}, InvalidArguments),
    ("kwargs", {"kwargs": {"day": timedelta(1)}}, InvalidArguments),
    ("metadata", {"metadata": {"a": object()}}, InvalidData),
    ("metadata", {"metadata": {"a": float("nan")}}, InvalidData),
    ("metadata", {"metadata": ["no", "dict"]}, InvalidData),
    ("retry", {"retry": {"max_attempts": 0}}, InvalidJob),
    ("retry", {"retry": {"colour": "red"}}, InvalidJob),
    ("timeout", {"timeout": timedelta(seconds=-1)}, InvalidJob),
    ("timeout", {"timeout": timedelta(0)}, InvalidJob),
    ("overlap", {"overlap": "maybe"}, InvalidJob),
    ("overlap", {"overlap": "allow", "schedule": "@every 5m after finish"}, InvalidJob),
    ("catch_up", {"catch_up": "some"}, InvalidJob),
    ("on_lost", {"on_lost": "shrug"}, InvalidJob),
    ("max_running", {"max_running": 0}, InvalidJob),
    ("buffer_limit", {"buffer_limit": 0}, InvalidJob),
    ("priority", {"priority": "high"}, InvalidJob),
    ("executor", {"executor": "moon"}, InvalidJob),
]
"""(field at fault, fields given, the facade's error)"""

BAD_FOR_THE_FACADE = [
    ("start_at", {"start_at": NAIVE}, InvalidJob),
    ("end_at", {"end_at": "tomorrow"}, InvalidJob),
    ("tags", {"tags": [""]}, InvalidJob),
    ("tags", {"tags": 5}, InvalidJob),
    ("name", {"name": None}, InvalidJob),
    ("retry", {"retry": "often"}, InvalidJob),
    ("timeout", {"timeout": "soon"}, InvalidJob),
    ("run_on_start", {"run_on_start": "yes"}, InvalidJob),
    ("next_run_in", {"next_run_in": -5}, InvalidJob),
    ("colour", {"colour": "red"}, InvalidJob),
    ("description", {"description": None}, InvalidJob),
]


def titles(cases):
    return [f"{field}-{number}" for number, (field, _fields, _error) in enumerate(cases)]


BAD_FOR_ADD = BAD_FOR_ALL + BAD_FOR_THE_FACADE


@pytest.mark.parametrize(("field", "fields", "error"), BAD_FOR_ADD, ids=titles(BAD_FOR_ADD))
def test_add_names_the_field_and_writes_nothing(field, fields, error):
    given = {"name": "new", "function": "report", "tags": ["night"], **fields}
    with pytest.raises(error) as raised:
        jobs.add(**given)
    assert raised.value.field == field
    assert isinstance(raised.value, SchedulerError)
    assert len(str(raised.value)) > 20
    assert not Job.objects.exists()
    assert not JobClock.objects.exists()
    assert not Tag.objects.exists()


def candidate(**fields):
    """An unsaved job as a form builds it."""
    values = {"name": "new", "function": "report", "anchor": NOW, "created_at": NOW}
    return Job(**{**values, "updated_at": NOW, **fields})


def test_good_job_passes_full_clean():
    candidate(schedule="@hourly", args=["north"], retry={"max_attempts": 3}).full_clean()


@pytest.mark.parametrize(("field", "fields", "error"), BAD_FOR_ALL, ids=titles(BAD_FOR_ALL))
def test_full_clean_shows_the_error_at_its_field(field, fields, error):
    with pytest.raises(ValidationError) as raised:
        candidate(**fields).full_clean()
    assert set(raised.value.message_dict) <= {field, "__all__"}
    assert field in raised.value.message_dict
    assert not Job.objects.exists()


def test_full_clean_shows_all_errors_at_once():
    with pytest.raises(ValidationError) as raised:
        candidate(schedule="* *", args=[1, 2], executor="moon").full_clean()
    assert set(raised.value.message_dict) == {"schedule", "args", "executor"}


def test_a_wrong_zone_hides_no_other_error():
    with pytest.raises(ValidationError) as raised:
        candidate(schedule="61 * * * *", timezone="Mars/Olympus").full_clean()
    assert set(raised.value.message_dict) == {"schedule", "timezone"}
    with pytest.raises(ValidationError) as raised:
        candidate(schedule="@hourly", timezone="Mars/Olympus").full_clean()
    assert set(raised.value.message_dict) == {"timezone"}
    assert len(raised.value.message_dict["timezone"]) == 1


def test_duplicate_name_is_told_by_both():
    jobs.add("plain", schedule="@hourly")
    with pytest.raises(JobAlreadyExists):
        jobs.add("plain")
    with pytest.raises(ValidationError) as raised:
        candidate(name="plain").full_clean()
    assert set(raised.value.message_dict) == {"name"}
    assert Job.objects.get().schedule == "@hourly"


def test_interval_of_nothing_is_refused_as_a_value():
    with pytest.raises(InvalidInterval):
        every(minutes=0)
    with pytest.raises(InvalidInterval):
        every(minutes=-5)


def test_command_may_be_scheduled_once_it_is_allowed(settings):
    """J11"""
    settings.DJANGO_SCHEDULER = {"COMMANDS_ALLOWED": ["clearsessions"]}
    assert jobs.add("clean", "command:clearsessions", "@daily").function == "command:clearsessions"
    with pytest.raises(InvalidJob) as raised:
        jobs.add("flush", "command:flush")
    assert "COMMANDS_ALLOWED" in str(raised.value)
