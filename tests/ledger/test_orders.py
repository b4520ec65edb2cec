"""Every order against every status: obeyed where it may be, else refused, with nothing changed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from django_scheduler import jobs, lifecycle, runs, signals
from django_scheduler.exceptions import InvalidRunState
from django_scheduler.lifecycle import GivenBack, Paused, Published, Resumed
from django_scheduler.models import Process, Run
from django_scheduler.states import BEGUN, FINAL, MOVES, OPEN, RunStatus, may_move
from tests.facades.fixed import NOW, SECOND
from tests.ledger.held import finished, held, owner, started, tell
from tests.ledger.test_moves import check, everything

pytestmark = pytest.mark.django_db

ALL = list(RunStatus)
S = RunStatus
ORDERS: dict[str, tuple[Any, frozenset[RunStatus]]] = {
    "stop": (runs.stop, OPEN),
    "pause": (runs.pause, frozenset({S.RUNNING})),
    "resume": (runs.resume, frozenset({S.PAUSED})),
    "retry": (runs.retry, FINAL),
}
"""What can be ordered, and of what."""


@pytest.mark.parametrize("status", ALL)
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_obeyed_where_it_may_be_and_else_changes_nothing(name, status):
    order, allowed = ORDERS[name]
    asked = NOW if status is S.PAUSED else None
    run = held(jobs.add("plain"), status.value, pause_requested_at=asked)
    before = everything()
    if status in allowed:
        assert isinstance(order(run), Run)
        assert everything() != before
    else:
        with pytest.raises(InvalidRunState):
            order(run)
        assert everything() == before


@pytest.mark.parametrize("status", ALL)
def test_an_order_moves_nothing_that_somebody_owns(status):
    """Its owner carries it out, and says so; until then the status stands."""
    run = held(jobs.add("plain"), status.value)
    for order, allowed in (ORDERS["pause"], ORDERS["stop"]):
        if status in allowed:
            order(run)
        assert runs.get(run).status == status


@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_nobody_owns_is_stopped_at_once(status):
    run = held(jobs.add("plain"), status.value)
    Run.objects.filter(pk=run.pk).update(process=None)
    assert runs.stop(run).status == "stopped"


@pytest.mark.parametrize("status", ALL)
def test_only_a_running_run_that_is_to_pause_holds(status):
    run = held(jobs.add("plain"), status.value, pause_requested_at=NOW)
    again = status is S.PAUSED  # the answer to the first time was lost
    check(Paused(**owner(run)), run, may_move(status, S.PAUSED) or again, "paused")


@pytest.mark.parametrize("status", ALL)
def test_only_a_run_that_holds_goes_on(status):
    run = held(jobs.add("plain"), status.value)
    check(Resumed(**owner(run)), run, status is S.PAUSED, "running")


@pytest.mark.parametrize(
    "asked", [{"pause_requested_at": None}, {"pause_requested_at": NOW, "stop_requested_at": NOW}]
)
def test_a_run_whose_pause_was_taken_back_or_that_is_to_stop_does_not_hold(asked):
    run = held(jobs.add("plain"), "running", **asked)
    check(Paused(**owner(run)), run, False, "running")


def test_an_order_to_pause_that_came_after_the_resume_stands():
    run = held(jobs.add("plain"), "paused", pause_requested_at=NOW)
    runs.resume(run)
    assert runs.pause(run).pause_requested_at == NOW
    tell(Resumed(**owner(run)))
    found = runs.get(run)
    assert (found.status, found.pause_requested_at) == ("running", NOW)


def test_a_resume_that_was_not_carried_out_yet_can_be_taken_back():
    run = held(jobs.add("plain"), "paused", pause_requested_at=NOW)
    runs.resume(run)
    before = everything()
    runs.resume(run)
    assert everything() == before
    runs.pause(run)
    with pytest.raises(InvalidRunState, match="holds already"):
        runs.pause(run)


def test_who_goes_on_only_to_end_is_not_told_as_resumed():
    heard = []

    def hear(run, **_kwargs):
        heard.append(run.status)

    job = jobs.add("plain", overlap="allow")
    signals.run_resumed.connect(hear)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            for to_end in (True, False):
                run = held(job, "paused", pause_requested_at=NOW)
                assert tell(Resumed(**owner(run), to_end=to_end)).won
    finally:
        signals.run_resumed.disconnect(hear)
    assert heard == ["running"]


@pytest.mark.parametrize("status", ALL)
def test_a_dead_process_loses_what_had_begun_and_frees_what_had_not(status):
    run = held(jobs.add("plain", on_lost="fail"), status.value, pause_requested_at=NOW)
    Process.objects.update(state="dead")
    before = everything()
    taken = lifecycle.take_over_orphans(now=NOW, using="default")
    found = runs.get(run)
    if status in BEGUN:
        assert may_move(status, S.LOST)
        assert (taken, found.status) == (1, "lost")
    elif status in OPEN:
        assert status is S.QUEUED or may_move(status, S.QUEUED)
        assert (taken, found.status, found.process) == (1, "queued", None)
    else:
        assert (taken, everything()) == (0, before)


@pytest.mark.parametrize("status", ["running", "paused"])
def test_what_was_paused_stays_paused_after_its_process(status):
    """Whether it held already or was only asked to: nobody wanted it to go on."""
    held(jobs.add("plain"), status, pause_requested_at=NOW)
    Process.objects.update(state="dead")
    lifecycle.take_over_orphans(now=NOW + SECOND, using="default")
    lost, again = Run.objects.order_by("number")
    assert (lost.status, again.status) == ("lost", "queued")
    assert again.pause_requested_at == NOW + SECOND


def test_who_resumed_in_time_finds_the_next_attempt_running_freely():
    run = held(jobs.add("plain"), "paused", pause_requested_at=NOW)
    runs.resume(run)
    Process.objects.update(state="dead")
    lifecycle.take_over_orphans(now=NOW, using="default")
    assert Run.objects.get(number=2).pause_requested_at is None


def test_the_attempt_that_follows_a_paused_one_can_be_let_go_before_it_begins():
    held(jobs.add("plain"), "paused", pause_requested_at=NOW)
    Process.objects.update(state="dead")
    lifecycle.take_over_orphans(now=NOW, using="default")
    again = Run.objects.get(number=2)
    assert runs.resume(again).pause_requested_at is None
    with pytest.raises(InvalidRunState, match="neither is paused"):
        runs.resume(again)


@pytest.mark.parametrize("fields", [{"status": "paused"}, {"stop_requested_at": NOW}, {"epoch": 9}])
def test_a_pause_is_taken_back_only_while_nobody_has_heeded_it(fields):
    """The acknowledgement and the taking back are both conditional: one of them wins."""
    run = held(jobs.add("plain"), pause_requested_at=NOW)
    Run.objects.update(**fields)
    before = everything()
    assert not take_back(run)
    assert everything() == before


def test_a_pause_that_is_taken_back_is_not_acknowledged_any_more():
    run = held(jobs.add("plain"), pause_requested_at=NOW)
    assert take_back(run)
    found = runs.get(run)
    assert (found.reason, found.pause_requested_at) == ("pause_not_seen", None)
    check(Paused(**owner(run)), run, False, "running")
    runs.pause(run)
    check(Paused(**owner(run)), run, True, "paused")
    assert runs.get(run).reason == ""


def take_back(run):
    return lifecycle.take_pause_back(run.pk, run.process, run.epoch, using="default")


def test_somebody_makes_each_move_of_the_table():
    """A move that nobody can make any more is to be struck from the table."""
    made = {(old, new) for old in ALL for new in ALL if _moves(old, new)}
    assert made == {(old, new) for old in MOVES for new in MOVES[old]}


def _moves(old: RunStatus, new: RunStatus) -> bool:
    """Tell whether the owner's word takes a run from the one status to the other."""
    if old is new:
        return False
    job = jobs.add(f"{old}-{new}", function="plain")
    run = held(job, old.value, pause_requested_at=NOW)
    words: dict[RunStatus, Any] = {
        S.QUEUED: lambda: GivenBack(**owner(run), due_at=NOW),
        S.DISPATCHED: lambda: Published(**owner(run), at=NOW),
        S.RUNNING: lambda: Resumed(**owner(run)) if old is S.PAUSED else started(run),
        S.PAUSED: lambda: Paused(**owner(run)),
    }
    fact = words[new]() if new in words else finished(run, new.value)
    return bool(tell(fact).won) and runs.get(run).status == new
