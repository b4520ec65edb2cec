"""At a start, processes of this machine that are gone are taken over at once (P5, I5)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from django_scheduler import jobs, manual, runs, signals
from django_scheduler.models import Process, Run
from django_scheduler.runner import Identity, membership
from django_scheduler.states import ProcessState
from django_scheduler.testing import ManualScheduler

pytestmark = pytest.mark.skipif(Identity.own() is None, reason="this system does not tell")


@pytest.fixture
def gone():
    """The id and start of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.kill()
    process.wait()
    return process.pid


@pytest.fixture
def make_process(scheduler_clock, db):
    """Makes rows of processes with long leases, on this machine unless told otherwise."""
    own = Identity.own()

    def make(pid, **fields):
        now = scheduler_clock.now()
        defaults = {
            "kind": "scheduler",
            "host": "here",
            "name": "before",
            "started_at": now,
            "heartbeat_at": now,
            "lease_until": now + timedelta(hours=1),
            "boot_id": own.boot_id,
            "namespaces": own.namespaces,
            "pid_started": own.pid_started,
        }
        return Process.objects.create(pid=pid, **{**defaults, **fields})

    return make


def _start(clock):
    scheduler = ManualScheduler(clock)
    scheduler.run_due()
    scheduler.close()


def _state(process):
    return Process.objects.get(pk=process.pk).state


@pytest.mark.parametrize("kind", ["scheduler", "worker"])
def test_what_a_vanished_neighbour_held_goes_on_at_once(
    scheduler_clock, recorder, make_process, gone, kind
):
    """P5"""
    before = make_process(gone, kind=kind)
    jobs.add("begun", function="recorder", schedule=manual())
    jobs.add("waiting", function="recorder", schedule=manual())
    begun, waiting = jobs.trigger("begun"), jobs.trigger("waiting")
    held = {"process": before.pk, "epoch": 1, "due_at": None}
    Run.objects.filter(pk=begun.pk).update(
        status="running", started_at=scheduler_clock.now(), **held
    )
    Run.objects.filter(pk=waiting.pk).update(**held)
    _start(scheduler_clock)
    assert _state(before) == ProcessState.DEAD
    assert runs.get(begun).status == "lost"
    assert (runs.get(waiting).status, runs.get(waiting).attempt) == ("succeeded", 1)


def test_its_end_is_told(scheduler_clock, make_process, gone, django_capture_on_commit_callbacks):
    before = make_process(gone)
    told = []

    def receive(process, **_facts):
        told.append(process.pk)

    signals.process_lost.connect(receive)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            _start(scheduler_clock)
    finally:
        signals.process_lost.disconnect(receive)
    assert told == [before.pk]


def test_an_id_that_was_given_anew_is_another_process(scheduler_clock, make_process):
    """The number is that of a living process; its start is not."""
    before = make_process(os.getpid(), pid_started=Identity.own().pid_started - 1)
    _start(scheduler_clock)
    assert _state(before) == ProcessState.DEAD


def test_a_living_process_is_not_judged(scheduler_clock, make_process):
    beside = make_process(os.getpid())
    _start(scheduler_clock)
    assert _state(beside) == ProcessState.RUNNING


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"boot_id": "another start of the machine, or another machine"},
        {"namespaces": "pid:[1]"},
        {"boot_id": "", "namespaces": ""},
        {"pid_started": None},
    ],
    ids=["boot", "container", "unknown", "no start"],
)
def test_a_process_of_elsewhere_waits_for_its_lease(scheduler_clock, make_process, gone, elsewhere):
    other = make_process(gone, **elsewhere)
    _start(scheduler_clock)
    assert _state(other) == ProcessState.RUNNING


@pytest.mark.parametrize("state", [ProcessState.STOPPED, ProcessState.DEAD])
def test_what_has_ended_stays_as_it_is(scheduler_clock, make_process, gone, state):
    ended = make_process(gone, state=state.value)
    _start(scheduler_clock)
    assert _state(ended) == state


def test_who_does_not_know_itself_judges_nobody(scheduler_clock, make_process, gone, monkeypatch):
    other = make_process(gone)
    monkeypatch.setattr(membership.Identity, "own", lambda: None)
    _start(scheduler_clock)
    assert _state(other) == ProcessState.RUNNING
    mine = Process.objects.exclude(pk=other.pk).get()
    assert (mine.boot_id, mine.namespaces, mine.pid_started) == ("", "", None)


def test_two_that_start_at_once_tell_of_it_once(scheduler_clock, make_process, gone, caplog):
    make_process(gone)
    _start(scheduler_clock)
    _start(scheduler_clock)
    said = [record for record in caplog.records if "is gone from this machine" in record.message]
    assert len(said) == 1
