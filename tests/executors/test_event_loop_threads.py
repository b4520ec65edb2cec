"""Beside the event loop: plain functions, and what coroutines ask the database (E4)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import Group
from django.db import connection, transaction

from django_scheduler import current_run
from django_scheduler.runner.threads import DaemonThreads
from tests.executors.loop_kit import Loop, looping, threads_of
from tests.waiting import wait_until

database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def loop() -> Iterator[Loop]:
    with looping(threads=2, grace=0.2) as made:
        yield made


class Gate:
    """Counts who is inside, and keeps them there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.go = threading.Event()
        self.inside = 0
        self.most = 0

    def enter(self, *_context: object) -> int:
        """Stay until the gate is opened; return which thread this is."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(20)
        with self._lock:
            self.inside -= 1
        return threading.get_ident()


def test_no_more_plain_functions_at_once_than_threads(loop):
    gate = Gate()

    def stays(context) -> int:
        return gate.enter()

    runs = [loop.begin(stays) for _ in range(5)]
    wait_until(lambda: gate.inside == 2)

    async def quick(context) -> str:
        return "past them"

    assert loop.run(quick).result == "past them"
    gate.go.set()
    assert len({loop.end_of(each).result for each in runs}) == 2
    assert gate.most == 2


def test_a_plain_function_is_not_cancelled_and_leaves_when_it_returns(loop):
    """R4: nobody can end a thread; the run must not be taken for left."""
    gate = Gate()

    def stays(context) -> int:
        return gate.enter()

    dispatch = loop.begin(stays, timeout=timedelta(milliseconds=50))
    wait_until(lambda: gate.inside == 1)
    loop.give_up(dispatch)
    assert loop.end_of(dispatch).left is False
    assert not loop.executor.stop(0.5)
    gate.go.set()
    loop.left(dispatch)


def test_what_a_plain_function_returns_is_awaited_if_it_can_be(loop):
    async def work() -> str:
        return current_run().job_name

    def makes(context):
        return work()

    assert loop.run(makes).result.startswith("makes")


def test_a_thread_is_used_again(loop):
    """And none is started beside one that is idle."""

    def where(context) -> int:
        return threading.get_ident()

    assert len({loop.run(where).result for _ in range(3)}) == 1
    assert len([name for name in threads_of(loop.executor) if name.endswith("-thread")]) == 1


def test_a_thread_that_never_returns_does_not_hold_the_process_back():
    """The interpreter waits at its end for the threads of the standard library's pool."""
    go = threading.Event()
    threads = DaemonThreads("daemon", 1)
    future = threads.submit(go.wait, 20)
    (thread,) = [each for each in threading.enumerate() if each.name == "daemon"]
    assert thread.daemon
    threads.shutdown()
    go.set()
    assert future.result(20)
    thread.join(20)
    with pytest.raises(RuntimeError, match="has ended"):
        threads.submit(print)


def test_a_call_that_was_cancelled_before_its_turn_is_not_made():
    go, made = threading.Event(), []
    threads = DaemonThreads("daemon", 1)
    first = threads.submit(go.wait, 20)
    second = threads.submit(made.append, 1)
    assert second.cancel()
    threads.shutdown()
    go.set()
    assert first.result(20)
    wait_until(lambda: not [each for each in threading.enumerate() if each.name == "daemon"])
    assert made == []


@database
def test_the_orms_asynchronous_methods_work(loop):
    async def asks(context) -> list[str]:
        await Group.objects.acreate(name="one")
        await Group.objects.aget_or_create(name="two")
        found = await Group.objects.aget(name="one")
        return [found.name, *[group.name async for group in Group.objects.order_by("name")]]

    assert loop.run(asks).result == ["one", "one", "two"]
    assert Group.objects.count() == 2


@database
def test_the_loop_itself_may_not_ask(loop):
    async def asks(context) -> int:
        return Group.objects.count()

    assert loop.run(asks).error.startswith("SynchronousOnlyOperation")


@database
def test_a_run_asks_in_one_thread_and_another_run_in_another(loop):
    async def where(context) -> list[int]:
        first = await sync_to_async(threading.get_ident)()
        task = asyncio.create_task(sync_to_async(threading.get_ident)())
        await asyncio.wait_for(asyncio.to_thread(both.wait), 20)
        return [first, await task, await sync_to_async(threading.get_ident)()]

    both = threading.Barrier(2)
    runs = [loop.begin(where) for _ in range(2)]
    one, other = (loop.end_of(each).result for each in runs)
    assert len(set(one)) == len(set(other)) == 1
    assert one[0] != other[0]


@database
def test_no_more_connections_at_once_than_threads(loop):
    """However many runs ask: they take turns in the threads there are."""
    go = threading.Event()

    async def asks(context) -> int:
        used = await sync_to_async(_count_and_name)()
        while not go.is_set():
            await asyncio.sleep(0.01)
        assert await sync_to_async(_count_and_name)() == used
        return used

    runs = [loop.begin(asks) for _ in range(30)]
    go.set()
    assert len({loop.end_of(each).result for each in runs}) == 2
    assert len([name for name in threads_of(loop.executor) if "database" in name]) == 2


def _count_and_name() -> int:
    Group.objects.count()
    return threading.get_ident()


@database
def test_a_run_leaves_no_connection_behind(loop):
    seen = []

    def look() -> None:
        seen.append(connection.connection is None)
        Group.objects.count()

    async def asks(context) -> None:
        await sync_to_async(look)()
        await sync_to_async(look)()

    for _ in range(2):
        loop.run(asks)
        assert loop.executor.stop(10)
    # CONN_MAX_AGE is 0 here: what a run opened is closed after it, and within it is kept.
    assert seen == [True, False, True, False]


@database
def test_a_transaction_does_not_outlast_the_call_that_began_it(loop):
    """Other runs may use the thread before this one comes back to it."""
    atomic = transaction.atomic()

    async def tries(context) -> None:
        await sync_to_async(atomic.__enter__)()

    assert loop.run(tries).error.startswith("TransactionLeftOpen")


@database
def test_a_transaction_within_one_call_is_kept_or_undone_as_a_whole(loop):
    @transaction.atomic
    def write(names: list[str]) -> None:
        for name in names:
            Group.objects.create(name=name)
            if not name:
                raise ValueError("no name")

    async def writes(context) -> None:
        await sync_to_async(write)(["kept"])
        await sync_to_async(write)(["undone", ""])

    assert loop.run(writes).error == "ValueError: no name"
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]


@database
def test_hooks_ask_in_the_thread_of_their_run(loop):
    where = []

    async def ask(context, error=None) -> None:
        where.append(await sync_to_async(threading.get_ident)())

    loop.run(ask, hooks={"on_start": ask, "on_finally": ask})
    assert len(where) == 3
    assert len(set(where)) == 1


@database
def test_code_that_goes_to_and_fro_between_the_worlds_comes_through(loop):
    """A coroutine asks a function that asks a coroutine that asks the database."""

    async def inner() -> int:
        return await Group.objects.acount()

    async def outer(context) -> int:
        return await sync_to_async(async_to_sync(inner))()

    assert loop.run(outer).result == 0


def test_a_run_that_is_over_asks_no_more(loop):
    """Its thread may be another run's by then, and nobody would tidy it."""
    go, late = threading.Event(), []

    async def asks() -> None:
        while not go.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        try:
            await sync_to_async(threading.get_ident)()
        except RuntimeError as error:
            late.append(str(error))

    async def leaves(context) -> None:
        context.task = asyncio.create_task(asks())
        await sync_to_async(threading.get_ident)()

    loop.run(leaves)
    assert loop.executor.stop(10)
    go.set()
    wait_until(lambda: late)
    assert late == ["The run is over: its thread takes no calls any more."]
