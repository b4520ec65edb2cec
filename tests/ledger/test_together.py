"""Many ends told together: each has all that follows from it, or none of it (I10)."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import Retry, jobs, lifecycle
from django_scheduler.lifecycle import Left
from django_scheduler.models import Job, Run
from tests.facades.fixed import NOW
from tests.ledger.held import end, finished, held, owner, tell

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("step", "status"),
    [("insert", "failed"), ("count_all", "failed"), ("count_all", "succeeded")],
)
def test_a_move_is_not_made_without_what_follows_from_it(monkeypatch, step, status):
    """I10: whoever makes the move, and whatever of its consequences cannot be written."""
    job = jobs.add("report", retry=Retry(max_attempts=3, delay=60))
    run = held(job)

    def fail(*_args, **_kwargs):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(f"django_scheduler.lifecycle.consequences.{step}", fail)
    with pytest.raises(DatabaseError, match="the disk is full"):
        end(run, status)
    run.refresh_from_db()
    assert (run.status, Run.objects.count()) == ("running", 1)
    assert Job.objects.get().failure_count == 0


def test_ends_of_many_jobs_are_counted_in_one_statement(django_assert_num_queries):
    """engine.md 2: an UPDATE a run reaches a twentieth of the database's rate."""
    many = [held(jobs.add(f"report {n}", function="report")) for n in range(2)]
    more = [held(jobs.add(f"other {n}", function="report")) for n in range(20)]
    with CaptureQueriesContext(connection) as few:
        tell(*(finished(run) for run in many))
    with django_assert_num_queries(len(few)):
        tell(*(finished(run) for run in more))
    assert set(Job.objects.values_list("success_count", flat=True)) == {1}


def test_ends_of_one_job_told_together_count_each():
    job = jobs.add("report", overlap="allow")
    told = [finished(held(job), status) for status in ("succeeded", "failed", "failed")]
    tell(*told)
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 2, 2)
    tell(finished(held(job), "failed"), finished(held(job), "succeeded"))
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (2, 3, 0)


def test_a_run_given_up_after_its_stop_was_asked_for_counts_until_its_function_has_left():
    """semantics 2: it ends stopped, and its thread may go on for long."""
    job = jobs.add("report")
    run = held(job, stop_requested_at=NOW, reason="asked")
    assert end(run, "timed_out", left=False).status == "stopped"
    assert lifecycle.activity([job.pk], "default")[job.pk].active == 1
    tell(Left(**owner(run), at=NOW))
    assert lifecycle.activity([job.pk], "default")[job.pk].active == 0
