"""Runs that are paused in Celery workers (C2, E3)."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from django_scheduler import jobs, runs
from django_scheduler.executors.celery import ending, worker
from django_scheduler.models import Process, Run
from tests.executors import test_celery_live as live
from tests.waiting import wait_until

broker, options, scheduler = live.broker, live.options, live.scheduler
start_worker = live.start_worker
ONE_BROKER = pytest.mark.parametrize("broker", live.BROKERS[:1], indirect=True)


def holding(tmp_path):
    """A run that came to its first checkpoint with the order to pause."""
    run = live.trigger("tests.hold", path=str(tmp_path / "note"), until=str(tmp_path / "until"))
    wait_until(lambda: live.lines(tmp_path / "note"))
    runs.pause(run)
    wait_until(lambda: live.status(run) == "paused")
    return run


@ONE_BROKER
def test_a_run_in_a_worker_is_paused_and_resumed(scheduler, start_worker, tmp_path):
    start_worker()
    scheduler.start()
    run = holding(tmp_path)
    runs.resume(run)
    wait_until(lambda: live.status(run) == "running")
    (tmp_path / "until").touch()
    done = runs.wait(run, 20)
    assert (done.status, done.result) == ("succeeded", "done")


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
@ONE_BROKER
def test_a_worker_that_is_told_to_end_does_not_wait_for_a_paused_run(
    scheduler, start_worker, tmp_path, pool
):
    """It goes on holding elsewhere, until somebody resumes it."""
    first = start_worker(pool)
    scheduler.start()
    run = holding(tmp_path)
    first.terminate()
    before, after = Run.objects.order_by("number")
    assert (before.status, before.reason) == ("stopped", "shutdown")
    assert (after.attempt, after.pause_requested_at is None) == (1, False)
    start_worker(pool)
    wait_until(lambda: live.status(after) == "paused")
    runs.resume(after)
    (tmp_path / "until").touch()
    assert runs.wait(after, 20).result == "done"
    assert live.lines(tmp_path / "note") == [f"{run.key} 1"] * 2


def delivered(run):
    """Have the run carried out as a worker does, in a thread of its own."""

    def carry_out():
        try:
            worker.carry_out(str(run.pk))
        finally:
            connections.close_all()

    thread = threading.Thread(target=carry_out, daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("worker_side")
def test_a_hold_leaves_the_connection_of_the_function_as_it_is(remote_job, calls):
    seen = []

    def hold():
        [context] = calls.contexts
        Process.objects.count()
        before = connection.connection
        wait_until(lambda: context.pause_requested)
        context.checkpoint()
        seen.append(connection.connection is before)

    calls.behaviour = hold
    run = jobs.trigger("remote")
    thread = delivered(run)
    wait_until(lambda: live.status(run) == "running")
    runs.pause(run)
    wait_until(lambda: live.status(run) == "paused")
    runs.resume(run)
    thread.join(20)
    assert (seen, live.status(run)) == ([True], "succeeded")


@pytest.mark.usefixtures("worker_side")
def test_a_worker_that_starts_anew_pauses_again(remote_job, calls):
    """The byte that says that it ends is not the next worker's."""
    ending.worker_shutting_down.send(None)
    assert ending.is_told_to_end()
    ending.worker_init.send(None)
    assert not ending.is_told_to_end()
