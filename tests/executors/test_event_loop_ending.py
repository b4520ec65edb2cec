"""How coroutines are made to end: told, after a while cancelled, and never their hooks (C3 R4)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from django_scheduler.states import Reason, RunStatus
from tests.executors.loop_kit import Loop, looping
from tests.waiting import wait_until

SOON = timedelta(milliseconds=100)


@pytest.fixture
def loop() -> Iterator[Loop]:
    with looping(grace=0.2) as made:
        yield made


class Steps:
    """Notes what happens, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, step: str) -> None:
        self.seen.append(step)

    def wait_for(self, step: str) -> None:
        wait_until(lambda: step in self.seen)


@pytest.fixture
def steps() -> Steps:
    return Steps()


def _waiting(steps):
    async def waiting(context) -> None:
        steps("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            steps("cancelled")
            raise
        finally:
            await asyncio.sleep(0.01)
            steps("cleaned up")

    return waiting


def test_who_does_not_look_is_cancelled_after_the_grace(loop, steps):
    dispatch = loop.begin(_waiting(steps))
    steps.wait_for("begun")
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.reason, end.error) == ("stopped", "asked", "")
    assert steps.seen == ["begun", "cancelled", "cleaned up"]
    assert end.duration >= timedelta(seconds=0.2)


def test_who_looks_is_not_cancelled(loop, steps):
    async def looking(context) -> str:
        steps("begun")
        try:
            while not context.stop_requested:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            steps("cancelled")
            raise
        return "left by itself"

    dispatch = loop.begin(looking)
    steps.wait_for("begun")
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.result, steps.seen) == ("stopped", "left by itself", ["begun"])


def test_a_timeout_cancels_at_once(steps):
    """The run is over: there is nothing to wait for."""
    with looping(grace=3600) as loop:
        dispatch = loop.begin(_waiting(steps), timeout=SOON)
        steps.wait_for("begun")
        loop.give_up(dispatch)
        assert loop.end_of(dispatch).status == "timed_out"
        loop.left(dispatch)
    assert steps.seen == ["begun", "cancelled", "cleaned up"]


def test_a_shutdown_cancels_in_time_to_clean_up(steps, settings):
    """C4: whatever the grace, half of what is left before the process ends."""
    settings.DJANGO_SCHEDULER = {"FINAL_WRITE_BUDGET": 0.4}
    with looping(grace=3600) as loop:
        dispatch = loop.begin(_waiting(steps))
        steps.wait_for("begun")
        loop.executor.withdraw()
        loop.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
        assert loop.executor.stop(10)
        end = loop.end_of(dispatch)
    assert (end.status, end.reason) == ("stopped", "shutdown")
    assert steps.seen == ["begun", "cancelled", "cleaned up"]


def test_who_swallows_the_cancellation_leaves_when_it_leaves(loop, steps):
    """R4: the outcome stands meanwhile."""
    go = threading.Event()

    async def deaf(context) -> str:
        steps("begun")
        while not go.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                steps("cancelled")
        return "too late"

    dispatch = loop.begin(deaf, timeout=SOON)
    steps.wait_for("begun")
    loop.give_up(dispatch)
    steps.wait_for("cancelled")
    end = loop.end_of(dispatch)
    assert (end.status, end.left) == ("timed_out", False)
    assert loop.executor.free_slots() == loop.executor.slots - 1
    go.set()
    left = loop.left(dispatch)
    assert left.at > end.started_at
    assert steps.seen == ["begun", "cancelled"]


def test_hooks_are_not_cancelled_and_may_await(loop, steps):
    async def hook(context, error=None) -> None:
        async with asyncio.TaskGroup() if hasattr(asyncio, "TaskGroup") else _nothing():
            await asyncio.wait_for(asyncio.sleep(0.4), 5)
        steps(f"hook {type(error).__name__}")

    hooks = {"on_stop": hook, "on_finally": hook}
    dispatch = loop.begin(_waiting(steps), hooks=hooks)
    steps.wait_for("begun")
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.hook_errors) == ("stopped", {})
    assert steps.seen[-2:] == ["hook RunStopped", "hook NoneType"]


class _nothing:
    async def __aenter__(self) -> None:
        """Do nothing, where there are no task groups: before Python 3.11."""

    async def __aexit__(self, *_error: object) -> None:
        """Do nothing."""


def test_to_hooks_it_is_as_if_nothing_had_been_cancelled(loop, steps):
    """Or a task group in one of them, whose task fails, would take itself for cancelled."""

    async def hook(context, error=None) -> None:
        task = asyncio.current_task()
        count = task.cancelling() if hasattr(task, "cancelling") else 0  # from Python 3.11 on
        steps(f"cancelled {count} times")

    dispatch = loop.begin(_waiting(steps), hooks={"on_finally": hook})
    steps.wait_for("begun")
    loop.ask_to_stop(dispatch)
    loop.end_of(dispatch)
    assert steps.seen[-1] == "cancelled 0 times"


def test_a_hook_that_goes_on_when_the_order_comes_is_not_cancelled(loop, steps):
    async def slow(context, error=None) -> None:
        steps("slow")
        await asyncio.sleep(0.5)
        steps("through")

    async def quick(context) -> str:
        return "done"

    dispatch = loop.begin(quick, hooks={"on_success": slow})
    steps.wait_for("slow")
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.hook_errors) == ("succeeded", {})
    assert steps.seen == ["slow", "through"]


def test_what_a_cancelled_function_raises_instead_is_said_beside_the_order(loop, steps):
    async def upset(context) -> None:
        steps("begun")
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("could not clean up")

    dispatch = loop.begin(upset)
    steps.wait_for("begun")
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.reason) == ("stopped", "asked")
    assert end.error == "ValueError: could not clean up"


def test_a_cancellation_nobody_ordered_is_a_failure(loop):
    async def cancels_itself(context) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    end = loop.run(cancels_itself)
    assert (end.status, end.error) == ("failed", "CancelledError")


def test_a_run_that_holds_is_cancelled_by_nobody(loop, steps):
    """C2"""

    async def holds(context) -> None:
        steps("begun")
        while True:
            await context.acheckpoint()
            await asyncio.sleep(0.01)

    dispatch = loop.begin(holds)
    steps.wait_for("begun")
    watched = loop.watched(dispatch)
    watched.context.orders.pause()
    wait_until(lambda: watched.is_held)
    loop.ask_to_stop(dispatch)
    end = loop.end_of(dispatch)
    assert (end.status, end.error) == ("stopped", "")


def test_runs_hold_at_once_though_every_thread_is_taken(steps):
    """C2: who acknowledges late goes on, as if it had not been asked to pause."""
    go = threading.Event()

    def blocks(context) -> None:
        go.wait(20)

    async def holds(context) -> None:
        steps("begun")
        while not go.is_set():
            await context.acheckpoint()
            await asyncio.sleep(0.01)

    with looping(threads=1) as loop:
        loop.begin(blocks)
        held = [loop.begin(holds) for _ in range(20)]
        wait_until(lambda: len(steps.seen) == 20)
        watched = [loop.watched(each) for each in held]
        for each in watched:
            each.context.orders.pause()
        wait_until(lambda: all(each.is_held for each in watched))
        go.set()
        for each in watched:
            each.context.orders.go_on()
        assert {loop.end_of(each).status for each in held} == {"succeeded"}
