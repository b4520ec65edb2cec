"""What the ends of runs count on their job (R5)."""

from __future__ import annotations

import pytest

from django_scheduler import jobs
from django_scheduler.models import Job
from tests.facades.fixed import NOW, SECOND
from tests.ledger.held import end, held

pytestmark = pytest.mark.django_db


def test_counters_of_a_success():
    job = jobs.add("plain")
    Job.objects.update(consecutive_failures=2, failure_count=2)
    end(held(job), duration=5 * SECOND)
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 2, 0)
    assert (job.last_status, job.last_started_at) == ("succeeded", NOW)
    assert job.last_finished_at == job.last_success_at == NOW + 5 * SECOND
    assert job.last_duration == 5 * SECOND


@pytest.mark.parametrize("status", ["failed", "timed_out", "interrupted"])
def test_counters_of_a_failure(status):
    job = jobs.add("plain")
    Job.objects.update(consecutive_failures=2, success_count=1)
    end(held(job), status)
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 1, 3)
    assert (job.last_status, job.last_success_at) == (status, None)


def test_stop_is_neither_success_nor_failure():
    job = jobs.add("plain")
    Job.objects.update(consecutive_failures=2)
    end(held(job), "stopped", reason="asked")
    job.refresh_from_db()
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (0, 0, 2)
    assert job.last_status == "stopped"
