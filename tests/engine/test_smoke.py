from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, job, jobs, registry, runs


@pytest.fixture
def calls():
    made = []

    @job("smoke")
    def smoke():
        made.append(1)
        return len(made)

    yield made
    registry.unregister("smoke")


def test_a_due_job_runs_and_is_recorded(manual_scheduler, calls):
    jobs.add("smoke", schedule=every(minutes=5))
    manual_scheduler.advance(timedelta(minutes=11))
    assert len(calls) == 2
    assert [r.status for r in runs.query(job="smoke")] == ["succeeded", "succeeded"]
