"""What every executor promises about the runs it takes over, also one that only hands them on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import Celery

from django_scheduler.lifecycle import GivenBack
from tests.executors.contract_kit import CARRIERS, ELSEWHERE, HANDING_ON, Tried, trying
from tests.executors.doubles import make_dispatch
from tests.waiting import wait_until

app = Celery("contract", broker="memory://")

MAKERS = {**CARRIERS, **HANDING_ON}


@pytest.fixture(params=list(MAKERS))
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    with trying(MAKERS[request.param]) as tried:
        yield tried


@pytest.fixture(params=ELSEWHERE)
def small(request: pytest.FixtureRequest) -> Iterator[Tried]:
    """An executor with two slots, whose `submit` returns while the run goes on."""
    with trying(CARRIERS[request.param], slots=2) as tried:
        yield tried


def test_a_started_executor_has_room(tried):
    assert tried.executor.free_slots() > 0


def test_every_run_is_let_go_of_exactly_once(tried):
    """E1 E2"""
    dispatches = [tried.begin("contract.returns") for _ in range(2)]
    wait_until(lambda: len(tried.ids()) >= 2)
    assert tried.executor.stop(10)
    assert tried.ids() == sorted(dispatch.run_id for dispatch in dispatches)


def test_more_than_there_is_room_for_is_not_refused(tried):
    for _ in range(12):
        tried.begin("contract.returns")
        assert tried.executor.free_slots() >= 0
    wait_until(lambda: len(tried.ids()) == 12)


def test_a_function_that_raises_stops_nothing(tried):
    tried.begin("contract.raises", "ValueError")
    tried.begin("contract.returns")
    wait_until(lambda: len(tried.ids()) == 2)
    assert tried.executor.stop(10)
    assert tried.executor.free_slots() > 0


def test_room_is_back_when_all_is_done(tried):
    before = tried.executor.free_slots()
    for _ in range(3):
        tried.begin("contract.returns")
    wait_until(lambda: len(tried.ids()) == 3)
    assert tried.executor.stop(10)
    assert tried.executor.free_slots() == before


def test_what_is_withdrawn_and_what_was_let_go_of_is_all_there_was(tried):
    dispatches = [tried.begin("contract.returns") for _ in range(12)]
    withdrawn = {dispatch.run_id for dispatch in tried.executor.withdraw()}
    assert tried.executor.stop(10)
    kept = {dispatch.run_id for dispatch in dispatches} - withdrawn
    wait_until(lambda: set(tried.ids()) == kept)


def test_facts_carry_the_guard_they_were_submitted_with(tried):
    dispatch = tried.begin("contract.returns", epoch=7)
    (fact,) = wait_until(tried.done_with)
    assert (fact.run_id, fact.process, fact.epoch) == (dispatch.run_id, dispatch.process, 7)


def test_free_slots_and_waiting_tell_the_truth(small, tmp_path):
    until = str(tmp_path / "go")
    for expected in (1, 0):
        small.begin("contract.holds", until)
        assert (small.executor.free_slots(), small.executor.waiting()) == (expected, 0)
    small.begin("contract.holds", until)
    assert (small.executor.free_slots(), small.executor.waiting()) == (0, 1)
    (tmp_path / "go").touch()
    wait_until(lambda: len(small.ids()) == 3)
    assert small.executor.stop(10)
    assert (small.executor.free_slots(), small.executor.waiting()) == (2, 0)


def test_what_has_not_begun_is_withdrawn_and_what_has_is_waited_for(small, tmp_path):
    """C4"""
    until = str(tmp_path / "go")
    dispatches = [small.begin("contract.holds", until) for _ in range(4)]
    assert small.executor.withdraw() == dispatches[2:]
    assert small.executor.free_slots() == 0
    small.watched(dispatches[0])
    assert not small.executor.stop(0)
    (tmp_path / "go").touch()
    assert small.executor.stop(20)
    assert small.ids() == sorted(dispatch.run_id for dispatch in dispatches[:2])


def test_what_is_reclaimed_never_begins(small, tmp_path):
    until = str(tmp_path / "go")
    dispatches = [small.begin("contract.holds", until) for _ in range(4)]
    assert small.executor.reclaim() == dispatches[2:]
    assert small.executor.waiting() == 0
    (tmp_path / "go").touch()
    assert small.executor.stop(20)
    assert small.ids() == sorted(dispatch.run_id for dispatch in dispatches[:2])


def test_an_executor_that_was_withdrawn_can_be_started_again(small):
    """A process that was given up goes on under a new id, with the executors it has."""
    small.begin("contract.returns")
    small.executor.withdraw()
    assert small.executor.stop(20)
    small.start()
    assert small.executor.free_slots() == 2
    assert small.run("contract.returns").status == "succeeded"


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_run_that_may_not_start_here_is_given_back(carrier):
    """I6"""
    with trying(CARRIERS[carrier]) as tried:
        tried.may_start = False
        dispatch = tried.begin("contract.returns")
        (fact,) = wait_until(tried.done_with)
        assert isinstance(fact, GivenBack)
        assert fact.run_id == dispatch.run_id
        assert tried.executor.stop(10)
        assert tried.watch.all() == []


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_run_whose_start_is_refused_is_not_called(carrier, tmp_path):
    """semantics 1: at most once; the function is called once its start is committed."""
    with trying(CARRIERS[carrier]) as tried:
        tried.recorder.holds = False
        dispatch = make_dispatch(
            function=f"contract.holds{tried.suffix}", args=(str(tmp_path),), on_lost="fail"
        )
        tried.executor.submit(dispatch)
        (fact,) = wait_until(tried.done_with)
        assert isinstance(fact, GivenBack)
