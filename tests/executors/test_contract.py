"""What every executor promises, whatever carries out its runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from celery import Celery

from django_scheduler.clock import SystemClock
from django_scheduler.executors import Executor
from django_scheduler.executors.celery import CeleryExecutor
from django_scheduler.executors.inline import InlineExecutor
from django_scheduler.executors.process import ProcessExecutor
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.lifecycle import Fact, Finished, GivenBack, Published
from django_scheduler.runner import Runner, Watch
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until

app = Celery("contract", broker="memory://")

PATH = "tests.executors.test_contract.app"
MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": lambda: InlineExecutor("tried"),
    "thread_pool": lambda: ThreadPoolExecutor("tried", threads=3),
    "celery": lambda: CeleryExecutor("tried", app=PATH, queue="contract", in_flight=3),
    "process": lambda: ProcessExecutor("tried", processes=3),
}


@dataclass
class Tried:
    """An executor that was started, and what it said."""

    executor: Executor
    recorder: Recorder = field(default_factory=Recorder)

    def done_with(self) -> list[Fact]:
        """Return the facts by which this process let go of a run."""
        return [
            fact for kind in (Finished, Published, GivenBack) for fact in self.recorder.of(kind)
        ]

    def ids(self) -> list[uuid.UUID]:
        """Return the runs this process let go of, sorted."""
        return sorted(fact.run_id for fact in self.done_with())


@pytest.fixture(params=list(MAKERS))
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    tried = Tried(MAKERS[request.param]())
    clock = SystemClock()
    tried.executor.start(Runner(clock, tried.recorder, Watch(clock)), tried.recorder, clock)
    yield tried
    tried.executor.withdraw()
    assert tried.executor.stop(10)


def test_a_started_executor_has_room(tried):
    assert tried.executor.free_slots() > 0


def test_every_run_is_let_go_of_exactly_once(tried):
    """E1 E2"""
    dispatches = [make_dispatch() for _ in range(2)]
    for dispatch in dispatches:
        tried.executor.submit(dispatch)
    wait_until(lambda: len(tried.ids()) >= 2)
    assert tried.executor.stop(10)
    assert tried.ids() == sorted(dispatch.run_id for dispatch in dispatches)


def test_more_than_there_is_room_for_is_not_refused(tried):
    dispatches = [make_dispatch() for _ in range(12)]
    for dispatch in dispatches:
        tried.executor.submit(dispatch)
        assert tried.executor.free_slots() >= 0
    wait_until(lambda: len(tried.ids()) == 12)


def test_a_function_that_raises_stops_nothing(tried):
    tried.executor.submit(make_dispatch(function="contract-raises"))
    tried.executor.submit(make_dispatch())
    wait_until(lambda: len(tried.ids()) == 2)
    assert tried.executor.free_slots() > 0


def test_room_is_back_when_all_is_done(tried):
    before = tried.executor.free_slots()
    for _ in range(3):
        tried.executor.submit(make_dispatch())
    wait_until(lambda: len(tried.ids()) == 3)
    assert tried.executor.stop(10)
    assert tried.executor.free_slots() == before


def test_what_is_withdrawn_and_what_was_let_go_of_is_all_there_was(tried):
    dispatches = [make_dispatch() for _ in range(12)]
    for dispatch in dispatches:
        tried.executor.submit(dispatch)
    withdrawn = {dispatch.run_id for dispatch in tried.executor.withdraw()}
    assert tried.executor.stop(10)
    kept = {dispatch.run_id for dispatch in dispatches} - withdrawn
    wait_until(lambda: set(tried.ids()) == kept)


def test_facts_carry_the_guard_they_were_submitted_with(tried):
    dispatch = make_dispatch(epoch=7)
    tried.executor.submit(dispatch)
    (fact,) = wait_until(tried.done_with)
    assert (fact.run_id, fact.process, fact.epoch) == (dispatch.run_id, dispatch.process, 7)
