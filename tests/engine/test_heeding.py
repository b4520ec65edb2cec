"""An order to pause on its way to the function, and what becomes of one nobody heeds (C2)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from django_scheduler import jobs, runs
from django_scheduler.lifecycle import Paused
from django_scheduler.models import Run
from django_scheduler.runner import heartbeat
from tests.engine import many_runs
from tests.facades.fixed import NOW

room = many_runs.room
INTERVAL = timedelta(seconds=1)
"""The default of MONITOR_INTERVAL."""


@pytest.fixture
def context(room: Any) -> Any:
    """A run whose order to pause was passed on just now."""
    [made] = room.enter()
    runs.pause(made.run_id)
    room.beat()
    assert made.pause_requested
    return made


def test_an_order_nobody_heeds_is_taken_back_after_two_intervals(room, context, caplog):
    for _ in range(3):
        room.clock.advance(INTERVAL / 2)
        room.beat()
    assert Run.objects.get().pause_requested_at is not None
    room.clock.advance(INTERVAL / 2)
    with caplog.at_level(logging.WARNING, "django_scheduler.heartbeat"):
        room.beat()
    run = Run.objects.get()
    assert (run.status, run.reason, run.pause_requested_at) == ("running", "pause_not_seen", None)
    assert not context.pause_requested
    assert f"Run {run.pk} of many reached no checkpoint within 2.0 s" in caplog.text


def test_a_checkpoint_after_that_does_not_hold(room, context):
    room.clock.advance(2 * INTERVAL)
    room.beat()
    context.checkpoint()
    assert Run.objects.get().status == "running"


def test_it_can_be_asked_again(room, context):
    room.clock.advance(2 * INTERVAL)
    room.beat()
    room.beat()
    runs.pause(context.run_id)
    room.clock.advance(INTERVAL)
    room.beat()
    assert context.pause_requested
    room.clock.advance(INTERVAL)
    room.beat()
    assert Run.objects.get().pause_requested_at is not None


def test_taking_back_what_the_database_refuses_is_tried_again(room, context, monkeypatch):
    take_back, refusals = heartbeat.take_pause_back, iter([OperationalError("away")])

    def refuse_once(*args: Any, **kwargs: Any) -> bool:
        for error in refusals:
            raise error
        return take_back(*args, **kwargs)

    monkeypatch.setattr(heartbeat, "take_pause_back", refuse_once)
    monkeypatch.setattr(heartbeat, "close_old_connections", lambda: None)  # it is the test's own
    room.clock.advance(2 * INTERVAL)
    room.beat()
    assert (context.pause_requested, Run.objects.get().reason) == (True, "")
    room.beat()
    assert (context.pause_requested, Run.objects.get().reason) == (False, "pause_not_seen")


def test_an_acknowledgement_that_was_faster_stands(room, context):
    [one] = room.session.watch.all()
    room.clock.advance(2 * INTERVAL)
    assert room.session.outbox.ask(Paused(**one.dispatch.guard))
    room.beat()
    run = Run.objects.get()
    assert (run.status, run.reason) == ("paused", "")
    assert run.pause_requested_at is not None
    assert context.pause_requested


def test_a_resume_that_was_faster_says_nothing_of_checkpoints(room, context):
    runs.resume(context.run_id)
    room.clock.advance(2 * INTERVAL)
    room.beat()
    assert not context.pause_requested
    assert Run.objects.get().reason == ""


def test_a_stop_stands_over_the_order_to_pause(room, context):
    runs.stop(context.run_id, "enough")
    room.clock.advance(2 * INTERVAL)
    room.beat()
    assert context.stop_requested
    assert Run.objects.get().reason == "enough"
    assert room.session.watch.unheeded(0) == []


def test_a_run_that_begins_with_the_order_has_as_long_to_heed_it(room, manual_scheduler, recorder):
    """Its process was started anew; the time counts from when its function began."""

    def begin(context: Any) -> None:
        assert context.pause_requested
        manual_scheduler.clock.advance(2 * INTERVAL - timedelta(milliseconds=1))
        room.beat()
        assert context.pause_requested
        manual_scheduler.clock.advance(timedelta(milliseconds=1))
        room.beat()
        assert not context.pause_requested

    recorder.behaviour = begin
    jobs.add("begun", function="recorder", on_lost="fail")  # its start is on record first
    run = jobs.trigger("begun")
    Run.objects.filter(pk=run.pk).update(pause_requested_at=NOW)
    manual_scheduler.run_due()
    assert (runs.get(run).error, runs.get(run).status) == ("", "succeeded")
