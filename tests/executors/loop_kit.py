"""An asyncio executor and the coroutines a test gives it, all in the test's own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django_scheduler import Hook, registry
from django_scheduler.clock import SystemClock
from django_scheduler.executors.event_loop import AsyncioExecutor
from django_scheduler.lifecycle import Fact, Finished, Left
from django_scheduler.registry import Definition
from django_scheduler.runner import Dispatch, Runner, Watch
from django_scheduler.runner.watch import Watched
from django_scheduler.states import Reason, RunStatus
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until


class Loop:
    """A started executor and everything it told."""

    def __init__(self, **options: Any) -> None:
        self.recorder = Recorder()
        self.watch = Watch(SystemClock())
        self.executor = AsyncioExecutor("tried", **options)
        clock = SystemClock()
        self.executor.start(Runner(clock, self.recorder, self.watch), self.recorder, clock)
        self._names: list[str] = []

    def begin(self, function: Any, hooks: dict[str, Any] | None = None, **fields: Any) -> Dispatch:
        """Have the function called, with the context, and return its dispatch."""
        name = f"{function.__name__} {len(self._names)}"
        made = {key: Hook(call) for key, call in (hooks or {}).items()}
        registry.register(Definition(name, function, hooks=made, takes_context=True))
        self._names.append(name)
        dispatch = make_dispatch(function=name, job_name=name, **fields)
        self.executor.submit(dispatch)
        return dispatch

    def run(self, function: Any, **fields: Any) -> Finished:
        """Have the function called and return how the run ended."""
        return self.end_of(self.begin(function, **fields))

    def end_of(self, dispatch: Dispatch) -> Finished:
        """Wait for the end of the run and return what was told of it."""
        (fact,) = wait_until(lambda: self._of(Finished, dispatch))
        assert isinstance(fact, Finished)
        return fact

    def left(self, dispatch: Dispatch) -> Left:
        """Wait for the function of a run that was given up, and return what was told of it."""
        (fact,) = wait_until(lambda: self._of(Left, dispatch))
        assert isinstance(fact, Left)
        return fact

    def _of(self, kind: type[Fact], dispatch: Dispatch) -> list[Fact]:
        return [fact for fact in self.recorder.of(kind) if fact.run_id == dispatch.run_id]

    def has_said_nothing_of(self, dispatch: Dispatch) -> bool:
        """Tell whether nothing was told of how the run ended."""
        return not (self._of(Finished, dispatch) or self._of(Left, dispatch))

    def watched(self, dispatch: Dispatch) -> Watched:
        """Return the run, which goes on."""
        (found,) = [each for each in self.watch.all() if each.dispatch is dispatch]
        return found

    def ask_to_stop(self, dispatch: Dispatch) -> None:
        """Pass a person's order to the run."""
        self.watched(dispatch).context.orders.stop(RunStatus.STOPPED, Reason.ASKED.value)

    def give_up(self, dispatch: Dispatch) -> None:
        """Do what the heartbeat does about a run over its timeout."""
        assert dispatch.timeout is not None
        wait_until(lambda: self._look() or self._of(Finished, dispatch))

    def _look(self) -> None:
        for fact in self.watch.overdue():
            self.recorder.tell(fact)

    def close(self) -> None:
        """End it and see that nothing is left of it."""
        self.executor.withdraw()
        self.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
        assert self.executor.stop(20)
        for name in self._names:
            registry.unregister(name)


def threads_of(executor: AsyncioExecutor) -> list[str]:
    """The names of the threads that the executor has at present, sorted."""
    prefix = f"scheduler-{executor.alias}"
    return sorted(each.name for each in threading.enumerate() if each.name.startswith(prefix))


@contextmanager
def looping(**options: Any) -> Iterator[Loop]:
    """An executor of which nothing goes on after the block, no thread either."""
    loop = Loop(**options)
    try:
        yield loop
    finally:
        loop.close()
    wait_until(lambda: not threads_of(loop.executor))
