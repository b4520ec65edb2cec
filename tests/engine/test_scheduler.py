"""The scheduler as an object in one's own process (W1)."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest

from django_scheduler import jobs, registry, runs
from django_scheduler.engine import Scheduler
from django_scheduler.engine.session import Session
from django_scheduler.engine.steadiness import Steadiness
from django_scheduler.exceptions import (
    SchedulerAlreadyStarted,
    SchedulerError,
    SchedulerNotStarted,
    SchedulerStopped,
)
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.models import Process
from django_scheduler.registry import Definition
from django_scheduler.runner import Membership
from django_scheduler.signals import run_finished, scheduler_started, scheduler_stopped
from tests.waiting import wait_until


@pytest.fixture
def scheduler(transactional_db):
    made = Scheduler(threads=4, sync_code=False, poll_interval=timedelta(milliseconds=50))
    yield made
    if made.is_running:
        made.stop(0)


def test_it_runs_jobs_between_start_and_stop(scheduler, recorder):
    jobs.add("job", function="recorder")
    scheduler.start()
    scheduler.wait_until_running(20)
    assert scheduler.is_running
    assert runs.wait(jobs.trigger("job"), 20).status == "succeeded"
    scheduler.stop()
    assert not scheduler.is_running
    assert recorder.times == 1


def test_starting_twice_and_stopping_twice_are_errors(scheduler):
    with pytest.raises(SchedulerNotStarted, match="was not started"):
        scheduler.stop()
    with pytest.raises(SchedulerNotStarted, match="was not started"):
        scheduler.wait_until_running(20)
    scheduler.start()
    with pytest.raises(SchedulerAlreadyStarted):
        scheduler.start()
    with pytest.raises(SchedulerAlreadyStarted):
        scheduler.tick()
    scheduler.wait_until_running(20)
    scheduler.stop()
    with pytest.raises(SchedulerStopped):
        scheduler.stop()
    with pytest.raises(SchedulerStopped):
        scheduler.wait_until_running(20)


def test_it_can_be_started_again_and_is_a_new_process_then(scheduler, recorder):
    jobs.add("job", function="recorder")
    for _ in range(2):
        scheduler.start()
        scheduler.wait_until_running(20)
        runs.wait(jobs.trigger("job"), 20)
        scheduler.stop()
    assert recorder.times == 2
    assert [p.state for p in Process.objects.all()] == ["stopped", "stopped"]


def test_a_failed_start_says_why(transactional_db):
    scheduler = Scheduler(database="default", executors={})
    scheduler._using = "nowhere"
    scheduler.start()
    with pytest.raises(SchedulerNotStarted, match="nowhere"):
        scheduler.wait_until_running(20)


def test_a_scheduler_that_an_error_ended_says_so(scheduler, monkeypatch):
    def crash(_session: Session, **_options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Session, "step", crash)
    before = set(threading.enumerate())
    scheduler.start()
    assert scheduler.join(20)
    assert set(threading.enumerate()) <= before, "its heart would beat on"
    with pytest.raises(SchedulerStopped, match=r"ended in its phase .running.: a bug"):
        scheduler.wait_until_running(20)
    scheduler.stop()
    with pytest.raises(SchedulerStopped, match=r"ended in its phase .running.: a bug"):
        scheduler.stop()


def test_receivers_are_called_in_a_thread_of_their_own_after_the_commit(scheduler, recorder):
    """H3"""
    heard = []

    def receiver(signal, **facts):
        run = facts.get("run")
        heard.append((signal, run and runs.get(run).status))
        raise RuntimeError("a receiver cannot stop the loop")

    for signal in (scheduler_started, run_finished, scheduler_stopped):
        signal.connect(receiver)
    try:
        jobs.add("job", function="recorder")
        scheduler.start()
        scheduler.wait_until_running(20)
        for _ in range(2):
            runs.wait(jobs.trigger("job"), 20)
        wait_until(lambda: len(heard) == 3)
        scheduler.stop()
    finally:
        for signal in (scheduler_started, run_finished, scheduler_stopped):
            signal.disconnect(receiver)
    statuses = [status for _, status in heard]
    assert statuses == [None, "succeeded", "succeeded", None]


def test_a_manual_scheduler_ticks_only_at_its_clocks_instant(manual_scheduler):
    with pytest.raises(SchedulerError, match="set the clock"):
        manual_scheduler.scheduler.tick(manual_scheduler.clock.now() + timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_run_once_runs_more_than_it_has_slots_for():
    """C1: what is due and finds no slot free waits for one."""
    pool = ThreadPoolExecutor("default", threads=2)
    name = "django_scheduler.tests.once"
    registry.register(Definition(name, lambda: None))
    try:
        made = [jobs.trigger(jobs.add(f"once {n}", name)) for n in range(7)]
        Scheduler(executors={"default": pool}, sync_code=False).run_once()
    finally:
        registry.unregister(name)
    assert {runs.get(run).status for run in made} == {"succeeded"}


@pytest.mark.django_db(transaction=True)
def test_run_once_gives_nothing_back_that_it_took_to_wait_for_a_slot():
    """C1: after many short runs more are taken than have a slot, and those behind long ones."""
    pool = ThreadPoolExecutor("default", threads=2)
    name = "django_scheduler.tests.once"
    calls, pause = itertools.count(), threading.Event()
    registry.register(Definition(name, lambda: pause.wait(0.2 if next(calls) >= 6 else 0)))
    try:
        made = [jobs.trigger(jobs.add(f"once {n}", name)) for n in range(10)]
        Scheduler(executors={"default": pool}, sync_code=False).run_once()
    finally:
        registry.unregister(name)
    assert {runs.get(run).status for run in made} == {"succeeded"}


@pytest.mark.parametrize(("of", "belief"), [(Steadiness, "trusts"), (Membership, "is_safe")])
def test_run_once_goes_on_until_it_may_act(transactional_db, recorder, monkeypatch, of, belief):
    """C1: a clock that jumped, or a heartbeat that came late, is no reason to leave jobs undone."""
    run = jobs.trigger(jobs.add("job", function="recorder"))
    really, answers = getattr(of, belief), iter([False, False])
    monkeypatch.setattr(of, belief, lambda *args: next(answers, True) and really(*args))
    Scheduler(sync_code=False).run_once()
    assert runs.get(run).status == "succeeded"
