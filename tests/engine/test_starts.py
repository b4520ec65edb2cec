"""Jobs that run when a scheduler starts (J9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs, manual
from django_scheduler.models import Job, Run
from django_scheduler.testing import ManualScheduler
from tests.engine.stories import MINUTE, START, add, story


def test_a_start_runs_the_job_once_and_the_schedule_goes_on(manual_scheduler, recorder):
    add(schedule=every(minutes=10), run_on_start=True)
    manual_scheduler.advance(25 * MINUTE)
    assert [c.trigger for c in recorder.contexts] == ["start", "schedule", "schedule"]
    assert [minute for minute, _, _ in story()] == [0, 10, 20]


def test_a_start_soon_after_the_last_run_runs_nothing(manual_scheduler, recorder):
    add(schedule=every(minutes=10), run_on_start=True)
    manual_scheduler.advance(MINUTE)
    manual_scheduler.close()
    manual_scheduler.run_due()
    assert recorder.times == 1


def test_a_start_after_an_outage_stands_for_what_was_missed(manual_scheduler, recorder):
    add(schedule=every(minutes=10), run_on_start=True)
    manual_scheduler.clock.advance(timedelta(hours=3, minutes=5))
    manual_scheduler.run_due()
    assert recorder.times == 1
    assert Run.objects.get().missed == 18
    assert jobs.get("job").next_run_at == START + timedelta(hours=3, minutes=10)


def test_a_fixed_delay_counts_from_the_end_of_the_run_at_start(manual_scheduler, recorder):
    """S6: exactly one run an interval after that."""

    def take_five_minutes(context):
        manual_scheduler.clock.advance(5 * MINUTE)

    recorder.behaviour = take_five_minutes
    add(schedule=every(minutes=10, after="finish"), run_on_start=True)
    manual_scheduler.run_due()
    assert jobs.get("job").next_run_at == START + 15 * MINUTE
    manual_scheduler.advance(45 * MINUTE)
    starts = Run.objects.order_by("started_at").values_list("started_at", flat=True)
    assert [(each - START) / MINUTE for each in starts] == [0, 15, 30, 45]


def test_schedulers_that_start_together_make_one_run(scheduler_clock, recorder, db):
    add(schedule=every(minutes=10), run_on_start=True)
    pair = [ManualScheduler(scheduler_clock), ManualScheduler(scheduler_clock)]
    for scheduler in pair:
        scheduler.scheduler.tick()
    for scheduler in pair:
        scheduler.run_due()
        scheduler.close()
    assert Run.objects.count() == recorder.times == 1


@pytest.mark.parametrize("schedule", [manual(), cron("0 3 * * *")])
def test_any_schedule_can_have_a_run_at_start(manual_scheduler, recorder, schedule):
    add(schedule=schedule, run_on_start=True)
    manual_scheduler.run_due()
    assert recorder.times == 1


def test_paused_and_broken_jobs_do_not_run_at_start(manual_scheduler, recorder):
    add("paused", schedule=every(minutes=10), run_on_start=True)
    add("bad", schedule=every(minutes=10), run_on_start=True)
    jobs.pause("paused")
    Job.objects.filter(name="bad").update(timezone="Mars/Olympus")
    manual_scheduler.run_due()
    assert recorder.times == 0
    assert jobs.get("bad").state == "broken"
