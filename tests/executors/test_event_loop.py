"""The event loop itself: when it begins and ends, what may happen in it, and who holds it (E4)."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from django_scheduler import current_run
from django_scheduler.executors.event_loop import AsyncioExecutor
from tests.executors.loop_kit import Loop, looping, threads_of
from tests.waiting import wait_until


@pytest.fixture
def loop(settings) -> Iterator[Loop]:
    settings.DJANGO_SCHEDULER = {"MONITOR_INTERVAL": 0.2}
    with looping(grace=0.3) as made:
        yield made


async def _done(context) -> str:
    return "done"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"slots": 0}, "slots must be a whole number from 1, not 0"),
        ({"slots": True}, "slots must be a whole number from 1, not True"),
        ({"threads": 1.5}, "threads must be a whole number from 1, not 1.5"),
        ({"grace": -1}, "grace=-1 is negative"),
        ({"grace": None}, "grace must be seconds or a timedelta, not None"),
        ({"grace": float("nan")}, "grace=nan"),
        ({"capture_output": 1}, "capture_output must be True or False, not 1"),
    ],
)
def test_options_that_do_not_suit_it_are_refused(options, problem):
    with pytest.raises(ValueError, match=problem):
        AsyncioExecutor.from_options("asyncio", options, threads=4)


def test_the_process_says_how_many_threads_there_are_beside_the_loop():
    assert AsyncioExecutor.from_options("asyncio", {}, threads=4).most_threads == 4
    assert AsyncioExecutor.from_options("asyncio", {"threads": 2}, threads=4).most_threads == 2


def test_a_process_without_such_runs_has_no_loop(loop):
    assert threads_of(loop.executor) == []
    loop.run(_done)
    assert threads_of(loop.executor) == ["scheduler-tried", "scheduler-tried-watch"]
    loop.executor.withdraw()
    wait_until(lambda: threads_of(loop.executor) == [])


def test_all_runs_share_one_loop(loop):
    async def where(context) -> int:
        return id(asyncio.get_running_loop())

    assert len({loop.run(where).result for _ in range(3)}) == 1


def test_a_run_begins_with_nothing_of_the_one_before(loop):
    """Neither its run nor its context variables."""
    seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")

    async def leave(context) -> str:
        found, _ = seen.get(), seen.set("something")
        return found

    with looping(slots=1) as small:
        runs = [small.begin(leave) for _ in range(3)]
        assert [small.end_of(each).result for each in runs] == ["nothing"] * 3


def test_tasks_and_threads_that_a_run_begins_know_it(loop):
    """X1"""

    async def ask() -> str:
        return current_run().run_id

    async def begin(context) -> list[str]:
        tasks = [asyncio.create_task(ask()) for _ in range(2)]
        there = await asyncio.to_thread(lambda: current_run().run_id)
        return [there, *await asyncio.gather(*tasks)]

    end = loop.run(begin)
    assert end.result == [str(end.run_id)] * 3


def test_what_a_run_prints_is_kept_with_it_where_that_is_wanted(capsys):
    """R9"""

    async def prints(context, word: str) -> None:
        for _ in range(2):
            sys.stdout.write(f"{word}\n")
            await asyncio.sleep(0.01)
        await asyncio.to_thread(sys.stderr.write, "from a thread")

    before = sys.stdout
    with looping(capture_output=True) as loop:
        runs = [loop.begin(prints, args=(word,)) for word in ("one", "two")]
        logs = [loop.end_of(each).log for each in runs]
    assert logs == ["| one\n| one\n| from a thread", "| two\n| two\n| from a thread"]
    assert capsys.readouterr().out.count("one") == 2
    assert sys.stdout is before


def test_a_task_that_is_left_behind_ends_with_its_run(loop):
    """As it would with a loop of its own."""
    ended = []

    async def stay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(current_run().run_id)

    async def leave(context) -> None:
        context.task = asyncio.create_task(stay())
        await asyncio.sleep(0)

    end = loop.run(leave)
    assert ended == [str(end.run_id)]
    assert end.status == "succeeded"


def test_a_task_begun_in_an_empty_context_is_nobodys(loop):
    """A pool that many runs share must not end with the first of them."""
    begun: list[asyncio.Task[None]] = []
    go = threading.Event()

    async def stay() -> None:
        while not go.is_set():
            await asyncio.sleep(0.01)

    async def leave(context) -> None:
        begun.append(contextvars.Context().run(asyncio.create_task, stay()))

    assert loop.run(leave).status == "succeeded"
    assert loop.run(_done).status == "succeeded"
    assert not begun[0].done()
    go.set()
    wait_until(begun[0].done)
    assert not begun[0].cancelled()


def test_a_task_that_does_not_let_itself_be_cancelled_is_named_and_left(loop):
    go = threading.Event()
    begun: list[asyncio.Task[None]] = []

    async def deaf() -> None:
        while not go.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    async def leave(context) -> None:
        begun.append(asyncio.create_task(deaf()))
        await asyncio.sleep(0)

    end = loop.run(leave)
    assert end.status == "succeeded"
    assert "1 tasks of run" in end.log
    go.set()
    wait_until(begun[0].done)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_in_a_task_of_a_run_ends_no_other_run(loop, error, caplog):
    """R3: asyncio itself would end the loop."""
    go = threading.Event()

    async def stay(context) -> str:
        while not go.is_set():
            await asyncio.sleep(0.01)
        return "stayed"

    async def leave() -> None:
        raise error("from a task")

    async def wait_for_it(context) -> None:
        await asyncio.create_task(leave())

    beside = loop.begin(stay)
    end = loop.run(wait_for_it)
    assert (end.status, end.error) == ("failed", f"{error.__name__}: from a task")
    assert f"{error.__name__} left the event loop, which goes on" in caplog.text
    go.set()
    assert loop.end_of(beside).result == "stayed"


def test_who_stops_the_loop_stops_nobody(loop):
    async def stop_it(context) -> str:
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        return "still there"

    assert loop.run(stop_it).result == "still there"


def test_who_cancels_all_tasks_fails_runs_and_costs_no_slot(loop):
    async def stay(context) -> None:
        await asyncio.Event().wait()

    async def cancel_all(context) -> str:
        mine = asyncio.current_task()
        for task in asyncio.all_tasks():
            if task is not mine:
                task.cancel()
        return "done"

    free = loop.executor.free_slots()
    beside = loop.begin(stay)
    wait_until(lambda: loop.watch.all())
    assert loop.run(cancel_all).status == "succeeded"
    assert loop.end_of(beside).error == "CancelledError"
    assert loop.executor.stop(10)
    assert loop.executor.free_slots() == free


def test_who_holds_the_loop_is_named_once_in_its_own_log(loop, caplog):
    """Everything else stands still: that is to be seen."""
    hold = threading.Event()

    async def blocks(context) -> None:
        for _ in range(2):
            hold.wait(0.5)
            await asyncio.sleep(0)

    dispatch = loop.begin(blocks)
    end = loop.end_of(dispatch)
    told = [r for r in caplog.records if "has held the event loop" in r.getMessage()]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert f"Run {dispatch.run_id} of {dispatch.job_name} has held" in end.log
    assert "threading.py" in end.log
    assert told[0].run_id == str(dispatch.run_id)


def test_a_task_that_holds_the_loop_is_told_as_its_run(loop):
    hold = threading.Event()

    async def block() -> None:
        hold.wait(0.5)

    async def begin(context) -> None:
        await asyncio.create_task(block())

    assert "has held the event loop" in loop.run(begin).log


def test_a_loop_that_many_keep_busy_is_held_by_nobody(loop, caplog):
    """Each of them takes its turn: to name one of them would accuse the innocent."""
    hold = threading.Event()

    async def short() -> None:
        hold.wait(0.02)

    async def many(context) -> None:
        await asyncio.gather(*(short() for _ in range(40)))

    loop.run(many)
    assert "held the event loop" not in caplog.text
