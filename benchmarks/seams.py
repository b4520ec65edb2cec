"""Where the benchmarks touch the engine: when it is rebuilt inside, this file follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connections

from django_scheduler.engine import Scheduler
from django_scheduler.executors import Executor
from django_scheduler.executors.event_loop import AsyncioExecutor
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.models import Run
from django_scheduler.models.vendors import vendor_of
from django_scheduler.models.vendors.generic import Generic
from django_scheduler.runner import Dispatch, Reporter, Runner

__all__ = [
    "BATCH",
    "ByHand",
    "by_the_orm",
    "celery_publisher",
    "dispatches",
    "first_tick",
    "in_the_loop",
    "poke",
    "running",
]

BATCH = 500


class Sink(Executor):
    """Takes every dispatch and never carries it out."""

    def __init__(self, alias: str = "default") -> None:
        super().__init__(alias)
        self.taken = 0

    def start(self, runner: Runner, reporter: Reporter, clock: Any) -> None:
        """Nothing to get ready."""

    def free_slots(self) -> int:
        """There is always room for more than a batch."""
        return 4 * BATCH

    def submit(self, dispatch: Dispatch) -> None:
        """Count it."""
        self.taken += 1

    def withdraw(self) -> list[Dispatch]:
        """Nothing waits."""
        return []

    def stop(self, timeout: float) -> bool:
        """Nothing runs."""
        return True


def _scheduler(executors: Mapping[str, Executor]) -> Scheduler:
    return Scheduler(executors=executors, sync_code=False, poll_interval=timedelta(seconds=1))


class ByHand:
    """A scheduler without threads: its turn is one call, and its runs go nowhere."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._scheduler = _scheduler({"default": self._sink})
        self._scheduler.tick()

    def keep_alive(self) -> None:
        """Renew its lease when that is due, as a thread of its own does in a real one."""
        assert self._scheduler.session is not None
        self._scheduler.session.heartbeat.step()

    def claim(self) -> int:
        """Do one turn and return how many runs it handed out."""
        assert self._scheduler.session is not None
        before = self._sink.taken
        self._scheduler.session.turn.look_soon()
        self._scheduler.session.turn.take()
        return self._sink.taken - before

    def close(self) -> None:
        """End it in order."""
        self._scheduler.close()


def first_tick() -> Scheduler:
    """Return a scheduler that has just started, in this thread, and done its first turn."""
    scheduler = _scheduler({"default": Sink()})
    scheduler.tick()
    return scheduler


@contextmanager
def by_the_orm() -> Iterator[None]:
    """Let this thread write as it would on a database whose own SQL is not known here."""
    connection = connections["default"]
    own = vendor_of("default")
    connection._scheduler_vendor = Generic("default")  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection._scheduler_vendor = own  # type: ignore[attr-defined]


@contextmanager
def running(threads: int) -> Iterator[Scheduler]:
    """A scheduler in threads of its own, with room for so many runs at once in either executor."""
    scheduler = _scheduler(
        {
            "default": ThreadPoolExecutor("default", threads=threads),
            "asyncio": AsyncioExecutor("asyncio", slots=threads),
        }
    )
    scheduler.start()
    try:
        scheduler.wait_until_running(60)
        yield scheduler
    finally:
        stopper = threading.Thread(target=scheduler.stop, args=(5,), daemon=True)
        stopper.start()
        stopper.join(60)


@contextmanager
def in_the_loop(around: Callable[..., object]) -> Iterator[None]:
    """Let ``around`` call the loop of every scheduler that is started within the block."""
    loop = Scheduler._loop

    def wrapped(*arguments: Any) -> None:
        around(loop, *arguments)

    Scheduler._loop = wrapped  # type: ignore[method-assign]
    try:
        yield
    finally:
        Scheduler._loop = loop  # type: ignore[method-assign]


def poke(scheduler: Scheduler) -> None:
    """Wake the scheduler as an accelerator would, so that no poll is part of a figure."""
    if scheduler.session is not None:
        scheduler.session.turn.look_soon()
    scheduler._wake.set()


def dispatches(runs: list[Run]) -> list[Dispatch]:
    """Return what an executor is given of these runs."""
    return [Dispatch.of(run, run.scheduled_for) for run in runs]


@contextmanager
def celery_publisher(app: Any, queue: str) -> Iterator[Callable[[Dispatch], None]]:
    """Yield what publishes one run's message and returns when the broker has it."""
    from django_scheduler.executors.celery.publisher import Broker

    broker = Broker(app, queue)
    try:
        yield broker.publish
    finally:
        broker.close()
