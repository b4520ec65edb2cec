"""The worker's side of the Celery executor, in the test's own process."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import OperationalError, connections, transaction

from django_scheduler import jobs, runs
from django_scheduler.executors.celery import worker
from django_scheduler.models import Process, Run
from tests.broken import failing
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("worker_side")


def deliver(run):
    """Hand the run's message to this process, as Celery would."""
    worker.carry_out(str(run.pk))


def host():
    return worker.host("test")


def mark(run, **fields):
    Run.objects.filter(pk=run.pk).update(**fields)


def test_a_delivered_run_is_carried_out_and_recorded(remote_job, calls):
    """E2"""
    run = jobs.trigger("remote")
    deliver(run)
    done = runs.get(run.pk)
    assert (done.status, done.result, done.executor) == ("succeeded", "called", "celery")
    assert done.process == host().membership.id
    assert Process.objects.get(pk=done.process).kind == "worker"
    assert done.started_at == calls.contexts[0].started_at
    assert done.lateness == done.started_at - done.scheduled_for


def test_the_same_message_twice_runs_once(remote_job, calls):
    """E2"""
    run = jobs.trigger("remote")
    deliver(run)
    deliver(run)
    assert len(calls.contexts) == 1


def test_the_same_message_beside_itself_runs_once(remote_job, calls):
    run = jobs.trigger("remote")
    calls.behaviour = lambda: deliver(run)
    deliver(run)
    assert len(calls.contexts) == 1
    assert runs.get(run.pk).status == "succeeded"


def test_a_run_nobody_knows_is_let_go(remote_job, calls):
    run = jobs.trigger("remote")
    Run.objects.all().delete()
    deliver(run)
    assert calls.contexts == []


def test_a_run_that_is_to_stop_is_not_begun(remote_job, calls):
    run = jobs.trigger("remote")
    mark(run, status="dispatched", stop_requested_at=run.queued_at)
    deliver(run)
    assert calls.contexts == []
    assert runs.get(run.pk).status == "dispatched"


def test_a_run_past_its_start_deadline_is_not_begun(remote_job, calls):
    run = jobs.trigger("remote")
    mark(run, expires_at=run.queued_at - timedelta(seconds=1))
    deliver(run)
    assert calls.contexts == []


def test_a_run_that_was_given_back_shows_no_reason_once_it_runs(remote_job, calls):
    run = jobs.trigger("remote")
    mark(run, reason="unpublished")
    deliver(run)
    assert runs.get(run.pk).reason == ""


def test_a_retry_is_late_by_the_time_since_it_was_handed_out(remote_job):
    run = jobs.trigger("remote")
    hour = timedelta(hours=1)
    mark(run, trigger="retry", scheduled_for=run.queued_at - hour, dispatched_at=run.queued_at)
    deliver(run)
    assert runs.get(run.pk).lateness < timedelta(minutes=1)


def test_one_process_row_serves_many_runs(remote_job):
    for _ in range(3):
        deliver(jobs.trigger("remote"))
    assert Process.objects.count() == 1


def test_a_worker_that_ends_leaves_in_order(remote_job):
    """E3"""
    deliver(jobs.trigger("remote"))
    worker.close()
    assert Process.objects.get().state == "stopped"


def test_ending_a_process_that_ran_nothing_writes_nothing(remote_job):
    worker.close()
    assert not Process.objects.exists()


def test_what_still_runs_when_the_worker_ends_runs_again(remote_job, calls):
    """E3"""
    begun, gate = threading.Event(), threading.Event()

    def wait():
        begun.set()
        gate.wait(10)

    calls.behaviour = wait
    run = jobs.trigger("remote")
    thread = threading.Thread(target=_in_thread, args=(run,))
    thread.start()
    assert begun.wait(10)
    worker.close()
    gate.set()
    thread.join(10)
    first, again = Run.objects.order_by("number")
    assert (first.status, first.reason) == ("stopped", "shutdown")
    assert (again.status, again.attempt) == ("queued", 1)


def _in_thread(run):
    try:
        deliver(run)
    finally:
        connections.close_all()


def test_a_worker_that_was_given_up_goes_on_under_a_new_id(remote_job):
    """E3"""
    first = host()
    Process.objects.update(state="dead")
    second = wait_until(lambda: (now := host()) is not first and now)
    deliver(run := jobs.trigger("remote"))
    assert runs.get(run.pk).process == second.membership.id != first.membership.id


def test_runs_of_a_worker_that_was_given_up_end_without_a_word(remote_job, calls):
    """E3"""

    def be_given_up():
        Process.objects.update(state="dead")
        stop = wait_until(lambda: calls.contexts[0].stop_requested)
        return stop

    calls.behaviour = be_given_up
    run = jobs.trigger("remote")
    deliver(run)
    assert runs.get(run.pk).status == "running"


def test_a_transaction_the_function_left_open_fails_the_run_and_swallows_nothing(remote_job, calls):
    def leave_it_open():
        transaction.set_autocommit(False)
        Run.objects.update(message="never committed")

    calls.behaviour = leave_it_open
    run = jobs.trigger("remote")
    deliver(run)
    done = runs.get(run.pk)
    assert (done.status, done.message) == ("failed", "")
    assert "TransactionLeftOpen: A transaction was left open on default" in done.error


def test_a_run_whose_taking_was_answered_by_an_error_is_recognised(remote_job, calls, monkeypatch):
    take, answers = worker.Host._try, iter([OperationalError("the answer was lost")])

    def lose_the_first_answer(self, run_id, tried):
        run = take(self, run_id, tried)
        for error in answers:
            raise error
        return run

    monkeypatch.setattr(worker.Host, "_try", lose_the_first_answer)
    run = jobs.trigger("remote")
    deliver(run)
    assert runs.get(run.pk).status == "succeeded"
    assert len(calls.contexts) == 1


def test_what_the_worker_does_not_know_it_runs_is_lost_at_its_next_beat(remote_job):
    run = jobs.trigger("remote")
    mark(run, status="running", started_at=run.queued_at, process=host().membership.id)
    wait_until(lambda: runs.get(run.pk).status == "lost")


def test_an_outcome_the_database_does_not_take_is_said_kept_and_not_run_again(
    remote_job, calls, settings, caplog
):
    """R6: a live process keeps trying."""
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "FINAL_WRITE_BUDGET": 0.2}
    run = jobs.trigger("remote")
    broken = ExitStack()
    calls.behaviour = lambda: (broken.enter_context(failing()), "kept")[1]
    with broken:
        deliver(run)
        assert runs.get(run.pk).status == "running"
        assert "could not be recorded (no space left on device): succeeded" in caplog.text
        wait_until(lambda: host().membership.renew())
        assert runs.get(run.pk).status == "running"
    wait_until(lambda: runs.get(run.pk).status == "succeeded")
    assert (runs.get(run.pk).result, len(calls.contexts)) == ("kept", 1)
    assert Run.objects.count() == 1
    assert caplog.text.count("could not be recorded") == 1
