"""Runs that somebody ran again, carried out (C6)."""

from __future__ import annotations

from django_scheduler import jobs, manual, runs
from tests.engine.stories import add


def fail(context):
    raise ValueError("first time only")


def test_another_attempt_has_the_key_and_the_count(manual_scheduler, recorder):
    recorder.behaviour = fail
    add(schedule=manual())
    first = jobs.trigger("job")
    manual_scheduler.run_due()
    assert runs.get(first).status == "failed"
    recorder.behaviour = "done"
    second = runs.retry(first)
    manual_scheduler.run_due()
    before, after = recorder.contexts
    assert (after.key, after.attempt, after.trigger) == (before.key, 2, "retry")
    assert runs.get(second).result == "done"


def test_another_attempt_goes_when_the_active_run_has_ended(manual_scheduler, recorder):
    recorder.behaviour = fail
    add(schedule=manual())
    first = jobs.trigger("job")
    manual_scheduler.run_due()
    recorder.behaviour = None
    other = jobs.trigger("job")
    waiting = runs.retry(first)
    assert (waiting.reason, waiting.due_at) == ("waiting", None)
    manual_scheduler.run_due()
    assert [c.run_id for c in recorder.contexts][1:] == [str(other.pk), str(waiting.pk)]
    assert runs.get(waiting).status == "succeeded"


def test_other_arguments_leave_the_job_as_it_is(manual_scheduler, recorder):
    add(schedule=manual())
    first = jobs.trigger("job")
    manual_scheduler.run_due()
    again = runs.retry(first, kwargs={})
    manual_scheduler.run_due()
    assert runs.get(again).trigger == "manual"
    assert recorder.contexts[0].key != recorder.contexts[1].key
