"""Runs claimed a little before they are due, and held until then (T2, engine.md 1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, jobs, lifecycle, runs
from django_scheduler.models import JobClock, Process, Run
from django_scheduler.testing import ManualScheduler

SECOND = timedelta(seconds=1)
HORIZON = timedelta(milliseconds=250)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ahead(scheduler_clock):
    """A scheduler on the manual clock that looks as far ahead as a real one."""
    scheduler = ManualScheduler(scheduler_clock, horizon=HORIZON)
    yield scheduler
    scheduler.close()


def test_a_run_is_claimed_within_the_horizon_and_begins_at_its_instant(ahead, recorder):
    """T2: never early, though its row is there before."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    run = Run.objects.get()
    assert (run.status, run.started_at, recorder.times) == ("queued", None, 0)
    assert run.process == ahead.scheduler.session.membership.id
    ahead.advance(0.2)
    run.refresh_from_db()
    assert (run.status, run.lateness) == ("succeeded", timedelta(0))
    assert run.started_at == run.scheduled_for


def test_what_lies_beyond_the_horizon_is_left_to_others(ahead, recorder):
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.7)
    ahead.run_due()
    assert not Run.objects.exists()


def test_a_job_with_an_active_run_is_not_planned_before_its_instant(ahead, recorder):
    """T6: a job of 0.9 s that is due each second must not skip itself."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    jobs.trigger("ticking")
    Run.objects.update(due_at=ahead.clock.now() + 0.9 * SECOND)
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    assert Run.objects.filter(trigger="schedule").count() == 0
    ahead.advance(0.2)
    assert list(Run.objects.values_list("status", flat=True)) == ["succeeded", "succeeded"]


def test_an_active_run_at_the_instant_is_an_overlap(ahead, recorder):
    """T6"""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    jobs.trigger("ticking")
    Run.objects.update(due_at=ahead.clock.now() + 2 * SECOND)
    ahead.advance(1)
    assert Run.objects.get(trigger="schedule").reason == "overlap"


def test_a_pause_reaches_a_run_that_was_claimed_ahead(ahead, recorder):
    """C1, semantics 2: what is not due yet at a pause does not run."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    jobs.pause("ticking")
    ahead.scheduler.session.heartbeat.step()
    ahead.advance(5)
    run = Run.objects.get()
    assert (run.status, run.reason, recorder.times) == ("stopped", "job_paused", 0)


def test_a_stop_of_a_held_run_is_carried_out_by_its_owner(ahead, recorder):
    """C3"""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    runs.stop(Run.objects.get(), reason="not today")
    ahead.scheduler.session.heartbeat.step()
    ahead.advance(0.1)
    assert Run.objects.get().reason == "not today"
    assert recorder.times == 0


def test_a_function_called_before_its_start_was_refused_is_told_to_stop(ahead, recorder):
    """engine.md 1: a start mark that changes no row sets the run's stop flag."""
    seen = []
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()

    def look(context):
        session = ahead.scheduler.session
        Run.objects.update(stop_requested_at=ahead.clock.now(), reason="asked")
        session.turn.write(session.outbox.take(10))
        seen.append(context.stop_requested)

    recorder.behaviour = look
    ahead.advance(1)
    assert seen == [True]
    assert Run.objects.get().status == "stopped"


def test_an_edit_within_the_horizon_leaves_the_claimed_run_its_snapshot(ahead, recorder):
    """J5: an edit is never retroactive."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1), metadata={"is": "old"})
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    jobs.update("ticking", metadata={"is": "new"})
    ahead.advance(1.2)
    assert [context.metadata["is"] for context in recorder.contexts] == ["old", "new"]


def test_a_shutdown_gives_back_what_is_held_due_at_its_own_instant(ahead, recorder):
    """C4: nobody who takes it over may begin it early."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    ahead.close()
    run = Run.objects.get()
    assert (run.status, run.process, run.due_at) == ("queued", None, run.scheduled_for)
    other = ManualScheduler(ahead.clock)
    other.advance(0.2)
    assert recorder.contexts[0].started_at == run.scheduled_for
    other.close()


def test_what_a_killed_scheduler_held_is_taken_over(ahead, recorder):
    """P5"""
    jobs.add("ticking", function="recorder", schedule=every(minutes=1), overlap="allow")
    ahead.run_due()
    ahead.clock.advance(59.8)
    ahead.run_due()
    ahead.kill()
    ahead.advance(40)
    run = Run.objects.get()
    assert (run.status, run.attempt) == ("succeeded", 1)


def test_what_a_killed_scheduler_held_is_not_begun_early_by_who_takes_over_at_once(ahead, recorder):
    """P5: its own restart need not wait for the lease, but for the instant."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    Process.objects.update(state="dead")
    lifecycle.take_over_orphans(now=ahead.clock.now(), using="default")
    run = Run.objects.get()
    assert (run.process, run.due_at, run.reason) == (None, run.scheduled_for, "worker_lost")
    ahead.kill()
    ahead.run_due()
    assert recorder.times == 0
    ahead.advance(0.2)
    assert recorder.contexts[0].started_at == run.scheduled_for


def test_a_process_given_up_drops_what_it_holds(ahead, recorder):
    """I4: renewal that changes no row means that others have taken over."""
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    ahead.clock.advance(0.8)
    ahead.run_due()
    session = ahead.scheduler.session
    session._give_up()
    assert session.ahead.all() == []


def test_the_clock_of_a_claimed_occurrence_points_at_the_next_one(ahead, recorder):
    jobs.add("ticking", function="recorder", schedule=every(seconds=1))
    ahead.run_due()
    first = JobClock.objects.get().next_run_at
    ahead.clock.advance(0.8)
    ahead.run_due()
    clock = JobClock.objects.get()
    assert (clock.planned_until, clock.next_run_at) == (first, first + SECOND)
