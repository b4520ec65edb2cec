"""A scheduler whose database connections are cut goes on when it can (P9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from django_scheduler import jobs, runs
from django_scheduler.engine import Scheduler
from tests.waiting import wait_until


@pytest.mark.postgres
def test_cut_connections_are_made_anew_and_nothing_is_lost(transactional_db, recorder, caplog):
    jobs.add("job", function="recorder", schedule="@every 1s")
    scheduler = Scheduler(threads=2, sync_code=False, poll_interval=timedelta(milliseconds=50))
    scheduler.start()
    try:
        scheduler.wait_until_running(20)
        for _ in range(3):
            before = recorder.times
            wait_until(lambda seen=before: recorder.times > seen)
            _cut_all_but_mine()
        before = recorder.times
        wait_until(lambda: recorder.times > before + 1)
        assert runs.wait(jobs.trigger("job", force=True), 20).status == "succeeded"
    finally:
        scheduler.stop()
    found = list(runs.query(job="job", order_by="scheduled_for").filter(trigger="schedule"))
    instants = [run.scheduled_for for run in found]
    assert len(set(instants)) == len(instants)
    assert {run.status for run in found} <= {"succeeded", "skipped"}


def _cut_all_but_mine() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
