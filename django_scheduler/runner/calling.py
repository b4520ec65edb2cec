"""Taking the steps of a run: each call made in this thread, or awaited in an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Generator
from typing import Any, TypeVar

from .outcome import Outcome
from .pipeline import Answer, Call, HookSteps, Steps
from .transactions import end_transactions, open_transactions

__all__ = ["take_hook", "take_hook_in_loop", "take_steps", "take_steps_in_loop"]

T = TypeVar("T")

logger = logging.getLogger("django_scheduler.runs")


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
            call = steps.send(_call_here(call))
    except StopIteration as end:
        value: T = end.value
        return value


def _call_here(call: Call) -> Answer:
    before = open_transactions()
    try:
        value = call.function(*call.args, **call.kwargs)
        answer = Answer(asyncio.run(value) if asyncio.iscoroutine(value) else value)
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


async def take_steps_in_loop(steps: Steps) -> Outcome:
    """Await the calls in the running event loop; plain functions go to a thread of its pool."""
    return await _take_in_loop(steps)


async def take_hook_in_loop(steps: HookSteps) -> BaseException | None:
    """Await the call of a hook and return its error, if it counts."""
    return await _take_in_loop(steps)


async def _take_in_loop(steps: Generator[Call, Answer, T]) -> T:
    try:
        call = next(steps)
        while True:
            call = steps.send(await _call_in_loop(call))
    except StopIteration as end:
        value: T = end.value
        return value


async def _call_in_loop(call: Call) -> Answer:
    try:
        return Answer(await _awaited(call))
    except BaseException as error:
        return Answer(error=error)


async def _awaited(call: Call) -> Any:
    if inspect.iscoroutinefunction(call.function):
        return await call.function(*call.args, **call.kwargs)
    value = await asyncio.to_thread(call.function, *call.args, **call.kwargs)
    return await value if inspect.isawaitable(value) else value
