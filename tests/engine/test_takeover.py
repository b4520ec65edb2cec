"""Several processes on one clock, some of them dead, frozen or mistaken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from django_scheduler import every, jobs, manual
from django_scheduler.models import Process, Run
from django_scheduler.runner import Membership
from django_scheduler.states import ALIVE, ProcessState
from django_scheduler.testing import ManualScheduler
from tests.engine.stories import MINUTE, lasting, timeline

SECOND = timedelta(seconds=1)


def _crash_in(scheduler, recorder):
    """Let the recorder's next call vanish with its process."""

    def vanish(context):
        scheduler.scheduler.session.turn.take(claim=False)
        recorder.behaviour = None
        scheduler.scheduler.session.watch.all()[0].settle()
        scheduler.kill()

    recorder.behaviour = vanish


def _pass(scheduler, seconds):
    for _ in range(seconds):
        scheduler.clock.advance(SECOND)
        scheduler.run_due()


def test_two_schedulers_make_one_run_of_an_occurrence(scheduler_clock, recorder, db):
    """T1"""
    pair = [ManualScheduler(scheduler_clock), ManualScheduler(scheduler_clock)]
    jobs.add("job", function="recorder", schedule=every(seconds=1))
    for _ in range(20):
        scheduler_clock.advance(SECOND)
        for scheduler in pair:
            scheduler.run_due()
    assert recorder.times == 20
    assert Run.objects.count() == 20
    for scheduler in pair:
        scheduler.close()


def test_a_dead_processs_run_is_lost_within_lease_and_beats_and_tried_again(
    manual_scheduler, recorder
):
    """P5, I5"""
    jobs.add("job", function="recorder", schedule=manual())
    run = jobs.trigger("job")
    _crash_in(manual_scheduler, recorder)
    manual_scheduler.run_due()
    assert Run.objects.get(pk=run.pk).status == "running"
    _pass(manual_scheduler, 35)
    statuses = list(Run.objects.order_by("number").values_list("status", "attempt"))
    assert statuses == [("lost", 1), ("succeeded", 2)]


def test_a_run_that_had_not_begun_is_freed_without_burning_an_attempt(manual_scheduler, recorder):
    """I5"""
    jobs.add("job", function="recorder", schedule=manual())
    manual_scheduler.run_due()
    ghost = manual_scheduler.scheduler.session.membership.id
    run = jobs.trigger("job")
    Run.objects.filter(pk=run.pk).update(process=ghost, due_at=None, epoch=1)
    manual_scheduler.kill()
    _pass(manual_scheduler, 35)
    found = Run.objects.get(pk=run.pk)
    assert (found.status, found.attempt, found.epoch) == ("succeeded", 1, 3)


def test_a_lease_is_over_only_if_the_same_beat_was_read_twice(manual_scheduler, recorder):
    """I4: after an outage the first process back must not bury all the others."""
    other = ManualScheduler(manual_scheduler.clock)
    other.run_due()
    manual_scheduler.clock.advance(3600)
    manual_scheduler.run_due()
    other.run_due()
    _pass(manual_scheduler, 1)
    alive = Process.objects.filter(state=ProcessState.RUNNING.value).count()
    assert alive == 2
    other.close()


def test_a_frozen_process_that_was_given_up_writes_nothing(manual_scheduler, recorder):
    """P6, I4"""
    frozen = ManualScheduler(manual_scheduler.clock)
    frozen.run_due()
    old = frozen.scheduler.session.membership.id
    frozen.freeze()
    _pass(manual_scheduler, 35)
    assert Process.objects.get(pk=old).state == ProcessState.DEAD
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    frozen.thaw()
    assert not frozen.scheduler.session.membership.is_safe()
    frozen.scheduler.session.turn.take()
    assert recorder.times == 0
    frozen.run_due()
    assert frozen.scheduler.session.membership.id != old
    assert recorder.times == 1
    frozen.close()


def test_rows_this_process_does_not_know_of_are_let_go(manual_scheduler, recorder):
    """I9: the answer to a commit can be lost."""
    jobs.add("job", function="recorder", schedule=manual())
    manual_scheduler.run_due()
    mine = manual_scheduler.scheduler.session.membership.id
    run = jobs.trigger("job")
    Run.objects.filter(pk=run.pk).update(process=mine, due_at=None, epoch=1)
    _pass(manual_scheduler, 12)
    assert Run.objects.get(pk=run.pk).status == "succeeded"


def test_a_job_that_must_not_repeat_is_not_tried_again(manual_scheduler, recorder):
    """semantics 1"""
    jobs.add("job", function="recorder", schedule=manual(), on_lost="fail")
    jobs.trigger("job")
    _crash_in(manual_scheduler, recorder)
    manual_scheduler.run_due()
    _pass(manual_scheduler, 40)
    assert [run.status for run in Run.objects.all()] == ["lost"]
    assert recorder.times == 1


def test_advancing_far_judges_the_dead_on_the_way(manual_scheduler, recorder):
    """K1: a test of one's own jobs need not step by hand."""
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    _crash_in(manual_scheduler, recorder)
    manual_scheduler.run_due()
    manual_scheduler.advance(60)
    assert [run.status for run in Run.objects.order_by("number")] == ["lost", "succeeded"]


def test_a_function_that_kills_its_process_is_given_up_in_the_end(manual_scheduler, recorder):
    """I5: visible in one row each, and not for ever."""
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    for _ in range(250):
        if recorder.behaviour is None:
            _crash_in(manual_scheduler, recorder)
        _pass(manual_scheduler, 1)
    assert list(Run.objects.order_by("number").values_list("status", flat=True)) == ["lost"] * 5
    assert jobs.get("job").consecutive_failures == 1


@pytest.mark.parametrize("late", [timedelta(minutes=10), SECOND])
def test_what_was_missed_runs_though_the_scheduler_died_in_a_run(stage, late):
    """T8, P5: the dead process' run still counts as active when the next scheduler begins."""
    lasting(schedule="0 * * * *", minutes=20, on_lost="fail")
    stage.advance(65 * MINUTE)
    stage.kill()
    stage.clock.advance(timedelta(hours=4, minutes=55) + late)
    stage.advance(45 * MINUTE)
    assert [row[1] for row in timeline()] == ["worker_lost", "succeeded"]
    assert Run.objects.get(status="succeeded").missed == 4


def test_what_was_missed_waits_for_a_run_that_goes_on(stage):
    """T6, T8: catching up is not overlapping; while nobody claimed, four came due."""
    lasting(schedule="0 * * * *", minutes=350)
    stage.advance(61 * MINUTE)
    stage.clock.advance(timedelta(hours=4))
    stage.advance(110 * MINUTE)
    assert [(row[0], row[1], row[2]) for row in timeline()] == [
        (60, "succeeded", 60),
        (360, "running", 410),
    ]


def _seconds_until_dead(scheduler, ghost, died):
    """Tick four times a second until the process is dead; return how long after ``died``."""
    while Process.objects.get(pk=ghost).state in ALIVE:
        scheduler.clock.advance(0.25)
        scheduler.run_due()
    return (scheduler.clock.now() - died).total_seconds()


@pytest.mark.parametrize("beats", [2, 3])
@pytest.mark.parametrize("after_a_beat", [0.0, 0.5, 0.9])
def test_takeover_comes_within_the_lease_and_one_beat(
    manual_scheduler, settings, beats, after_a_beat
):
    """P5: counted from the death, whenever in a beat it came and however short the lease."""
    settings.DJANGO_SCHEDULER = {"LEASE": beats * 2, "HEARTBEAT_INTERVAL": 2}
    survivor = ManualScheduler(manual_scheduler.clock)
    survivor.run_due()
    # Neither beats nor looks at the same instants.
    survivor.clock.advance(0.7)
    survivor.run_due()
    other = ManualScheduler(manual_scheduler.clock)
    other.run_due()
    ghost = other.scheduler.session.membership.id
    survivor.clock.advance(after_a_beat * 2)
    survivor.run_due()
    took = _seconds_until_dead(survivor, ghost, survivor.clock.now())
    assert beats * 2 - after_a_beat * 2 < took <= beats * 2 + 2
    survivor.close()


def test_who_missed_beats_itself_judges_nobody(manual_scheduler, settings):
    """I4: a judge that was away itself knows nothing of the others' silence."""
    settings.DJANGO_SCHEDULER = {"LEASE": 4, "HEARTBEAT_INTERVAL": 2}
    judge = ManualScheduler(manual_scheduler.clock)
    other = ManualScheduler(manual_scheduler.clock)
    other.run_due()
    judge.run_due()
    ghost = other.scheduler.session.membership.id
    judge.freeze()
    _pass(judge, 10)
    judge.thaw()
    judge.run_due()
    assert Process.objects.get(pk=ghost).state == ProcessState.RUNNING
    assert 3 <= _seconds_until_dead(judge, ghost, judge.clock.now()) <= 4
    judge.close()


def test_a_failed_beat_of_its_own_makes_the_judge_begin_anew(manual_scheduler, settings, beats):
    """I4: on SQLite all beats fail together while somebody holds the file."""
    settings.DJANGO_SCHEDULER = {"LEASE": 4, "HEARTBEAT_INTERVAL": 2}
    judge = ManualScheduler(manual_scheduler.clock)
    other = ManualScheduler(manual_scheduler.clock)
    other.run_due()
    judge.run_due()
    ghost = other.scheduler.session.membership.id
    mine = judge.scheduler.session.membership
    _pass(judge, 3)
    beats.fail(mine)
    _pass(judge, 4)
    assert Process.objects.get(pk=ghost).state == ProcessState.RUNNING
    assert judge.scheduler.session.membership is mine
    beats.heal()
    assert 3 <= _seconds_until_dead(judge, ghost, judge.clock.now()) <= 5
    judge.close()


@pytest.fixture
def beats(monkeypatch):
    """Lets the beats of one membership fail as on a locked file, and heals them."""

    class Beats:
        def fail(self, membership):
            self.failing = membership

        def heal(self):
            self.failing = None

    made = Beats()
    made.heal()
    real = Membership.renew

    def renew(membership):
        if membership is not made.failing:
            return real(membership)
        with monkeypatch.context() as patch:
            patch.setattr("django_scheduler.runner.membership.read_now", _locked)
            return real(membership)

    monkeypatch.setattr(Membership, "renew", renew)
    # The test's own transaction is on this connection.
    monkeypatch.setattr("django_scheduler.runner.heartbeat.close_old_connections", lambda: None)
    return made


def _locked(*_args):
    raise OperationalError("database is locked")


def test_a_suspended_machines_lease_goes_on(manual_scheduler, recorder):
    """I6: nothing begins after a sleep longer than the lease, before a beat says it may."""
    jobs.add("job", function="recorder", schedule=manual())
    manual_scheduler.run_due()
    session = manual_scheduler.scheduler.session
    monotonic = manual_scheduler.clock.monotonic()
    manual_scheduler.clock.suspend(3600)
    assert manual_scheduler.clock.monotonic() == monotonic
    jobs.trigger("job")
    assert not session.membership.is_safe()
    session.turn.take()
    assert recorder.times == 0
    manual_scheduler.run_due()
    assert recorder.times == 1
