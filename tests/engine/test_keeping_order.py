"""Pauses, edits, poisonous rows, order: what keeps a schedule straight."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Max

from django_scheduler import cron, every, jobs, manual, runs
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.states import JobState
from tests.engine.stories import MINUTE, START, add, story


def test_resuming_after_hours_waits_for_the_next_occurrence(manual_scheduler, recorder):
    """C1"""
    add()
    jobs.pause("job", "maintenance")
    manual_scheduler.advance(timedelta(hours=5, seconds=30))
    jobs.resume("job")
    manual_scheduler.run_due()
    assert recorder.times == 0
    manual_scheduler.advance(timedelta(seconds=30))
    assert (recorder.times, recorder.contexts[0].missed) == (1, 0)


def test_a_pause_ends_by_itself(manual_scheduler, recorder):
    """C1"""
    add()
    jobs.pause("job", until=START + timedelta(minutes=30))
    manual_scheduler.advance(timedelta(minutes=40))
    assert jobs.get("job").state == JobState.ACTIVE
    assert min(c.scheduled_for for c in recorder.contexts) > START + timedelta(minutes=30)


def test_a_pause_of_everything_claims_nothing_and_catches_nothing_up(manual_scheduler, recorder):
    """C4"""
    add()
    jobs.pause_all("database upgrade")
    manual_scheduler.advance(timedelta(hours=1))
    assert recorder.times == 0
    jobs.resume_all()
    manual_scheduler.run_due()
    assert recorder.times == 0
    manual_scheduler.advance(MINUTE)
    assert recorder.times == 1


def test_a_poisonous_row_stops_only_itself(manual_scheduler, recorder):
    """T10"""
    for name in ("bad zone", "bad cron", "good"):
        add(name)
    Job.objects.filter(name="bad zone").update(timezone="Mars/Olympus")
    Job.objects.filter(name="bad cron").update(schedule="nonsense")
    manual_scheduler.advance(MINUTE)
    broken = {job.name: job.error for job in jobs.all(state="broken")}
    assert set(broken) == {"bad zone", "bad cron"}
    assert "Mars/Olympus" in broken["bad zone"]
    assert story("good") == [(1, "succeeded", "")]


def test_mending_a_broken_job_brings_it_back(manual_scheduler, recorder):
    """T10"""
    add()
    Job.objects.update(timezone="Mars/Olympus")
    manual_scheduler.advance(MINUTE)
    jobs.update("job", timezone="Europe/Paris")
    manual_scheduler.advance(MINUTE)
    assert (jobs.get("job").state, recorder.times) == ("active", 1)


def test_a_job_of_unknown_code_is_left_to_others_then_set_aside(manual_scheduler, recorder):
    """T9"""
    add()
    Job.objects.update(function="elsewhere")
    manual_scheduler.advance(5 * MINUTE)
    assert jobs.get("job").state == JobState.ACTIVE
    manual_scheduler.advance(timedelta(hours=2))
    job = jobs.get("job")
    assert (job.state, recorder.times) == (JobState.BROKEN, 0)
    assert "elsewhere" in job.error


@pytest.mark.parametrize("field", ["function", "executor"])
def test_a_run_nobody_can_carry_out_ends_and_frees_its_job(manual_scheduler, recorder, field):
    """I11: nothing hangs."""
    add(schedule=every(hours=1))
    run = jobs.trigger("job")
    Run.objects.update(**{field: "elsewhere"})
    manual_scheduler.advance(timedelta(hours=3))
    found = runs.get(run)
    assert (found.status, found.reason) == ("skipped", "unregistered")
    assert recorder.times >= 2


def test_a_run_whose_row_cannot_be_read_fails_alone(manual_scheduler, recorder):
    """T10"""
    for name in ("bad", "good"):
        add(name, schedule=manual())
    bad, good = jobs.trigger("bad"), jobs.trigger("good")
    Run.objects.filter(pk=bad.pk).update(policy=["not", "a", "dict"])
    manual_scheduler.run_due()
    assert (runs.get(bad).status, runs.get(good).status) == ("failed", "succeeded")


def test_a_row_made_past_the_facade_is_planned(manual_scheduler, recorder):
    """J5"""
    Job.objects.create(name="job", function="recorder", schedule="@every 1m", created_at=START)
    manual_scheduler.advance(5 * MINUTE)
    assert recorder.times > 0


def test_an_edit_in_bulk_takes_effect_without_a_run(manual_scheduler, recorder):
    """J5: the next claim notices that the schedule is not the one planned."""
    add()
    Job.objects.update(schedule="@every 1h")
    manual_scheduler.advance(2 * MINUTE)
    assert recorder.times == 0
    assert jobs.get("job").next_run_at == START + timedelta(hours=1)


def test_runs_due_at_once_start_in_the_order_of_priority(manual_scheduler, recorder):
    """T11"""
    for name, priority in (("late", 5), ("soon", -5), ("middle", 0)):
        add(name, priority=priority)
    manual_scheduler.advance(MINUTE)
    assert [c.job_name for c in recorder.contexts] == ["soon", "middle", "late"]


def test_a_run_past_its_start_deadline_is_skipped(manual_scheduler, recorder):
    """semantics 5"""
    add(schedule=manual(), start_deadline=60)
    jobs.trigger("job")
    manual_scheduler.clock.advance(61)
    manual_scheduler.run_due()
    assert story() == [(0, "skipped", "expired")]


def test_a_triggered_run_does_not_move_the_schedule(manual_scheduler, recorder):
    """T3"""
    add(schedule=every(hours=1))
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    assert runs.get(run).status == "succeeded"
    assert jobs.get("job").next_run_at == START + timedelta(hours=1)


def test_the_high_water_mark_survives_pruned_history(manual_scheduler, recorder):
    """peers: doubles when deduplication rows go early."""
    add()
    manual_scheduler.advance(3 * MINUTE)
    Run.objects.all().delete()
    JobClock.objects.update(next_run_at=START, next_occurrence=START + MINUTE)
    manual_scheduler.run_due()
    assert recorder.times == 3
    assert jobs.get("job").next_run_at == START + 4 * MINUTE


def test_a_claim_is_a_constant_number_of_queries_more_per_job(
    manual_scheduler, recorder, django_assert_max_num_queries
):
    """T2: an idle turn does not grow with the number of jobs."""
    for number in range(30):
        add(f"job {number}", schedule=cron("0 0 1 1 *"))
    manual_scheduler.run_due()
    with django_assert_max_num_queries(8):
        manual_scheduler.scheduler.tick()


def test_run_ids_sort_by_time(manual_scheduler, recorder):
    """engine 5"""
    add()
    manual_scheduler.advance(5 * MINUTE)
    newest = Run.objects.aggregate(Max("scheduled_for"))["scheduled_for__max"]
    assert Run.objects.order_by("-pk")[0].scheduled_for == newest


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
def test_the_zone_of_the_job_decides_the_hour(manual_scheduler, recorder, zone):
    """S11"""
    add(schedule=cron("0 9 * * *", timezone=zone))
    manual_scheduler.advance(timedelta(days=1))
    run = Run.objects.get()
    assert run.scheduled_for.astimezone(ZoneInfo(zone)).hour == 9
