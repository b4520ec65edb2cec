"""A run that holds in an event loop: it waits, and nothing else does (C2, E4)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from django_scheduler.exceptions import RunStopped
from django_scheduler.lifecycle import Paused
from django_scheduler.states import RunStatus
from tests.runner.holding_kit import HeldRun

PATIENCE = 20.0


def in_loop(test: Callable[[HeldRun], Awaitable[None]]) -> None:
    """Play the test in an event loop of its own; whoever waits in it for ever fails it."""
    run = HeldRun()

    async def play() -> None:
        await asyncio.wait_for(test(run), PATIENCE)

    asyncio.run(play())


async def until(true: Callable[[], Any]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def held(run: HeldRun) -> None:
    await until(lambda: run.row.status == "paused" and "on_pause" in run.called)


def test_it_holds_and_the_loop_goes_on():
    async def play(run: HeldRun) -> None:
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        await held(run)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not holding.done()
        run.orders.go_on()
        await holding
        assert run.row.words == ["Paused", "Resumed"]
        assert run.called == ["on_pause", "on_resume"]

    in_loop(play)


def test_the_loop_goes_on_while_the_pause_is_written():
    async def play(run: HeldRun) -> None:
        may_write = threading.Event()
        run.row.before_answer = lambda _fact: may_write.wait(PATIENCE)
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        for _ in range(3):
            await asyncio.sleep(0.001)
        may_write.set()
        await held(run)
        run.orders.go_on()
        await holding

    in_loop(play)


def test_orders_come_from_other_threads():
    async def play(run: HeldRun) -> None:
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        await held(run)
        await asyncio.to_thread(run.orders.go_on)
        await holding

    in_loop(play)


def test_a_stop_frees_it():
    async def play(run: HeldRun) -> None:
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        await held(run)
        run.orders.stop(RunStatus.STOPPED, "asked")
        with pytest.raises(RunStopped):
            await holding
        assert run.row.words == ["Paused", "Resumed to end"]
        assert run.called == ["on_pause"]

    in_loop(play)


def test_a_plain_checkpoint_in_a_loop_holds_nobody():
    """It would hold up everything that runs there; it still leaves when the run is to end."""

    async def play(run: HeldRun) -> None:
        run.orders.pause()
        run.context.checkpoint()
        assert list(run.context.track([1, 2])) == [1, 2]
        assert (run.row.asked, run.context.pause_requested) == ([], True)
        run.orders.stop(RunStatus.STOPPED, "asked")
        with pytest.raises(RunStopped):
            run.context.checkpoint()

    in_loop(play)


def test_a_plain_checkpoint_in_a_thread_that_a_loop_waits_for_holds():
    async def play(run: HeldRun) -> None:
        run.orders.pause()
        holding = asyncio.create_task(asyncio.to_thread(run.context.checkpoint))
        await held(run)
        run.orders.go_on()
        await holding
        assert run.row.words == ["Paused", "Resumed"]

    in_loop(play)


def test_a_hold_that_is_cancelled_leaves_no_paused_run_behind():
    """As `asyncio.timeout()` around it does; the function may then return as if nothing was."""

    async def play(run: HeldRun) -> None:
        run.orders.pause()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run.context.acheckpoint(), 0.05)
        assert run.row.words == ["Paused", "Resumed"]
        assert run.called == ["on_pause"]
        assert not run.watched.is_held

    in_loop(play)


def test_a_hold_that_is_cancelled_while_it_is_written_leaves_no_paused_run_behind():
    async def play(run: HeldRun) -> None:
        written, may_go = threading.Event(), threading.Event()

        def write(fact: Any) -> None:
            if isinstance(fact, Paused):
                written.set()
                may_go.wait(PATIENCE)

        run.row.before_answer = write
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        await until(written.is_set)
        holding.cancel()
        await asyncio.sleep(0.001)
        may_go.set()
        with pytest.raises(asyncio.CancelledError):
            await holding
        assert run.row.words == ["Paused", "Resumed"]

    in_loop(play)


def test_of_several_tasks_one_speaks_for_the_run():
    async def play(run: HeldRun) -> None:
        run.orders.pause()
        tasks = [asyncio.create_task(run.context.acheckpoint()) for _ in range(5)]
        await held(run)
        await until(lambda: len(run.orders._listeners) == 5)
        run.orders.go_on()
        await asyncio.gather(*tasks)
        assert run.row.words == ["Paused", "Resumed"]
        assert run.called == ["on_pause", "on_resume"]

    in_loop(play)


def test_hooks_may_be_coroutines():
    async def play(run: HeldRun) -> None:
        async def note(_context: Any) -> None:
            await asyncio.sleep(0)
            run.called.append("awaited")

        run.hooks["on_pause"] = note
        run.orders.pause()
        holding = asyncio.create_task(run.context.acheckpoint())
        await until(lambda: "awaited" in run.called)
        run.orders.go_on()
        await holding
        assert run.called == ["on_pause", "awaited", "on_resume"]

    in_loop(play)


def test_an_order_to_a_loop_that_is_no_more_hurts_nobody():
    run = HeldRun()
    loop = asyncio.new_event_loop()
    run.orders.pause()
    task = loop.create_task(run.context.acheckpoint())
    loop.run_until_complete(held(run))
    listeners = run.orders._listeners
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert run.orders._listeners == ()
    for listener in listeners:
        listener()


def test_items_that_are_there_are_tracked_and_held():
    async def play(run: HeldRun) -> None:
        done: list[int] = []

        async def function() -> None:
            async for item in run.context.atrack([1, 2, 3]):
                done.append(item)
                if item == 2:
                    run.orders.pause()

        working = asyncio.create_task(function())
        await held(run)
        assert done == [1, 2]
        assert run.context.said.report().progress.completed == 2
        run.orders.go_on()
        await working
        progress = run.context.said.report().progress
        assert (done, progress.completed, progress.total) == ([1, 2, 3], 3, 3)

    in_loop(play)


def test_items_that_come_by_and_by_are_tracked():
    async def play(run: HeldRun) -> None:
        async def items() -> AsyncIterator[str]:
            for item in "ab":
                await asyncio.sleep(0)
                yield item

        assert [item async for item in run.context.atrack(items())] == ["a", "b"]
        progress = run.context.said.report().progress
        assert (progress.completed, progress.total) == (2, None)
        assert [item async for item in run.context.atrack(items(), total=1)] == ["a", "b"]
        progress = run.context.said.report().progress
        assert (progress.completed, progress.total) == (2, 2)

    in_loop(play)


def test_tracking_leaves_when_the_run_is_to_end():
    async def play(run: HeldRun) -> None:
        run.orders.stop(RunStatus.STOPPED, "asked")
        with pytest.raises(RunStopped):
            async for _item in run.context.atrack([1]):
                raise AssertionError("it was let pass")

    in_loop(play)
