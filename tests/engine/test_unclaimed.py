"""What is due and nobody takes is said once (P7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import jobs, manual
from django_scheduler.engine.unclaimed import Unclaimed
from django_scheduler.models import JobClock, Run

pytestmark = pytest.mark.usefixtures("recorder", "db")


def _said(caplog):
    return [record.getMessage() for record in caplog.records if "nobody takes" in record.message]


def _look(clock, watch, seconds):
    clock.advance(seconds)
    watch.name(clock.now())


def test_a_run_that_waits_past_the_grace_is_named_once(scheduler_clock, caplog):
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    watch = Unclaimed("default")
    _look(scheduler_clock, watch, 30)
    assert _said(caplog) == []
    _look(scheduler_clock, watch, 1)
    _look(scheduler_clock, watch, 60)
    (warning,) = _said(caplog)
    assert "'job'" in warning
    assert "queue" in warning


def test_what_waits_again_is_named_again(scheduler_clock, caplog):
    jobs.add("job", function="recorder", schedule=manual())
    run = jobs.trigger("job")
    watch = Unclaimed("default")
    _look(scheduler_clock, watch, 31)
    Run.objects.filter(pk=run.pk).update(due_at=None)
    _look(scheduler_clock, watch, 10)
    Run.objects.filter(pk=run.pk).update(due_at=run.due_at)
    _look(scheduler_clock, watch, 10)
    assert len(_said(caplog)) == 2


def test_a_job_that_nobody_plans_on_is_named(scheduler_clock, caplog):
    jobs.add("job", function="recorder", schedule="@every 1h")
    assert JobClock.objects.get().next_run_at == scheduler_clock.now() + timedelta(hours=1)
    watch = Unclaimed("default")
    _look(scheduler_clock, watch, 3630)
    assert _said(caplog) == []
    _look(scheduler_clock, watch, 1)
    assert len(_said(caplog)) == 1


@pytest.mark.parametrize("pause", [lambda: jobs.pause("job"), lambda: jobs.pause_all("night")])
def test_what_is_paused_waits_for_nobody(scheduler_clock, caplog, pause):
    jobs.add("job", function="recorder", schedule="@every 1h")
    pause()
    _look(scheduler_clock, Unclaimed("default"), 7200)
    assert _said(caplog) == []


def test_a_scheduler_that_does_not_serve_a_queue_says_who_waits(
    scheduler_clock, manual_scheduler, caplog
):
    jobs.add("job", function="recorder", schedule=manual(), executor="default", queue="heavy")
    run = jobs.trigger("job")
    Run.objects.filter(pk=run.pk).update(executor="nowhere")
    for _ in range(5):
        scheduler_clock.advance(10)
        manual_scheduler.run_due()
    assert len(_said(caplog)) == 1
