"""What goes wrong under way: rows edited before a claim, values no database takes, trouble."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import OperationalError

from django_scheduler import every, jobs, manual, runs
from django_scheduler.engine import turn
from django_scheduler.lifecycle import Finished, GivenBack
from django_scheduler.models import Job, Run
from django_scheduler.runner import DirectReporter
from django_scheduler.signals import run_record_failed
from django_scheduler.states import RunStatus
from tests.engine.stories import START, add, story

SECONDS = timedelta(seconds=1)


def _due_in_five_seconds(manual_scheduler):
    """A job that comes due before the reconciler's next round."""
    add(schedule=every(seconds=5))
    manual_scheduler.run_due()


def test_a_claim_that_finds_another_schedule_makes_no_run(manual_scheduler, recorder):
    """J5: never retroactive, also for an edit in SQL just before the firing."""
    _due_in_five_seconds(manual_scheduler)
    Job.objects.update(schedule="@every 1h")
    manual_scheduler.advance(6 * SECONDS)
    assert story() == []
    assert jobs.get("job").next_run_at == START + timedelta(hours=1)


def test_an_instant_that_the_edited_schedule_names_too_runs(manual_scheduler, recorder):
    """J5, T8: whenever the edit was made, it is no repeat and nothing of the past."""
    _due_in_five_seconds(manual_scheduler)
    Job.objects.update(schedule="@every 5s")
    manual_scheduler.advance(6 * SECONDS)
    assert [each.scheduled_for for each in recorder.contexts] == [START + 5 * SECONDS]


def test_a_claim_that_cannot_read_the_schedule_sets_the_job_aside(manual_scheduler, recorder):
    """T10"""
    _due_in_five_seconds(manual_scheduler)
    Job.objects.update(timezone="Mars/Olympus")
    manual_scheduler.advance(6 * SECONDS)
    job = jobs.get("job")
    assert (job.state, story()) == ("broken", [])
    assert "Mars/Olympus" in job.error


def test_catching_up_waits_for_the_active_run(manual_scheduler, recorder):
    """T8: catching up is not overlapping."""
    add(schedule=every(minutes=1), catch_up="all", misfire_grace=0)
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + timedelta(minutes=5))
    manual_scheduler.clock.advance(timedelta(minutes=3, seconds=30))
    manual_scheduler.run_due()
    assert recorder.times == 0
    manual_scheduler.clock.advance(timedelta(minutes=1, seconds=30))
    manual_scheduler.run_due()
    due = [c.scheduled_for for c in recorder.contexts if c.trigger != "manual"]
    assert due == [START + timedelta(minutes=n) for n in (1, 2, 3, 4, 5)]


def _running(manual_scheduler, name):
    """A run this process owns and has not ended."""
    add(name, schedule=manual())
    run = jobs.trigger(name)
    manual_scheduler.run_due()
    mine = manual_scheduler.scheduler.session.membership.id
    Run.objects.filter(pk=run.pk).update(
        status="running", process=mine, epoch=1, finished_at=None, left_at=None
    )
    manual_scheduler.scheduler.session.turn.held[run.pk] = "default"
    return Run.objects.get(pk=run.pk)


def _finished(run, **fields):
    return Finished(
        run.pk, run.job_id, run.process, 1, RunStatus.SUCCEEDED, started_at=run.started_at, **fields
    )


def test_one_bad_outcome_does_not_lose_the_others(manual_scheduler, recorder):
    """engine 1: halve on error; how the run ended is kept although what it left is not."""
    good, bad = (_running(manual_scheduler, name) for name in ("good", "bad"))
    outbox = manual_scheduler.scheduler.session.outbox
    outbox.tell(_finished(bad, result="lost", progress={"completed": 5, "total": 3}))
    outbox.tell(_finished(good, result="kept"))
    manual_scheduler.run_due()
    good, bad = runs.get(good), runs.get(bad)
    assert (good.status, good.result) == ("succeeded", "kept")
    assert (bad.status, bad.result) == ("succeeded", None)
    assert "could not be stored" in bad.error


def test_an_outcome_that_cannot_be_written_at_all_is_announced(manual_scheduler, recorder):
    """R6"""
    run = _running(manual_scheduler, "job")
    heard = []

    def receiver(**facts):
        heard.append((facts["run_id"], facts["status"]))

    run_record_failed.connect(receiver)
    try:
        impossible = START.replace(year=1)
        outbox = manual_scheduler.scheduler.session.outbox
        outbox.tell(
            Finished(
                run.pk, run.job_id, run.process, 1, RunStatus.SUCCEEDED,
                started_at=impossible, duration=timedelta.min,
            )
        )  # fmt: skip
        manual_scheduler.run_due()
    finally:
        run_record_failed.disconnect(receiver)
    assert heard == [(run.pk, "succeeded")]


@pytest.mark.django_db(transaction=True)
def test_trouble_with_the_database_is_logged_once_and_nothing_is_forgotten(
    manual_scheduler, recorder, monkeypatch, caplog
):
    """P9"""
    run = _running(manual_scheduler, "job")
    session = manual_scheduler.scheduler.session
    session.outbox.tell(_finished(run, result="kept"))
    real, trouble = turn.read_now, [OperationalError("gone")] * 3

    def read_now(clock, using):
        if trouble:
            raise trouble.pop()
        return real(clock, using)

    monkeypatch.setattr(turn, "read_now", read_now)
    with caplog.at_level(logging.WARNING, logger="django_scheduler.engine"):
        waits = [session.step().total_seconds() for _ in range(3)]
        session.step()
    assert waits == [0.1, 0.2, 0.4]
    assert runs.get(run).result == "kept"
    assert [record.getMessage() for record in caplog.records] == [
        "The database cannot be used, trying again: gone",
        "The database is back",
    ]


def test_a_fact_that_comes_too_late_changes_nothing(manual_scheduler, recorder):
    """I3"""
    run = _running(manual_scheduler, "job")
    outbox = manual_scheduler.scheduler.session.outbox
    outbox.tell(_finished(run, result="first"))
    outbox.tell(_finished(run, result="second"))
    outbox.tell(GivenBack(run.pk, run.job_id, run.process, 1, due_at=START))
    manual_scheduler.run_due()
    assert (runs.get(run).status, runs.get(run).result) == ("succeeded", "first")


@pytest.mark.django_db(transaction=True)
def test_a_reporter_tries_for_its_budget_and_then_says_so(
    scheduler_clock, manual_scheduler, recorder, monkeypatch
):
    """R6"""
    run = _running(manual_scheduler, "job")
    reporter = DirectReporter(scheduler_clock, "nowhere", timedelta(seconds=5))
    tries = []

    def once(self, fact):
        tries.append(scheduler_clock.now())
        raise OperationalError("gone")

    monkeypatch.setattr(DirectReporter, "_once", once)
    heard = []

    def receiver(**facts):
        heard.append(facts["run_id"])

    run_record_failed.connect(receiver)
    try:
        assert reporter.ask(_finished(run)) is False
    finally:
        run_record_failed.disconnect(receiver)
    assert heard == [run.pk]
    assert tries[-1] - tries[0] <= timedelta(seconds=5)
    assert len(tries) > 5
