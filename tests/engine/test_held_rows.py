"""A job whose row somebody holds in a long transaction delays itself alone (engine 1).

SQLite has no row locks: there the same story is told without anybody holding the row.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from django_scheduler import jobs, runs
from django_scheduler.engine import Scheduler
from django_scheduler.models import Job
from tests.waiting import wait_until


class Holder(threading.Thread):
    """Holds one job's row in an open transaction until it is told to let go."""

    def __init__(self, name: str) -> None:
        super().__init__(daemon=True)
        self.job_name = name
        self.holding = threading.Event()
        self.let_go = threading.Event()

    def run(self) -> None:
        try:
            with transaction.atomic():
                Job.objects.select_for_update().get(name=self.job_name)
                self.holding.set()
                self.let_go.wait(60)
        finally:
            connections.close_all()


@pytest.fixture
def scheduler(transactional_db):
    made = Scheduler(threads=4, sync_code=False, poll_interval=timedelta(milliseconds=50))
    made.start()
    made.wait_until_running(20)
    yield made
    made.stop(0)


def test_other_jobs_run_and_end_while_one_jobs_row_is_held(scheduler, recorder):
    gate = threading.Event()

    def wait_at_the_gate(context):
        if context.job_name == "held":
            gate.wait(30)

    recorder.behaviour = wait_at_the_gate
    for name in ("held", "free"):
        jobs.add(name, function="recorder")
    inside = jobs.trigger("held")
    wait_until(lambda: runs.get(inside).status == "running")
    holder = Holder("held")
    if connection.features.has_select_for_update_skip_locked:
        holder.start()
        assert holder.holding.wait(10)
    gate.set()
    for _ in range(3):
        assert runs.wait(jobs.trigger("free"), 20).status == "succeeded"
    if holder.is_alive():
        assert runs.get(inside).status == "running"
    holder.let_go.set()
    assert runs.wait(inside, 20).status == "succeeded"
