"""How orders reach a run that goes on, wherever that is, and what is recorded then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from django_scheduler.lifecycle import Finished, Left, Paused, Resumed
from django_scheduler.states import Reason, RunStatus
from tests.executors.contract_kit import CARRIERS, ELSEWHERE, Tried, trying
from tests.waiting import wait_until


@pytest.fixture(params=ELSEWHERE)
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    with trying(CARRIERS[request.param]) as tried:
        yield tried


def test_what_a_run_says_is_seen_while_it_goes_on(tried, tmp_path):
    """P1 X2"""
    dispatch = tried.begin("contract.says", str(tmp_path / "go"))
    watched = tried.watched(dispatch)
    said = watched.context.said.report()
    assert said.data["number"] == 7
    assert said.progress is not None
    assert (said.progress.completed, said.progress.total) == (1, 4)
    assert "a quarter is done" in watched.tail.text()
    (tmp_path / "go").touch()
    assert tried.end_of(dispatch).result == "done"


def test_a_stop_reaches_the_function(tried, tmp_path):
    """C3"""
    dispatch = tried.begin("contract.hooked", str(tmp_path / "go"))
    tried.ask_to_stop(dispatch)
    end = tried.end_of(dispatch)
    assert (end.status, end.reason, end.left) == ("stopped", "asked", True)
    assert end.data["told"] == ["on_start", "on_stop RunStopped", "on_finally"]


def test_a_stop_of_one_run_is_none_of_another(tried, tmp_path):
    """P4"""
    one, other = (tried.begin("contract.holds", str(tmp_path / "go")) for _ in range(2))
    tried.watched(other)
    tried.ask_to_stop(one)
    tried.end_of(one)
    (tmp_path / "go").touch()
    assert tried.end_of(other).status == "succeeded"


def test_a_shutdown_stops_what_runs(tried, tmp_path):
    """C4"""
    dispatch = tried.begin("contract.holds", str(tmp_path / "go"))
    tried.watched(dispatch)
    tried.executor.withdraw()
    tried.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
    assert tried.executor.stop(20)
    end = tried.end_of(dispatch)
    assert (end.status, end.reason) == ("stopped", "shutdown")


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"timeout": timedelta(seconds=1)}, "timed_out", "timeout"),
        ({"stall_timeout": timedelta(seconds=1)}, "interrupted", "stalled"),
    ],
)
def test_a_run_over_its_time_ends_once_and_leaves(tried, tmp_path, fields, status, reason):
    """R4 P3: it is told first, so its own word may be faster; both say the same, and once."""
    dispatch = tried.begin("contract.hooked", str(tmp_path / "go"), **fields)
    tried.watched(dispatch)
    wait_until(lambda: tried.look_for_overdue() or tried.recorder.of(Finished))
    end = tried.end_of(dispatch)
    assert (end.status, end.reason) == (status, reason)
    late = [] if end.left else tried.facts(Left, dispatch)
    assert tried.executor.stop(20)
    assert len(tried.recorder.of(Finished)) == 1
    assert [left.hook_errors for left in late] == [{}] * (not end.left)
    assert tried.watch.all() == []


def test_a_run_holds_while_it_is_to_pause(tried, tmp_path):
    """C2"""
    dispatch = tried.begin("contract.hooked", str(tmp_path / "go"))
    orders = tried.watched(dispatch).context.orders
    orders.pause()
    tried.facts(Paused, dispatch)
    (tmp_path / "go").touch()
    orders.go_on()
    tried.facts(Resumed, dispatch)
    end = tried.end_of(dispatch)
    assert end.status == "succeeded"
    assert end.data["told"] == ["on_start", "on_pause", "on_resume", "on_success", "on_finally"]


def test_a_run_that_holds_is_freed_by_a_stop(tried, tmp_path):
    """C2 C3"""
    dispatch = tried.begin("contract.holds", str(tmp_path / "go"))
    tried.watched(dispatch).context.orders.pause()
    tried.facts(Paused, dispatch)
    tried.ask_to_stop(dispatch)
    assert tried.end_of(dispatch).status == "stopped"
    (resumed,) = tried.recorder.of(Resumed)
    assert resumed.to_end
