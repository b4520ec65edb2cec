"""A receiver cannot change an outcome or stop the loop, whatever it does (H3)."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.dispatch import Signal

from django_scheduler import every, jobs, runs, signals
from django_scheduler.engine import Scheduler
from django_scheduler.models import Run
from django_scheduler.runner.delivery import MANY, Delivery
from tests.engine.stories import MINUTE, add
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RUN_SIGNALS = {n: s for n, s in vars(signals).items() if n.startswith("run_")}


@contextmanager
def listening(signal: Signal, receiver: Callable[..., Any]) -> Iterator[None]:
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def _raise(**facts):
    raise RuntimeError("a receiver")


def _exit(**facts):
    sys.exit("a receiver")


def _leave_a_transaction_open(**facts):
    transaction.atomic().__enter__()


@pytest.mark.parametrize("receiver", [_raise, _exit])
@pytest.mark.parametrize("end", ["returns", "raises"])
def test_a_receiver_that_raises_changes_nothing(manual_scheduler, recorder, receiver, end, caplog):
    add(retry=2)
    recorder.behaviour = None if end == "returns" else lambda context: 1 / 0
    with ExitStack() as stack:
        for signal in RUN_SIGNALS.values():
            stack.enter_context(listening(signal, receiver))
        manual_scheduler.advance(MINUTE + timedelta(seconds=30))
        manual_scheduler.advance(MINUTE)
    firsts = Run.objects.filter(attempt=1).values_list("status", "reason")
    expected = ("succeeded", "") if end == "returns" else ("failed", "exception")
    assert list(firsts) == [expected] * 2
    assert "A receiver of run_started" in caplog.text


@pytest.fixture
def scheduler(recorder) -> Iterator[Scheduler]:
    """A scheduler with threads of its own; `recorder` is what its jobs call."""
    made = Scheduler(threads=2, sync_code=False, poll_interval=timedelta(milliseconds=50))
    made.start()
    made.wait_until_running(20)
    yield made
    made.stop(grace=5)


def test_a_receiver_that_hangs_holds_up_no_run(scheduler, recorder):
    add(schedule="@manual")
    may_go, told = threading.Event(), []

    def hang(run, **facts):
        assert may_go.wait(20)
        told.append(run.pk)

    with listening(signals.run_finished, hang):
        triggered = []
        for _ in range(3):
            triggered.append(jobs.trigger("job").pk)
            assert runs.wait(triggered[-1], 20).status == "succeeded"
        assert told == []
        may_go.set()
        wait_until(lambda: told == triggered)


def test_a_receiver_may_stop_the_run_it_is_told_of(scheduler, recorder):
    add(schedule="@manual")

    def hold(context):
        while True:
            context.checkpoint()
            threading.Event().wait(0.01)

    def stop(run, **facts):
        runs.stop(run, reason="by a receiver")

    recorder.behaviour = hold
    with listening(signals.run_started, stop):
        run = runs.wait(jobs.trigger("job"), 20)
    assert (run.status, run.reason) == ("stopped", "by a receiver")


def test_a_receiver_may_pause_the_job_and_trigger_others(scheduler, recorder):
    add("first", schedule=every(seconds=1))
    add("second", schedule="@manual")

    def react(run, **facts):
        if run.job_name == "first":
            jobs.pause("first", reason="by a receiver")
            jobs.trigger("second")

    with listening(signals.run_succeeded, react):
        wait_until(lambda: Run.objects.filter(job_name="second", status="succeeded").exists())
        wait_until(lambda: jobs.get("first").state == "paused")
    assert jobs.get("first").next_run_at is None
    assert set(Run.objects.values_list("status", flat=True)) <= {"succeeded", "stopped"}


@pytest.fixture
def delivery() -> Iterator[Delivery]:
    made = Delivery(limit=2)
    made.start()
    yield made
    made.stop(20)


class Gate:
    """A call that is held until it may go, and says when it is held."""

    def __init__(self) -> None:
        self.is_in, self.may_go = threading.Event(), threading.Event()

    def __call__(self, *args: Any) -> None:
        self.is_in.set()
        assert self.may_go.wait(20)


def test_facts_beyond_the_limit_are_counted_and_that_is_said(delivery, caplog):
    """Memory is bounded; and nothing is lost without a word."""
    gate, told = Gate(), []
    delivery.put(partial(gate, signals.run_finished))
    assert gate.is_in.wait(20)
    for number in range(5):
        delivery.put(partial(told.append, number))
    gate.may_go.set()
    wait_until(lambda: "caught up" in caplog.text)
    assert told == [0, 1]
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Receivers of run_finished do not keep up: 2 facts wait, no more are kept",
        "Receivers have caught up; 3 facts were not delivered",
    ]
    delivery.put(partial(told.append, "later"))
    wait_until(lambda: told[-1] == "later")


def test_it_is_said_once_that_receivers_are_slow(caplog):
    delivery, gate, told = Delivery(), Gate(), []
    delivery.start()
    delivery.put(partial(gate, signals.run_started))
    assert gate.is_in.wait(20)
    with caplog.at_level(logging.WARNING, logger="django_scheduler.signals"):
        for number in range(MANY + 10):
            delivery.put(partial(told.append, number))
    gate.may_go.set()
    delivery.stop(20)
    assert told == list(range(MANY + 10))
    (record,) = caplog.records
    assert record.getMessage() == f"Receivers of run_started are slow: {MANY} facts wait"


def test_a_receiver_that_does_not_return_cannot_hold_back_the_end(caplog):
    delivery, gate, told = Delivery(), Gate(), []
    delivery.start()
    delivery.put(partial(gate, signals.run_lost))
    delivery.put(partial(told.append, 1))
    assert gate.is_in.wait(20)
    delivery.stop(0)
    assert "A receiver of run_lost does not return; 1 facts were not delivered" in caplog.text
    gate.may_go.set()
    wait_until(lambda: told == [1])


def test_a_receiver_that_leaves_harms_no_other_delivery(delivery, caplog):
    told: list[str] = []

    def write(name: str) -> None:
        Group.objects.create(name=name)
        told.append(name)

    delivery.put(_exit)
    delivery.put(_leave_a_transaction_open)
    wait_until(lambda: "A transaction was left open" in caplog.text)
    delivery.put(partial(write, "kept"))
    wait_until(lambda: told == ["kept"])
    assert Group.objects.get().name == "kept"
    assert "could not be delivered" in caplog.text
