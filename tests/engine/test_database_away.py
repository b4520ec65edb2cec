"""A scheduler whose database connections are cut goes on when it can (P9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from django_scheduler import jobs, runs
from django_scheduler.engine import Scheduler
from django_scheduler.models import Run
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


def test_what_was_committed_without_an_answer_is_let_go_at_once(
    manual_scheduler, recorder, monkeypatch
):
    """I9: the answer to a COMMIT can be lost; then rows were written that nobody here knows of."""
    # The test's own connection is to stay open.
    monkeypatch.setattr("django_scheduler.engine.session.close_old_connections", lambda: None)
    jobs.add("job", function="recorder", schedule="@every 1h")
    manual_scheduler.run_due()
    turn = manual_scheduler.scheduler.session.turn
    real = turn._transact

    def without_an_answer(*args):
        real(*args)
        monkeypatch.setattr(turn, "_transact", real)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(turn, "_transact", without_an_answer)
    manual_scheduler.advance(timedelta(hours=1, seconds=2))
    run = Run.objects.get()
    assert (run.status, run.attempt, recorder.times) == ("succeeded", 1, 1)
    assert run.lateness < timedelta(seconds=1)
