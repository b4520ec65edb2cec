"""Taking the steps of a run: each call made in this thread, or awaited in an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from ..context import is_in_loop
from .outcome import Outcome
from .pipeline import Answer, Call, HookSteps, Steps
from .threads import thread_of_its_own
from .transactions import end_transactions, open_transactions

__all__ = ["call_in_loop", "take_hook", "take_hook_in_loop", "take_steps", "take_steps_in_loop"]

logger = logging.getLogger("django_scheduler.runs")

T = TypeVar("T")
CallInLoop = Callable[[Call], Awaitable[Answer]]


def take_steps(steps: Steps) -> Outcome:
    """Make the calls here, one after the other; a coroutine gets an event loop of its own."""
    return _take(steps)


def take_hook(steps: HookSteps) -> BaseException | None:
    """Make the call of a hook here and return its error, if it counts."""
    return _take(steps)


def _take(steps: Generator[Call, Answer, T]) -> T:
    try:
        call = next(steps)
        while True:
            call = steps.send(_call_here(call, _in_own_loop))
    except StopIteration as end:
        value: T = end.value
        return value


def _in_own_loop(value: Any) -> Any:
    if not asyncio.iscoroutine(value):
        return value
    with thread_of_its_own() as context:
        return context.run(asyncio.run, value)


def _as_it_is(value: Any) -> Any:
    return value


def _call_here(call: Call, finish: Callable[[Any], Any]) -> Answer:
    """Make the call in this thread, have ``finish`` make its value of what was returned."""
    before = open_transactions()
    try:
        answer = Answer(finish(call.function(*call.args, **call.kwargs)))
    except BaseException as error:
        answer = Answer(error=error)
    left = end_transactions(before)
    if left is None:
        return answer
    if answer.error is not None:
        logger.warning("After %s: %s", type(answer.error).__name__, left)
        return answer
    # What it wrote is gone: to record a success would be a lie.
    return Answer(error=left)


async def call_in_loop(
    call: Call, awaiting: Callable[[], AbstractContextManager[Any]] = nullcontext
) -> Answer:
    """Make the call in the running event loop; a plain function goes to a thread of its pool.

    Args:
        awaiting: entered while the coroutine is awaited; not while a thread is, which nobody can
            break off.
    """
    try:
        value: Any
        if inspect.iscoroutinefunction(call.function):
            value = call.function(*call.args, **call.kwargs)
        else:
            # Its errors come back as values: a future takes no StopIteration.
            answer = await asyncio.to_thread(_call_here, call, _as_it_is)
            if answer.error is not None or not inspect.isawaitable(answer.value):
                return answer
            value = answer.value
        with awaiting():
            return Answer(await value)
    except BaseException as error:
        if isinstance(error, GeneratorExit) and not is_in_loop():
            raise  # nobody raised it: the task is thrown away, and nothing more can be awaited
        return Answer(error=error)


async def take_steps_in_loop(steps: Steps, make: CallInLoop = call_in_loop) -> Outcome:
    """Take the steps in the running event loop, each call made by ``make``."""
    return await _take_in_loop(steps, make)


async def take_hook_in_loop(steps: HookSteps) -> BaseException | None:
    """Await the call of a hook and return its error, if it counts."""
    return await _take_in_loop(steps, call_in_loop)


async def _take_in_loop(steps: Generator[Call, Answer, T], make: CallInLoop) -> T:
    try:
        call = next(steps)
        while True:
            call = steps.send(await make(call))
    except StopIteration as end:
        value: T = end.value
        return value
