"""Edits, pauses and new rules around what was dealt with ahead of its time, or is only waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs, once, runs
from django_scheduler.engine import new_rules
from django_scheduler.exceptions import InvalidRunState
from django_scheduler.lifecycle import occurrence_key
from django_scheduler.models import Installation, Job, JobClock, Run
from django_scheduler.testing import ManualScheduler
from tests.engine.stories import MINUTE, START, add, lasting, minutes

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def bring_forward(manual_scheduler):
    jobs.run_within("job", 0)
    manual_scheduler.run_due()


def skip(manual_scheduler):
    jobs.skip_next("job")


def by_facade(**fields):
    jobs.update("job", **fields)


def in_bulk(**fields):
    Job.objects.filter(name="job").update(**fields)


def by_saving(**fields):
    job = Job.objects.get(name="job")
    for name, value in fields.items():
        setattr(job, name, value)
    job.save()


@pytest.mark.parametrize("edit", [by_facade, in_bulk, by_saving])
@pytest.mark.parametrize("ahead", [bring_forward, skip])
def test_what_was_dealt_with_ahead_says_nothing_of_another_schedule(
    manual_scheduler, recorder, ahead, edit
):
    """J5, C6: the new schedule begins strictly after the edit, not after the old one's instant."""
    add(schedule="@yearly")
    manual_scheduler.run_due()
    ahead(manual_scheduler)
    manual_scheduler.advance(MINUTE / 2)
    before = recorder.times
    edit(schedule="*/10 * * * *")
    manual_scheduler.advance(timedelta(seconds=10))
    manual_scheduler.advance(HOUR)
    assert recorder.times - before == 6


@pytest.mark.parametrize("edit", [{"jitter": 1}, {"max_runs": 9}, {"description": "new"}])
def test_what_was_skipped_stays_skipped_when_the_schedule_stays(manual_scheduler, recorder, edit):
    add(schedule=every(hours=1))
    jobs.skip_next("job")
    jobs.update("job", **edit)
    assert jobs.get("job").clock.next_occurrence == START + 2 * HOUR
    jobs.pause("job")
    assert jobs.resume("job").clock.next_occurrence == START + 2 * HOUR
    manual_scheduler.advance(3 * HOUR + MINUTE)
    assert [c.scheduled_for for c in recorder.contexts] == [START + 2 * HOUR, START + 3 * HOUR]


def test_a_first_run_brought_forward_and_missed_takes_no_time_with_it(manual_scheduler, recorder):
    """J9: what was chosen for ten hours on and wanted at once passes over nothing else."""
    add(schedule=every(minutes=10), next_run_in=10 * HOUR)
    jobs.run_within("job", 60)
    manual_scheduler.clock.advance(5 * MINUTE)
    jobs.update("job", schedule="*/5 * * * *")
    manual_scheduler.advance(10 * MINUTE)
    assert [minutes(c.scheduled_for) for c in recorder.contexts] == [10, 15]


@pytest.mark.parametrize("edit", [in_bulk, by_saving])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"start_at": START + 2 * DAY}, {"start_at": None}),
        ({"jitter": HOUR}, {"jitter": None}),
        ({"end_at": START + MINUTE}, {"end_at": None}),
        ({"max_runs": 1}, {"max_runs": 100}),
    ],
)
def test_a_window_edited_past_the_facade_is_noticed(
    manual_scheduler, recorder, edit, before, after
):
    """J5: also of a job that had ended."""
    add(schedule=every(minutes=10), **before)
    manual_scheduler.advance(11 * MINUTE)
    recorder.contexts.clear()
    edit(**after)
    manual_scheduler.clock.advance(timedelta(seconds=11))
    manual_scheduler.advance(25 * MINUTE)
    assert [minutes(c.scheduled_for) for c in recorder.contexts] == [20, 30]


@pytest.mark.parametrize("edit", [in_bulk, by_saving])
def test_an_ended_job_goes_on_by_an_edit_past_the_facade(manual_scheduler, recorder, edit):
    """J5: and nothing of what lies behind is caught up with."""
    add(schedule=once(START + MINUTE), catch_up="all")
    manual_scheduler.advance(5 * MINUTE)
    assert jobs.get("job").state == "ended"
    manual_scheduler.clock.advance(5 * HOUR)
    edit(schedule="*/10 * * * *")
    manual_scheduler.advance(20 * MINUTE)
    assert [minutes(c.scheduled_for) for c in recorder.contexts] == [1, 310, 320]


@pytest.mark.parametrize(
    "edit", [{"max_runs": 1000}, {"jitter": 1}, {"description": "new"}, {"overlap": "queue"}]
)
def test_an_edit_during_a_pause_does_not_shorten_it(manual_scheduler, recorder, edit):
    """C1: resume(mode="all") means all of the pause."""
    add(schedule=every(minutes=10))
    jobs.pause("job")
    manual_scheduler.advance(2 * HOUR)
    jobs.update("job", **edit)
    manual_scheduler.advance(HOUR)
    jobs.resume("job", mode="all")
    manual_scheduler.advance(MINUTE)
    assert recorder.times == 18


@pytest.mark.parametrize(
    "edit", [{"timezone": "Asia/Tokyo"}, {"schedule": "@at 2026-01-01T02:00:00+01:00"}]
)
def test_an_instant_told_otherwise_is_not_set_anew(manual_scheduler, recorder, edit):
    """S7: it runs once, also when its history is gone."""
    add(schedule=once(START + HOUR))
    manual_scheduler.advance(2 * HOUR)
    Run.objects.all().delete()
    jobs.update("job", **edit)
    manual_scheduler.advance(MINUTE)
    assert recorder.times == 1
    assert jobs.get("job").state == "ended"


def test_an_instant_that_is_owed_stays_so_when_it_is_told_otherwise(manual_scheduler, recorder):
    add(schedule=once(START - HOUR))
    jobs.update("job", timezone="Asia/Tokyo")
    manual_scheduler.run_due()
    assert recorder.times == 1
    assert not Run.objects.filter(status="skipped").exists()


@pytest.mark.parametrize("order", [lambda: jobs.update("job", jitter=0.5), lambda: None])
def test_a_pause_that_is_over_counts_only_until_then(manual_scheduler, recorder, order):
    """C1, T8: whoever notices it, and whenever."""
    add(schedule=every(minutes=10), catch_up="all")
    jobs.pause("job", until=START + 5 * MINUTE)
    manual_scheduler.clock.advance(HOUR + MINUTE)
    order()
    manual_scheduler.kill()
    manual_scheduler.run_due()
    recorded = sum(Run.objects.filter(status="skipped").values_list("missed", flat=True))
    assert recorder.times + recorded == 6


def test_resuming_a_pause_that_is_over_resumes_it_as_of_then(manual_scheduler, recorder):
    add(schedule=every(minutes=10), catch_up="all")
    jobs.pause("job", until=START + 25 * MINUTE)
    manual_scheduler.clock.advance(HOUR + MINUTE)
    jobs.resume("job")
    manual_scheduler.run_due()
    assert [minutes(c.scheduled_for) for c in recorder.contexts] == [30, 40, 50, 60]


def restart_by_other_rules(manual_scheduler):
    Installation.objects.update_or_create(pk=1, defaults={"rules": "older"})
    manual_scheduler.kill()
    manual_scheduler.run_due()


def test_new_rules_leave_what_waits_for_its_jitter(manual_scheduler, recorder):
    """S11, S12: it is due, nominally."""
    add(schedule=cron("0 * * * *"), jitter=30 * MINUTE)
    manual_scheduler.run_due()
    manual_scheduler.clock.advance(HOUR)
    clock = JobClock.objects.get()
    assert clock.next_run_at > START + HOUR == clock.next_occurrence
    restart_by_other_rules(manual_scheduler)
    manual_scheduler.advance(45 * MINUTE)
    assert [c.key for c in recorder.contexts] == ["2026-01-01T01:00:00Z"]


def test_new_rules_leave_what_waits_to_be_caught_up_with(manual_scheduler, recorder):
    """S11, T8"""
    add(schedule=cron("*/5 * * * *"), catch_up="all", overlap="allow", max_running=50)
    manual_scheduler.clock.advance(5 * HOUR)
    manual_scheduler.scheduler.tick()
    restart_by_other_rules(manual_scheduler)
    manual_scheduler.advance(MINUTE)
    assert len({each.key for each in recorder.contexts}) == 60
    assert new_rules.present_rules() == Installation.objects.get().rules


@pytest.mark.parametrize("edit", [by_facade, in_bulk, by_saving])
def test_a_second_pause_of_everything_makes_the_first_no_shorter(manual_scheduler, recorder, edit):
    """C4: paused time is not missed time."""
    add(schedule=every(minutes=10))
    jobs.pause_all("fire")
    manual_scheduler.advance(2 * HOUR)
    jobs.pause_all("flood")
    row = Installation.objects.get()
    assert (row.paused_at, row.pause_reason) == (START, "flood")
    edit(jitter=MINUTE / 60)
    manual_scheduler.advance(timedelta(seconds=11))
    jobs.resume_all()
    manual_scheduler.advance(MINUTE)
    assert not Run.objects.exists()


def test_the_pause_of_everything_is_none_of_what_waits_to_be_caught_up_with(stage):
    """C4: also of a job whose next run waits for an active one to end."""
    lasting(schedule="*/10 * * * *", minutes=60, catch_up="all", misfire_grace=0)
    stage.advance(11 * MINUTE)
    stage.clock.advance(20 * MINUTE)
    stage.run_due()
    jobs.pause_all("fire")
    stage.clock.advance(20 * MINUTE)
    jobs.resume_all()
    stage.advance(25 * MINUTE)
    told = Run.objects.filter(status="skipped").values_list("scheduled_for", "missed")
    assert [(minutes(at), missed) for at, missed in told] == [(30, 2)]
    assert not Run.objects.filter(key__contains="00:40").exists()


def test_a_running_fixed_delay_cannot_be_brought_forward(stage):
    """S6, T4: the end of the run sets its next time."""
    lasting(schedule="@every 10m after finish", minutes=60, max_runs=3)
    stage.advance(30 * MINUTE)
    with pytest.raises(InvalidRunState) as raised:
        jobs.run_within("job", 0)
    assert raised.value.field == "state"
    stage.advance(5 * HOUR)
    assert Run.objects.count() == 3


def test_a_skipped_run_that_is_run_after_all_is_not_early(manual_scheduler, recorder):
    """C6: never early: it is scheduled for when it was asked for."""
    add(schedule=every(hours=1))
    again = runs.retry(jobs.skip_next("job"))
    assert (again.scheduled_for, again.key) == (START, "2026-01-01T01:00:00Z")
    manual_scheduler.run_due()
    assert runs.get(again).started_at >= again.scheduled_for


def test_a_record_of_missed_occurrences_is_no_run_to_repeat(manual_scheduler, recorder):
    add(schedule=every(minutes=10))
    manual_scheduler.clock.advance(HOUR)
    jobs.pause("job")
    with pytest.raises(InvalidRunState, match="6 missed occurrences"):
        runs.retry(Run.objects.get())


@pytest.mark.parametrize("edit", [by_facade, in_bulk, by_saving])
@pytest.mark.parametrize("schedule", ["@every 1s", "@every 2s"])
def test_an_instant_claimed_a_moment_ago_that_the_new_schedule_has_too_is_not_on_record_twice(
    db, scheduler_clock, recorder, edit, schedule
):
    """T1: neither as a run nor as missed, where there is no grace at all for being late."""
    manual_scheduler = ManualScheduler(scheduler_clock, horizon=timedelta(seconds=0.25))
    jobs.add("job", function="recorder", schedule="@every 4s", misfire_grace=0, catch_up="skip")
    manual_scheduler.advance(3.8)
    claimed = Run.objects.get()
    assert claimed.scheduled_for == START + timedelta(seconds=4)
    edit(schedule=schedule)
    scheduler_clock.advance(0.21)
    manual_scheduler.advance(6)
    at_it = Run.objects.filter(key__contains=occurrence_key(claimed.scheduled_for))
    assert [(run.pk, run.status) for run in at_it] == [(claimed.pk, "succeeded")]
    manual_scheduler.close()
