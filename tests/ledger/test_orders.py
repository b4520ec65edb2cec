"""Every order against every status: obeyed where it may be, else refused, with nothing changed."""

from __future__ import annotations

from typing import Any

import pytest

from django_scheduler import jobs, runs
from django_scheduler.exceptions import InvalidRunState
from django_scheduler.lifecycle import GivenBack, Paused, Published, Resumed
from django_scheduler.models import Run
from django_scheduler.states import FINAL, MOVES, OPEN, RunStatus, may_move
from tests.facades.fixed import NOW
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


def test_going_on_ends_what_asked_for_the_pause():
    run = held(jobs.add("plain"), "paused", pause_requested_at=NOW)
    tell(Resumed(**owner(run)))
    assert runs.get(run).pause_requested_at is None


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
