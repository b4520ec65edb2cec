"""Leaving the next run out, and the records of what is passed over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs, manual, once
from django_scheduler.exceptions import InvalidRunState, JobNotFound
from django_scheduler.models import Job, JobClock, Run
from tests.facades.fixed import DAY, HOUR, MINUTE, NOW, make_row

pytestmark = pytest.mark.django_db


def records(name="plain"):
    """The job's runs as (scheduled for, reason, how many it stands for), oldest first."""
    rows = Run.objects.filter(job_name=name).order_by("scheduled_for", "pk")
    assert {run.status for run in rows} <= {"skipped"}
    return [(run.scheduled_for, run.reason, run.missed) for run in rows]


@pytest.mark.parametrize(
    ("schedule", "skipped", "following"),
    [
        (every(hours=1), NOW + HOUR, NOW + 2 * HOUR),
        (cron("0 9 * * *", timezone="UTC"), NOW + 21 * HOUR, NOW + 45 * HOUR),
        (every(hours=1, after="finish"), NOW + HOUR, NOW + 2 * HOUR),
    ],
)
def test_skip_next_leaves_one_out_and_records_it(schedule, skipped, following):
    """C6: the one after it stays as it was."""
    jobs.add("plain", schedule=schedule)
    run = jobs.skip_next("plain")
    assert (run.status, run.reason, run.scheduled_for) == ("skipped", "asked", skipped)
    assert jobs.get("plain").next_run_at == following
    assert JobClock.objects.get().planned_until == skipped
    assert records() == [(skipped, "asked", 0)]


def test_skip_next_twice_leaves_two_out():
    jobs.add("plain", schedule=every(hours=1))
    jobs.skip_next("plain")
    jobs.skip_next("plain")
    assert [each for each, _, _ in records()] == [NOW + HOUR, NOW + 2 * HOUR]
    assert jobs.get("plain").next_run_at == NOW + 3 * HOUR


def test_skip_next_of_one_brought_forward_leaves_that_occurrence_out():
    jobs.add("plain", schedule=every(hours=1))
    jobs.run_within("plain", 60)
    assert jobs.skip_next("plain").scheduled_for == NOW + HOUR
    assert jobs.get("plain").next_run_at == NOW + 2 * HOUR


def test_skip_next_of_the_only_one_ends_the_job():
    """S7: and what was skipped never runs again."""
    jobs.add("plain", schedule=once(NOW + HOUR))
    jobs.skip_next("plain")
    assert (jobs.get("plain").state, jobs.get("plain").next_run_at) == ("ended", None)


def test_a_skipped_one_does_not_count_for_max_runs():
    jobs.add("plain", schedule=every(hours=1), max_runs=1)
    jobs.skip_next("plain")
    assert (jobs.get("plain").state, jobs.get("plain").next_run_at) == ("active", NOW + 2 * HOUR)


def test_skip_next_without_a_next_run_is_refused():
    jobs.add("plain", schedule=manual())
    with pytest.raises(InvalidRunState) as raised:
        jobs.skip_next("plain")
    assert raised.value.field == "state"
    assert not Run.objects.exists()


@pytest.mark.parametrize("state", ["paused", "ended", "broken"])
def test_skip_next_of_a_job_that_is_not_planned_is_refused(state):
    """C5"""
    jobs.add("plain", schedule=every(hours=1))
    Job.objects.update(state=state)
    with pytest.raises(InvalidRunState):
        jobs.skip_next("plain")
    assert not Run.objects.exists()


def test_skip_next_of_nobody_is_job_not_found():
    with pytest.raises(JobNotFound):
        jobs.skip_next("nobody")


def pause(**_fields):
    jobs.pause("plain")


def edit(**fields):
    jobs.update("plain", **(fields or {"schedule": "@daily"}))


@pytest.mark.parametrize("order", [pause, edit])
@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        (HOUR - MINUTE, []),
        (HOUR, [(NOW + HOUR, "missed", 1)]),
        (5 * HOUR + MINUTE, [(NOW + 5 * HOUR, "missed", 5)]),
    ],
)
def test_what_was_due_and_not_begun_is_recorded(clock, order, waited, expected):
    """T8: a pause or an edit passes over nothing silently."""
    jobs.add("plain", schedule=every(hours=1))
    clock.advance(waited)
    order()
    assert records() == expected


def test_the_record_names_the_first_and_the_last(clock):
    jobs.add("plain", schedule=every(hours=1))
    clock.advance(3 * HOUR)
    jobs.pause("plain")
    assert Run.objects.get().key == "missed:2026-03-02T13:00:00Z/2026-03-02T15:00:00Z"
    assert jobs.resume("plain").next_run_at == NOW + 4 * HOUR
    assert len(records()) == 1


def test_an_edit_goes_by_the_window_before_it(clock):
    """S8: what the old window left out was not missed."""
    jobs.add("plain", schedule=every(hours=1), start_at=NOW + 3 * HOUR)
    clock.advance(4 * HOUR)
    edit(start_at=None)
    assert records() == [(NOW + 4 * HOUR, "missed", 2)]


def test_an_edit_that_changes_no_timing_leaves_what_is_due(clock):
    jobs.add("plain", schedule=every(hours=1))
    clock.advance(2 * HOUR)
    edit(description="new")
    assert records() == []
    assert jobs.get("plain").next_run_at == NOW + HOUR


def test_an_edit_of_a_paused_job_misses_nothing(clock):
    """C1: paused time is not missed time."""
    jobs.add("plain", schedule=every(hours=1))
    jobs.pause("plain")
    clock.advance(5 * HOUR)
    edit()
    assert records() == []


def test_mending_a_broken_job_records_what_it_missed(clock):
    jobs.add("plain", schedule=every(hours=1))
    Job.objects.update(state="broken", error="gone")
    JobClock.objects.update(next_run_at=None, next_occurrence=None)
    clock.advance(3 * HOUR)
    edit(schedule="@daily")
    assert records() == [(NOW + 3 * HOUR, "missed", 3)]


def test_a_fixed_delay_that_waits_for_a_run_misses_nothing(clock):
    """S6: its next occurrence is not known before the run has ended."""
    make_row(jobs.add("plain", schedule=every(hours=1, after="finish")), "running")
    JobClock.objects.update(next_run_at=None, next_occurrence=None)
    clock.advance(5 * HOUR)
    jobs.pause("plain")
    assert Run.objects.filter(status="skipped").count() == 0
    assert jobs.resume("plain").next_run_at is None


def test_a_fixed_delay_goes_on_where_it_was_when_resumed(clock):
    """S6: measured from the recorded end, but never at once."""
    jobs.add("plain", schedule=every(hours=1, after="finish"))
    Job.objects.update(last_finished_at=NOW)
    jobs.pause("plain")
    clock.advance(HOUR / 2)
    assert jobs.resume("plain").next_run_at == NOW + HOUR
    jobs.pause("plain")
    clock.advance(5 * HOUR)
    assert jobs.resume("plain").next_run_at == NOW + 6.5 * HOUR


def test_pause_of_everything_records_what_was_due_before_it(clock):
    """C4: and not what came due during it."""
    jobs.add("plain", schedule=every(hours=1))
    clock.advance(2 * HOUR)
    jobs.pause_all("fire")
    clock.advance(10 * HOUR)
    jobs.resume_all()
    assert records() == [(NOW + 2 * HOUR, "missed", 2)]
    assert jobs.get("plain").next_run_at == NOW + 13 * HOUR


def test_resuming_everything_that_was_not_paused_moves_nothing(clock):
    jobs.add("plain", schedule=every(hours=1))
    clock.advance(2 * HOUR)
    jobs.resume_all()
    assert jobs.get("plain").next_run_at == NOW + HOUR


def test_a_first_run_set_by_hand_counts_once_when_passed_over(clock):
    """J9: it took the place of what the schedule named before it."""
    jobs.add("plain", schedule=every(minutes=1), next_run_in=timedelta(hours=2))
    clock.advance(HOUR)
    jobs.pause("plain")
    assert records() == []
    jobs.remove("plain")
    jobs.add("plain", schedule=every(minutes=1), next_run_in=timedelta(hours=2))
    clock.advance(DAY)
    jobs.pause("plain")
    assert records() == [(NOW + 3 * HOUR, "missed", 1)]
