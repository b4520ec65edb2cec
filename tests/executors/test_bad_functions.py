"""Whatever a function does in the thread pool: an outcome is recorded and nothing else is affected.

Beside each bad one another run goes on, and after it a third one works in the very same thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from django_scheduler import Hook, current_run, registry
from django_scheduler.clock import SystemClock
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.lifecycle import Finished
from django_scheduler.registry import Definition
from django_scheduler.runner import Runner, Watch
from tests.executors.bad_functions import CASES, LEFT, leak, raising
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Pool:
    """A pool of two threads, in one of which a run goes on all the time."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.may_end = threading.Event()
        self.threads: dict[str, int] = {}
        self._names: list[str] = []
        clock = SystemClock()
        self.executor = ThreadPoolExecutor("tried", threads=2)
        self.executor.start(Runner(clock, self.recorder, Watch(clock)), self.recorder, clock)
        self.bystander = self.begin("bystander", self._stand_by)

    def _stand_by(self) -> str:
        assert self.may_end.wait(20)
        return current_run().job_name

    def begin(self, name: str, function: Any, **hooks: Any) -> Any:
        """Have the function called, and return its run's id."""
        registry.register(Definition(name, function, hooks=hooks))
        self._names.append(name)
        dispatch = make_dispatch(function=name, job_name=name)
        self.executor.submit(dispatch)
        return dispatch.run_id

    def ended(self, run_id: Any) -> Finished:
        """Wait for the run, and for its thread to be free; return how it ended."""
        wait_until(lambda: self._found(run_id))
        wait_until(lambda: self.executor.free_slots() == 1 or self.may_end.is_set())
        return self._found(run_id)[0]

    def _found(self, run_id: Any) -> list[Finished]:
        return [fact for fact in self.recorder.of(Finished) if fact.run_id == run_id]

    def close(self) -> None:
        self.may_end.set()
        self.executor.withdraw()
        assert self.executor.stop(20)
        for name in self._names:
            registry.unregister(name)


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.close()


def _probe() -> dict[str, Any]:
    """What the next run in the same thread finds; it writes as every function may."""
    open_already = connection.in_atomic_block
    with transaction.atomic():
        Group.objects.create(name="kept")
    return {
        "run": current_run().run_id,
        "thread": threading.get_ident(),
        "open": open_already,
        "autocommit": connection.get_autocommit(),
    }


@pytest.mark.parametrize("case", CASES)
def test_a_bad_function_ends_as_it_should_and_harms_nobody(pool, case):
    """R3; semantics 2"""
    function, status, error = CASES[case]
    ended = pool.ended(pool.begin("bad", function))
    assert (ended.status, ended.error[: len(error)]) == (status, error)
    assert bool(ended.error) == bool(ended.traceback) == (status == "failed")
    probe = pool.begin("probe", _probe)
    found = pool.ended(probe).result
    assert (found["run"], found["open"], found["autocommit"]) == (str(probe), False, True)
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]
    assert len(pool.recorder.of(Finished)) == 2
    pool.may_end.set()
    beside = pool.ended(pool.bystander)
    assert (beside.status, beside.result) == ("succeeded", "bystander")


def test_the_next_run_is_in_the_same_thread(pool):
    """Or the test above would see nothing of what is left behind."""
    seen = [pool.ended(pool.begin(each, threading.get_ident)).result for each in ("a", "b")]
    assert seen[0] == seen[1]


def test_a_thread_of_a_function_does_not_know_the_run(pool):
    """X1"""
    ended = pool.ended(pool.begin("asking", CASES["current run in a thread"][0]))
    assert ended.result.startswith("current_run() was called outside a run.")


@pytest.mark.parametrize("hook", ["on_start", "on_success", "on_finally"])
def test_a_hook_that_leaves_a_transaction_open_has_failed(pool, hook):
    """H2"""
    seen: list[bool] = []

    def look() -> None:
        seen.append(connection.in_atomic_block)

    hooks = {hook: Hook(lambda context: leak())}
    if hook != "on_finally":
        hooks["on_finally"] = Hook(lambda context: look())
    ended = pool.ended(pool.begin("bad", look, **hooks))
    assert (ended.status, ended.reason) == ("failed", "hook")
    assert ended.hook_errors[hook].startswith(LEFT)
    assert seen
    assert not any(seen)
    assert not Group.objects.exists()


def test_on_error_does_not_write_into_the_functions_transaction(pool):
    """What it notes about the failure would be rolled back with it."""
    note = Hook(lambda context, error: Group.objects.create(name=type(error).__name__))
    pool.ended(pool.begin("bad", leak, on_error=note))
    assert list(Group.objects.values_list("name", flat=True)) == ["TransactionLeftOpen"]


def test_an_error_of_ours_costs_the_pool_no_thread(pool, monkeypatch):
    monkeypatch.setattr(pool.executor._runner, "carry_out", raising(SystemExit("ours")))
    pool.begin("lost", lambda: None)
    wait_until(lambda: pool.executor.free_slots() == 1)
    monkeypatch.undo()
    assert pool.ended(pool.begin("probe", lambda: "fine")).result == "fine"
