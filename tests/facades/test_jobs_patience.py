"""Adding and updating while the database is away for a moment (D8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import (
    DataError,
    Error,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)

from django_scheduler import jobs
from django_scheduler.exceptions import InvalidRunState, JobAlreadyExists
from django_scheduler.models import Job
from django_scheduler.models.vendors import is_transient, transient
from django_scheduler.signals import job_added, job_changed
from tests.facades.fixed import NOW, report

pytestmark = pytest.mark.django_db(transaction=True)


def _away():
    """What the database in use says when it cannot be had for a moment."""
    if connection.vendor == "mysql":
        return OperationalError(2013, "Lost connection to server during query")
    return OperationalError("database is locked")


@pytest.fixture
def answers(monkeypatch):
    """Commits fail as told: `refused` before they are done, `lost` when they are."""
    told: list[str] = []
    wrapper = connections["default"]
    real = wrapper._commit

    def commit():
        word = told.pop(0) if told else ""
        if word == "refused":
            raise _away()
        real()
        if word == "lost":
            raise _away()

    monkeypatch.setattr(wrapper, "_commit", commit)
    return told


@pytest.fixture
def told():
    """The names of the signals that were sent."""
    seen: list[str] = []

    def added(**_facts):
        seen.append("added")

    def changed(**_facts):
        seen.append("changed")

    job_added.connect(added)
    job_changed.connect(changed)
    yield seen
    job_added.disconnect(added)
    job_changed.disconnect(changed)


def test_adding_is_tried_again(answers, told):
    answers += ["refused", "refused"]
    job = jobs.add("daily", "report", "0 9 * * *", tags=iter(["north"]))
    assert (job.name, job.next_run_at is not None) == ("daily", True)
    assert [tag.name for tag in job.tags.all()] == ["north"]
    assert told == ["added"]


def test_a_repeat_after_a_lost_answer_is_success(answers, told):
    """The row is there, made by the try whose answer never came."""
    answers += ["lost"]
    job = jobs.add("daily", report, "0 9 * * *", args=["north"], timeout=timedelta(minutes=5))
    assert Job.objects.get() == job
    assert (job.version, job.next_run_at is not None) == (1, True)
    assert told == ["added"]


def test_any_other_second_add_is_refused(answers):
    jobs.add("daily", "report", "0 9 * * *")
    answers += ["refused"]
    with pytest.raises(JobAlreadyExists):
        jobs.add("daily", "report", "0 9 * * *")


def test_a_row_another_made_meanwhile_is_not_taken_for_ones_own(answers, clock):
    """Of the same instant even: what it says is something else."""
    answers += ["refused"]

    def others():
        clock.instant = NOW
        jobs.add("daily", "plain", "0 10 * * *")

    clock.on_wait = others
    with pytest.raises(JobAlreadyExists):
        jobs.add("daily", "report", "0 9 * * *")
    assert jobs.get("daily").function == "plain"


@pytest.mark.parametrize("word", ["refused", "lost"])
def test_updating_is_tried_again_and_done_once(answers, told, clock, word):
    before = jobs.add("daily", "report", "0 9 * * *")
    clock.advance(timedelta(minutes=1))
    told.clear()
    answers += [word]
    job = jobs.update("daily", expected_version=before.version, description="new")
    assert (job.description, job.version) == ("new", before.version + 1)
    assert told == ["changed"]


def test_two_editors_are_told_apart_also_after_trouble(answers, clock):
    before = jobs.add("daily", "report", "0 9 * * *")
    clock.advance(timedelta(minutes=1))
    jobs.update("daily", description="theirs")
    clock.advance(timedelta(minutes=1))
    answers += ["refused"]
    with pytest.raises(InvalidRunState):
        jobs.update("daily", expected_version=before.version, description="mine")


def test_within_a_transaction_of_the_callers_nothing_is_tried_again(monkeypatch):
    calls = []

    def refuse(*_args):
        calls.append(1)
        raise _away()

    monkeypatch.setattr("django_scheduler.jobs.define._insert", refuse)
    with pytest.raises(OperationalError), transaction.atomic():
        jobs.add("daily", "report")
    assert len(calls) == 1


@pytest.mark.parametrize(("budget", "tries"), [(0, 1), (0.1, 2), (5, 9)])
def test_the_budget_is_kept(settings, monkeypatch, clock, budget, tries):
    settings.DJANGO_SCHEDULER = {"WRITE_RETRY_BUDGET": budget}
    calls = []

    def refuse(*_args):
        calls.append(1)
        raise _away()

    monkeypatch.setattr("django_scheduler.jobs.define._insert", refuse)
    with pytest.raises(OperationalError):
        jobs.add("daily", "report")
    assert len(calls) == tries
    assert not Job.objects.exists()


def test_what_will_not_pass_is_not_tried_again(monkeypatch):
    calls = []

    def refuse(*_args):
        calls.append(1)
        raise DataError("out of range")

    monkeypatch.setattr("django_scheduler.jobs.define._insert", refuse)
    with pytest.raises(DataError):
        jobs.add("daily", "report")
    assert len(calls) == 1


def _caused(error, state):
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()
    return error


@pytest.mark.parametrize(
    ("vendor", "error", "passes"),
    [
        ("sqlite", OperationalError("database is locked"), True),
        ("sqlite", OperationalError("no such table: jobs"), False),
        ("mysql", OperationalError(1213, "Deadlock found"), True),
        ("mysql", OperationalError(1054, "Unknown column"), False),
        ("mysql", OperationalError(), False),
        ("mysql", InterfaceError(0, ""), True),
        ("postgresql", OperationalError("could not connect"), True),
        ("postgresql", _caused(OperationalError(), "57P01"), True),
        ("postgresql", _caused(OperationalError(), "40P01"), True),
        ("postgresql", _caused(OperationalError(), "55000"), False),
        ("postgresql", InterfaceError("connection already closed"), True),
        ("oracle", OperationalError(), True),
        ("oracle", Error(), False),
    ],
)
def test_only_what_may_pass_is_transient(monkeypatch, vendor, error, passes):
    server = type("Server", (), {"vendor": vendor})
    monkeypatch.setattr(transient, "connections", {"default": server})
    assert is_transient(error, "default") == passes
