"""The executors that are held to one contract, and what a test does with each of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django_scheduler.clock import SystemClock
from django_scheduler.executors import Executor
from django_scheduler.executors.celery import CeleryExecutor
from django_scheduler.executors.event_loop import AsyncioExecutor
from django_scheduler.executors.inline import InlineExecutor
from django_scheduler.executors.process import ProcessExecutor
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.lifecycle import Fact, Finished, GivenBack, Published
from django_scheduler.runner import Dispatch, Runner, Watch
from django_scheduler.runner.watch import Watched
from django_scheduler.states import Reason, RunStatus
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until

CELERY_APP = "tests.executors.test_contract.app"


@dataclass(frozen=True)
class Carrier:
    """An executor to be tried with plain functions, or with coroutines."""

    make: Callable[[int], Executor]
    suffix: str = ""


def _celery(slots: int) -> Executor:
    return CeleryExecutor("tried", app=CELERY_APP, queue="contract", in_flight=slots)


CARRIERS = {
    "inline": Carrier(lambda slots: InlineExecutor("tried", slots=slots)),
    "threads": Carrier(lambda slots: ThreadPoolExecutor("tried", threads=slots)),
    "threads, coroutines": Carrier(
        lambda slots: ThreadPoolExecutor("tried", threads=slots), ".async"
    ),
    "asyncio": Carrier(lambda slots: AsyncioExecutor("tried", slots=slots), ".async"),
    "asyncio, plain functions": Carrier(lambda slots: AsyncioExecutor("tried", slots=slots)),
    "process": Carrier(lambda slots: ProcessExecutor("tried", processes=slots, grace=0.5)),
}
"""Those that carry runs out. One line here holds an executor to all of the contract."""

ELSEWHERE = [name for name in CARRIERS if name != "inline"]
"""Those whose ``submit`` returns while the run goes on."""

HANDING_ON = {"celery": Carrier(_celery)}
"""Those that only hand runs on: to them the first part of the contract applies."""


class Tried:
    """An executor that was started, and what it said."""

    def __init__(self, carrier: Carrier, slots: int = 3) -> None:
        self.suffix = carrier.suffix
        self.executor = carrier.make(slots)
        self.recorder = Recorder()
        self.clock = SystemClock()
        self.may_start = True
        self.watch = Watch(self.clock, lambda: self.may_start)
        self.start()

    def start(self) -> None:
        """Get the executor ready, as a session of the engine does."""
        runner = Runner(self.clock, self.recorder, self.watch)
        self.executor.start(runner, self.recorder, self.clock)

    def begin(self, function: str, *args: Any, **fields: Any) -> Dispatch:
        """Submit a run and return its dispatch."""
        name = function + self.suffix
        values = {"function": name, "job_name": name, "args": args, **fields}
        dispatch = make_dispatch(**values)
        self.executor.submit(dispatch)
        return dispatch

    def run(self, function: str, *args: Any, **fields: Any) -> Finished:
        """Have a run carried out and return how it ended."""
        return self.end_of(self.begin(function, *args, **fields))

    def end_of(self, dispatch: Dispatch) -> Finished:
        """Wait for the one word about how the run ended, and return it."""
        (fact,) = self.facts(Finished, dispatch)
        assert isinstance(fact, Finished)
        return fact

    def facts(self, kind: type[Fact], dispatch: Dispatch) -> list[Fact]:
        """Wait until something of the kind was said about the run, and return it."""
        of = self.recorder.of
        return wait_until(lambda: [f for f in of(kind) if f.run_id == dispatch.run_id])

    def watched(self, dispatch: Dispatch) -> Watched:
        """Wait until the run's function was called and return the run."""
        (found,) = wait_until(
            lambda: [
                each
                for each in self.watch.all()
                if each.dispatch is dispatch and each.context.data.get("begun")
            ]
        )
        return found

    def ask_to_stop(self, dispatch: Dispatch) -> None:
        """Pass a person's order to a run whose function was called."""
        self.watched(dispatch).context.orders.stop(RunStatus.STOPPED, Reason.ASKED.value)

    def look_for_overdue(self) -> None:
        """Do what the heartbeat does about runs over their time."""
        for fact in self.watch.overdue():
            self.recorder.tell(fact)

    def done_with(self) -> list[Fact]:
        """Return the facts by which this process let go of a run."""
        return [
            fact for kind in (Finished, Published, GivenBack) for fact in self.recorder.of(kind)
        ]

    def ids(self) -> list[uuid.UUID]:
        """Return the runs this process let go of, sorted."""
        return sorted(fact.run_id for fact in self.done_with())


@contextmanager
def trying(carrier: Carrier, slots: int = 3) -> Iterator[Tried]:
    """An executor of which nothing goes on after the block."""
    tried = Tried(carrier, slots)
    try:
        yield tried
    finally:
        tried.executor.withdraw()
        tried.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
        assert tried.executor.stop(20)
