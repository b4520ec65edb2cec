"""How paused runs end, whatever their functions do when they are freed (C2, C3, R7)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from django_scheduler import jobs, manual, registry, runs, signals
from django_scheduler.exceptions import InvalidRunState, RunStopped
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.engine import test_pausing
from tests.waiting import wait_until

scheduler, impatient = test_pausing.scheduler, test_pausing.impatient


class Freed:
    """A function that holds at a checkpoint and does what the test says once it is freed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.do: Callable[[], Any] = lambda: "freed"

    def work(self, context: Any) -> Any:
        self.begun.set()
        try:
            while True:
                context.checkpoint()
                threading.Event().wait(0.005)
        except RunStopped:
            return self.do()


@pytest.fixture
def freed() -> Any:
    made = Freed()
    registry.register(Definition("freed", made.work, takes_context=True))
    yield made
    registry.unregister("freed")


def paused(freed: Freed, **fields: Any) -> Run:
    jobs.add("job", function="freed", schedule=manual(), **fields)
    run = jobs.trigger("job")
    assert freed.begun.wait(20)
    wait_until(lambda: runs.get(run).status == "running")
    runs.pause(run)
    wait_until(lambda: runs.get(run).status == "paused")
    return run


def fail() -> None:
    raise ValueError("while clearing up")


@pytest.mark.parametrize("do", [lambda: "half of it", fail])
def test_a_stopped_run_is_stopped_whatever_its_function_makes_of_it(scheduler, freed, do):
    freed.do = do
    run = paused(freed)
    runs.stop(run, "enough")
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("stopped", "enough")


def test_a_function_that_ends_its_work_at_a_shutdown_has_succeeded(scheduler, freed):
    run = paused(freed)
    scheduler.stop(20)
    done = Run.objects.get()
    assert (done.pk, done.status, done.result) == (run.pk, "succeeded", "freed")


def test_a_function_that_fails_at_a_shutdown_has_failed(scheduler, freed):
    freed.do = fail
    paused(freed)
    scheduler.stop(20)
    done = Run.objects.get()
    assert (done.status, done.reason, done.error) == (
        "failed",
        "exception",
        "ValueError: while clearing up",
    )


def test_a_function_that_never_ends_at_a_shutdown_is_given_up_and_runs_again(
    scheduler, freed, settings
):
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "FINAL_WRITE_BUDGET": 0.3}
    may_end = threading.Event()
    freed.do = lambda: may_end.wait(20)
    paused(freed)
    scheduler.stop(0)
    may_end.set()
    first, again = Run.objects.order_by("number")
    assert (first.status, first.reason) == ("stopped", "shutdown")
    assert (again.attempt, again.pause_requested_at is None) == (1, False)


def test_a_shutdown_leaves_nothing_to_a_run_that_is_never_called_twice(scheduler, freed):
    freed.do = lambda: (_ for _ in ()).throw(RunStopped("on"))
    paused(freed, on_lost="fail")
    scheduler.stop(20)
    assert [(run.status, run.reason) for run in Run.objects.all()] == [("stopped", "shutdown")]


def test_an_order_to_pause_that_was_not_heeded_yet_outlives_a_shutdown(scheduler, freed):
    """The function that follows holds at its first checkpoint."""
    halted, go_on = threading.Event(), threading.Event()

    def halt(context: Any) -> None:
        halted.set()
        go_on.wait(20)
        context.checkpoint()

    registry.register(Definition("halting", halt, takes_context=True))
    try:
        jobs.add("job", function="halting", schedule=manual())
        run = jobs.trigger("job")
        assert halted.wait(20)
        wait_until(lambda: runs.get(run).status == "running")
        runs.pause(run)
        stopping = threading.Thread(target=scheduler.stop, args=(0,))
        stopping.start()
        [one] = scheduler.session.watch.all()
        wait_until(lambda: one.context.stop_requested)
        go_on.set()
        stopping.join(20)
    finally:
        registry.unregister("halting")
    first, again = Run.objects.order_by("number")
    assert (first.status, first.reason) == ("stopped", "shutdown")
    assert again.pause_requested_at is not None


@pytest.mark.parametrize("end", ["resume", "stop"])
def test_orders_in_any_order_leave_the_run_where_the_last_one_says(impatient, freed, end):
    """Acknowledged, taken back, resumed before and after it is seen: one word wins each time."""
    told: list[str] = []

    def tell_paused(**_kwargs: Any) -> None:
        told.append("paused")

    def tell_resumed(**_kwargs: Any) -> None:
        told.append("resumed")

    signals.run_paused.connect(tell_paused)
    signals.run_resumed.connect(tell_resumed)
    try:
        run = _ordered_about(freed, end)
    finally:
        signals.run_paused.disconnect(tell_paused)
        signals.run_resumed.disconnect(tell_resumed)
    assert told == ["paused", "resumed"] * (len(told) // 2) + ["paused"] * (len(told) % 2)
    assert (run.status, run.reason) == ("stopped", "the end")


def _ordered_about(freed: Freed, end: str) -> Run:
    jobs.add("job", function="freed", schedule=manual())
    run = jobs.trigger("job")
    assert freed.begun.wait(20)
    wait_until(lambda: runs.get(run).status == "running")
    dice = random.Random(end)
    for _ in range(60):
        try:
            dice.choice([runs.pause, runs.resume])(run)
        except InvalidRunState as error:
            assert "holds already" in str(error) or "neither is paused" in str(error)
        threading.Event().wait(dice.choice([0, 0, 0.001, 0.01, 0.05]))
    if end == "resume":
        _let_go(run)
        wait_until(lambda: _goes_on(run))
    runs.stop(run, "the end")
    return runs.wait(run, 20)


def _let_go(run: Run) -> None:
    try:
        runs.resume(run)
    except InvalidRunState as error:
        assert "neither is paused" in str(error)


def _goes_on(run: Run) -> bool:
    found = runs.get(run)
    return found.status == "running" and found.pause_requested_at is None
