"""The database itself refuses rows that make no sense, whoever writes them."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from django_scheduler import jobs
from django_scheduler.models import Installation, Job, Process, Run, Tag
from tests.facades.fixed import HOUR, NOW, make_process, make_row

pytestmark = pytest.mark.django_db


def make_job(**values):
    """A job written past every check of the package."""
    return Job.objects.bulk_create(
        [
            Job(
                **{
                    "name": "raw",
                    "function": "plain",
                    "anchor": NOW,
                    "created_at": NOW,
                    "updated_at": NOW,
                    **values,
                }
            )
        ]
    )[0]


def test_row_as_the_other_tests_break_it_is_good():
    make_job()
    make_row(None)
    make_process()
    assert (Job.objects.count(), Run.objects.count(), Process.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"start_at": NOW, "end_at": NOW},
        {"start_at": NOW, "end_at": NOW - HOUR},
        {"state": "asleep"},
        {"on_lost": "shrug"},
        {"overlap": "maybe"},
        {"catch_up": "some"},
        {"last_status": "done"},
    ],
    ids=lambda values: "-".join(values),
)
def test_bad_job_is_refused(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_job(**values)
    assert not Job.objects.exists()


def test_name_is_unique():
    make_job()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_job()
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "field", ["max_running", "buffer_limit", "version", "success_count", "consecutive_failures"]
)
def test_counts_of_a_job_are_not_negative(field):
    # An unsigned column of MariaDB refuses with a DataError, a check elsewhere with another.
    with pytest.raises(DatabaseError), transaction.atomic():
        make_job(**{field: -1})
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"status": "done"},
        {"trigger": "magic"},
        {"completed": -1},
        {"completed": 5, "total": 4},
        {"started_at": NOW, "finished_at": NOW - HOUR},
    ],
    ids=lambda values: "-".join(values),
)
def test_bad_run_is_refused(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_row(None, **values)
    assert not Run.objects.exists()


@pytest.mark.parametrize("field", ["number", "attempt", "missed", "epoch"])
def test_counts_of_a_run_are_not_negative(field):
    with pytest.raises(DatabaseError), transaction.atomic():
        make_row(None, **{field: -1})
    assert not Run.objects.exists()


def test_occurrence_and_number_are_unique_for_a_job():
    """T1: at most one run of an occurrence and attempt."""
    one, two = jobs.add("plain"), jobs.add("report")
    make_row(one, key="k", number=1)
    make_row(one, key="k", number=2)
    make_row(two, key="k", number=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_row(one, key="k", number=1)
    assert Run.objects.count() == 3


@pytest.mark.parametrize("values", [{"kind": "robot"}, {"state": "asleep"}])
def test_bad_process_is_refused(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_process(**values)
    assert not Process.objects.exists()


def test_installation_is_one_row():
    Installation.objects.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.create(pk=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.bulk_create([Installation()])
    assert Installation.objects.count() == 1


def test_tag_is_unique():
    Tag.objects.create(name="night")
    with pytest.raises(IntegrityError), transaction.atomic():
        Tag.objects.create(name="night")


def test_deleted_job_leaves_its_runs():
    """J6"""
    job = jobs.add("plain")
    make_row(job, "succeeded")
    job.delete()
    run = Run.objects.get()
    assert (run.job_id, run.job_name) == (None, "plain")
