"""``runs.retry``: a run that is over, once more (C6)."""

from __future__ import annotations

import pytest

from django_scheduler import jobs, runs
from django_scheduler.exceptions import (
    FunctionNotRegistered,
    InvalidArguments,
    InvalidRunState,
    RunAlreadyActive,
    RunNotFound,
)
from django_scheduler.models import Job, Run
from django_scheduler.states import FINAL, OPEN
from tests.facades.fixed import HOUR, NOW, make_row

pytestmark = pytest.mark.django_db


def ended(status="failed", job=None, **values):
    """A run of `report` that is over."""
    job = job or jobs.add("report", args=["north"])
    return make_row(job, status, function="report", finished_at=NOW, **values)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_is_over_is_tried_again_as_it_was(clock, status):
    """The same occurrence, the same key: the job's own idempotency holds."""
    old = ended(status, args=["south"], attempt=2, scheduled_for=NOW - HOUR, metadata={"a": 1})
    clock.advance(HOUR)
    new = runs.retry(old)
    assert (new.key, new.number, new.attempt, new.trigger) == (old.key, 2, 3, "retry")
    assert (new.args, new.metadata, new.scheduled_for) == (["south"], {"a": 1}, NOW - HOUR)
    assert (new.status, new.due_at, new.queued_at) == ("queued", NOW + HOUR, NOW + HOUR)
    assert runs.get(old).status == status


@pytest.mark.parametrize(
    ("given", "args", "kwargs"),
    [
        ({"args": ["west"]}, ["west"], {"day": "mon"}),
        ({"kwargs": {"day": "tue"}}, ["south"], {"day": "tue"}),
        ({"args": [], "kwargs": {}}, [], {}),
    ],
)
def test_with_other_arguments_it_is_a_run_of_its_own(given, args, kwargs):
    old = ended(args=["south"], kwargs={"day": "mon"})
    new = runs.retry(old.pk, **given)
    assert (new.args, new.kwargs, new.trigger) == (args, kwargs, "manual")
    assert (new.key != old.key, new.number, new.attempt) == (True, 1, 1)


def test_another_attempt_waits_while_the_job_is_running():
    """T6: a due retry waits for room and is never skipped for overlap."""
    old = ended()
    make_row(Job.objects.get(), "running")
    new = runs.retry(old)
    assert (new.status, new.reason, new.due_at) == ("queued", "waiting", None)


def test_with_other_arguments_overlap_decides():
    old = ended()
    make_row(Job.objects.get(), "running")
    new = runs.retry(old, args=["west"])
    assert (new.status, new.reason) == ("skipped", "overlap")


@pytest.mark.parametrize("given", [{}, {"args": ["west"]}])
@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_is_not_over_is_refused(status, given):
    """C5"""
    run = make_row(jobs.add("report"), status, function="report")
    with pytest.raises(InvalidRunState):
        runs.retry(run, **given)
    assert Run.objects.count() == 1


def test_two_attempts_at_once_are_refused():
    old = ended()
    runs.retry(old)
    with pytest.raises(RunAlreadyActive):
        runs.retry(old)
    assert Run.objects.count() == 2


def test_a_run_of_a_removed_job_is_refused():
    old = ended()
    jobs.remove("report")
    with pytest.raises(InvalidRunState, match="removed"):
        runs.retry(old)


@pytest.mark.parametrize("state", ["paused", "ended", "broken"])
def test_a_job_that_is_not_planned_can_be_run_again(state):
    old = ended()
    Job.objects.update(state=state)
    assert runs.retry(old).status == "queued"


@pytest.mark.parametrize(
    "given", [{"args": "north"}, {"kwargs": ["day"]}, {"kwargs": {"colour": 1}}, {"args": [{1}]}]
)
def test_arguments_that_do_not_fit_are_refused(given):
    old = ended()
    with pytest.raises(InvalidArguments):
        runs.retry(old, **given)
    assert Run.objects.count() == 1


def test_a_function_that_is_not_here_is_refused():
    """T9"""
    old = ended()
    Run.objects.update(function="elsewhere.work")
    with pytest.raises(FunctionNotRegistered):
        runs.retry(old.pk)


def test_a_run_that_is_unknown_is_run_not_found():
    with pytest.raises(RunNotFound):
        runs.retry("00000000-0000-0000-0000-000000000007")
