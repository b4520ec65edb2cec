"""A new time zone database, or new cron rules: an edit of every job, never retroactive (S11)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs
from django_scheduler.engine import new_rules
from django_scheduler.models import Installation, Job, JobClock, Run
from tests.engine.stories import START, add

HOUR = timedelta(hours=1)
NINE = START + 9 * HOUR


def planned_by_older_rules(occurrence, **clock):
    """The job's clock stands where another version of the zone's rules had put it."""
    JobClock.objects.update(next_run_at=occurrence, next_occurrence=occurrence, **clock)
    Installation.objects.update_or_create(pk=1, defaults={"rules": "older"})


def test_the_rules_are_remembered_by_the_first_start(manual_scheduler, recorder):
    manual_scheduler.run_due()
    assert Installation.objects.get().rules == new_rules.present_rules()


@pytest.mark.parametrize("occurrence", [NINE - HOUR, NINE + HOUR])
def test_a_start_with_new_rules_moves_the_next_run(manual_scheduler, recorder, occurrence):
    add(schedule=cron("0 9 * * *", timezone="UTC"))
    planned_by_older_rules(occurrence)
    manual_scheduler.run_due()
    assert jobs.get("job").next_run_at == NINE
    manual_scheduler.advance(12 * HOUR)
    assert [each.scheduled_for for each in recorder.contexts] == [NINE]
    assert Installation.objects.get().rules == new_rules.present_rules()


def test_a_start_with_the_same_rules_looks_at_no_job(
    manual_scheduler, recorder, django_assert_num_queries
):
    add(schedule=cron("0 9 * * *", timezone="UTC"))
    new_rules.follow_new_rules(START, "default")
    planned = NINE + HOUR
    JobClock.objects.update(next_run_at=planned, next_occurrence=planned)
    with django_assert_num_queries(1):
        assert new_rules.follow_new_rules(START, "default") == 0


def test_new_rules_are_never_retroactive(manual_scheduler, recorder):
    """At ten, what the new rules put at nine is past: tomorrow is next."""
    add(schedule=cron("0 9 * * *", timezone="UTC"))
    manual_scheduler.clock.advance(10 * HOUR)
    planned_by_older_rules(START + 11 * HOUR)
    manual_scheduler.run_due()
    assert recorder.times == 0
    assert jobs.get("job").next_run_at == NINE + 24 * HOUR


def test_what_was_due_already_is_caught_up_with(manual_scheduler, recorder):
    """T8: the day's occurrence is not lost to an update during an outage."""
    add(schedule=cron("0 9 * * *", timezone="UTC"))
    manual_scheduler.clock.advance(30 * HOUR)
    planned_by_older_rules(NINE + HOUR)
    manual_scheduler.run_due()
    assert [each.scheduled_for for each in recorder.contexts] == [NINE]


def test_a_firing_that_the_rules_put_later_waits_for_it(manual_scheduler, recorder):
    """S11: also without a restart nothing runs twice for one occurrence."""
    add(schedule=cron("0 9 * * *", timezone="UTC"))
    manual_scheduler.run_due()
    planned = NINE - HOUR
    JobClock.objects.update(next_run_at=planned, next_occurrence=planned)
    manual_scheduler.advance(24 * HOUR)
    assert [each.scheduled_for for each in recorder.contexts] == [NINE]


@pytest.mark.parametrize("days", [1, 40])
def test_jobs_that_need_no_new_next_run_keep_theirs(manual_scheduler, recorder, days):
    add(schedule=every(hours=5))
    later = START + timedelta(days=days)
    jobs.update("job", schedule=cron(f"0 0 {later.day} {later.month} *", timezone="UTC"))
    jobs.run_within("job", 3600)
    Installation.objects.update_or_create(pk=1, defaults={"rules": "older"})
    manual_scheduler.run_due()
    clock = JobClock.objects.get()
    assert (clock.next_run_at, clock.next_occurrence) == (START + HOUR, later)


def test_a_time_chosen_by_the_job_is_kept(manual_scheduler, recorder):
    """S9"""
    add(schedule=every(hours=1), next_run_in=timedelta(minutes=7))
    Installation.objects.update_or_create(pk=1, defaults={"rules": "older"})
    manual_scheduler.run_due()
    assert jobs.get("job").next_run_at == START + timedelta(minutes=7)


def test_all_jobs_are_gone_through_in_batches(manual_scheduler, recorder, monkeypatch):
    monkeypatch.setattr(new_rules, "_BATCH", 2)
    for name in "abcde":
        add(name, schedule=cron("0 9 * * *", timezone="UTC"))
    planned_by_older_rules(NINE + HOUR)
    assert new_rules.follow_new_rules(START, "default") == 5
    assert set(JobClock.objects.values_list("next_run_at", flat=True)) == {NINE}


def test_a_job_that_cannot_be_planned_any_more_is_set_aside_alone(manual_scheduler, recorder):
    """T10"""
    add("good", schedule=cron("0 9 * * *", timezone="UTC"))
    add("bad", schedule=cron("0 9 * * *", timezone="UTC"))
    planned_by_older_rules(NINE + HOUR)
    Job.objects.filter(name="bad").update(timezone="Mars/Base")
    JobClock.objects.filter(job__name="bad").update(planned_spec="Mars/Base 0 9 * * *")
    new_rules.follow_new_rules(START, "default")
    assert (jobs.get("bad").state, jobs.get("good").next_run_at) == ("broken", NINE)
    assert not Run.objects.exists()
