"""Timeouts, stalls and stop orders, as the watch of a process keeps them."""

from __future__ import annotations

from datetime import datetime, timezone

from django_scheduler import jobs, manual, runs
from django_scheduler.exceptions import RunInterrupted, RunStopped, RunTimedOut
from django_scheduler.models import Run
from django_scheduler.models.run import uuid7

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def _during(manual_scheduler, action):
    """Make a function that does `action`, lets the process look, and meets a checkpoint."""
    seen = []

    def function(context):
        action(context)
        manual_scheduler.scheduler.session.heartbeat.step()
        try:
            context.checkpoint()
        except RunStopped as error:
            seen.append(type(error))
            raise

    return function, seen


def _perform(manual_scheduler, recorder, action, **fields):
    recorder.behaviour, seen = _during(manual_scheduler, action)
    jobs.add("job", function="recorder", schedule=manual(), **fields)
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    return runs.get(run), seen


def test_a_run_over_its_timeout_ends_timed_out(manual_scheduler, recorder):
    """R4"""
    run, seen = _perform(
        manual_scheduler, recorder, lambda c: manual_scheduler.clock.advance(11), timeout=10
    )
    assert (run.status, run.reason, seen) == ("timed_out", "timeout", [RunTimedOut])
    assert run.left_at is not None


def test_a_run_within_its_timeout_succeeds(manual_scheduler, recorder):
    """R4"""
    run, seen = _perform(
        manual_scheduler, recorder, lambda c: manual_scheduler.clock.advance(9), timeout=10
    )
    assert (run.status, seen) == ("succeeded", [])


def test_repeating_the_same_progress_is_a_stall(manual_scheduler, recorder):
    """P3"""

    def stall(context):
        for _ in range(3):
            context.progress(5, 10)
            manual_scheduler.scheduler.session.heartbeat.step()
            manual_scheduler.clock.advance(4)

    run, seen = _perform(manual_scheduler, recorder, stall, stall_timeout=10)
    assert (run.status, run.reason, seen) == ("interrupted", "stalled", [RunInterrupted])


def test_changing_progress_is_no_stall(manual_scheduler, recorder):
    """P3"""

    def work(context):
        for number in range(5):
            context.progress(number, 10)
            manual_scheduler.scheduler.session.heartbeat.step()
            manual_scheduler.clock.advance(4)

    run, _ = _perform(manual_scheduler, recorder, work, stall_timeout=10)
    assert run.status == "succeeded"


def test_a_stop_order_reaches_the_function(manual_scheduler, recorder):
    """C3, P4"""
    run, seen = _perform(manual_scheduler, recorder, lambda c: runs.stop(c.run_id, "asked"))
    assert (run.status, run.reason, seen) == ("stopped", "asked", [RunStopped])


def test_a_stop_order_in_words_is_kept(manual_scheduler, recorder):
    """C3"""
    run, _ = _perform(manual_scheduler, recorder, lambda c: runs.stop(c.run_id, "wrong customer"))
    assert (run.status, run.reason) == ("stopped", "wrong customer")


def test_a_run_with_a_stop_order_ends_stopped_though_it_fails_and_is_not_retried(
    manual_scheduler, recorder
):
    """semantics 2"""

    def fail(context):
        runs.stop(context.run_id)
        manual_scheduler.scheduler.session.heartbeat.step()
        raise ValueError("broken by the stop")

    recorder.behaviour = fail
    jobs.add("job", function="recorder", schedule=manual(), retry=5)
    run = jobs.trigger("job")
    manual_scheduler.advance(600)
    assert runs.get(run).status == "stopped"
    assert "broken by the stop" in runs.get(run).error
    assert recorder.times == 1


def test_progress_is_in_the_row_while_the_function_runs(manual_scheduler, recorder):
    """P2"""
    seen = []

    def work(context):
        context.progress(3, 9, "third")
        context.save_data(last=3)
        manual_scheduler.scheduler.session.turn.take(claim=False)
        manual_scheduler.scheduler.session.heartbeat.step()
        row = runs.get(context.run_id)
        seen.append((row.status, row.completed, row.total, row.message, row.data))

    recorder.behaviour = work
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    manual_scheduler.run_due()
    assert seen == [("running", 3, 9, "third", {"last": 3})]


def test_retry_waits_until_the_function_of_the_attempt_before_has_left(manual_scheduler, recorder):
    """R4: a thread cannot be killed; two attempts at one occurrence never go on at once."""
    jobs.add("job", function="recorder", schedule=manual(), retry=2)
    manual_scheduler.run_due()
    run = jobs.trigger("job")
    inside = {
        "status": "timed_out",
        "process": manual_scheduler.scheduler.session.membership.id,
        "started_at": START,
        "finished_at": START,
        "due_at": None,
    }
    Run.objects.filter(pk=run.pk).update(**inside)
    retry = Run.objects.get(pk=run.pk)
    retry.pk, retry.number, retry.trigger, retry.status = uuid7(START), 2, "retry", "queued"
    retry.process, retry.due_at, retry.started_at, retry.finished_at = None, START, None, None
    retry.save(force_insert=True)

    manual_scheduler.advance(60)
    assert runs.get(retry).status == "queued"

    Run.objects.filter(pk=run.pk).update(left_at=START)
    manual_scheduler.run_due()
    assert runs.get(retry).status == "succeeded"
