"""What every executor must be able to carry out: each as a plain function, and as a coroutine."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import connection, transaction

from django_scheduler import RetryLater, SkipRun, current_run, job

logger = logging.getLogger("tests.contract")

Body = Callable[..., Any]


def both(name: str, *, in_thread: bool = False) -> Callable[[Body], Body]:
    """Register the function under the name, and a coroutine that does the same beside it.

    Args:
        in_thread: the coroutine has it done as code that uses the database is done.
    """

    def register(body: Body) -> Body:
        @functools.wraps(body)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return (
                await sync_to_async(body)(*args, **kwargs) if in_thread else body(*args, **kwargs)
            )

        job(name, takes_context=True)(body)
        job(f"{name}.async", takes_context=True)(awaiting)
        return body

    return register


class Rude(BaseException):
    """Not an `Exception`."""


ERRORS: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("bad value"),
    "SystemExit": lambda: SystemExit(4),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": StopIteration,
    "CancelledError": asyncio.CancelledError,
    "Rude": lambda: Rude("rude"),
    "RecursionError": RecursionError,
}


@both("contract.raises")
def raises(context: Any, kind: str) -> None:
    """Raise what is asked for."""
    if kind == "sys.exit":
        sys.exit("enough")
    raise ERRORS[kind]()


@both("contract.returns")
def returns(context: Any, value: Any = "done") -> Any:
    """Return what is asked for."""
    return value


@both("contract.unkeepable")
def unkeepable(context: Any) -> object:
    """Return what is no JSON."""
    return object()


@both("contract.sees")
def sees(context: Any) -> dict[str, Any]:
    """Return what the run says about itself."""
    here = current_run()
    return {"here": here.run_id, "given": context.run_id, "key": here.key, "kwargs": here.kwargs}


@both("contract.skips")
def skips(context: Any) -> None:
    """Find that there is nothing to do."""
    raise SkipRun("nothing_new")


@both("contract.wants_later")
def wants_later(context: Any) -> None:
    """Ask to be tried again."""
    raise RetryLater(90)


def _say(context: Any) -> None:
    logger.warning("a quarter is %s", "done")
    context.progress(1, 4, "a quarter")
    context.save_data(number=7)


@job("contract.says", takes_context=True)
def says(context: Any, until: str) -> str:
    """Say something on every way there is, and stay until the file exists."""
    _say(context)
    return holds(context, until)


@job("contract.says.async", takes_context=True)
async def asays(context: Any, until: str) -> str:
    """Do the same in an event loop."""
    _say(context)
    return await aholds(context, until)


@job("contract.holds", takes_context=True)
def holds(context: Any, until: str) -> str:
    """Stay until the file exists, or the run is to end; hold while it is to pause."""
    context.save_data(begun=True)
    while not Path(until).exists():
        context.checkpoint()
        threading.Event().wait(0.01)
    return "done"


@job("contract.holds.async", takes_context=True)
async def aholds(context: Any, until: str) -> str:
    """Do the same in an event loop."""
    context.save_data(begun=True)
    while not Path(until).exists():
        await context.acheckpoint()
        await asyncio.sleep(0.01)
    return "done"


@both("contract.writes", in_thread=True)
def writes(context: Any, name: str) -> bool:
    """Write a row in a transaction, and return whether there was one already."""
    open_before = connection.in_atomic_block or not connection.get_autocommit()
    with transaction.atomic():
        Group.objects.create(name=name)
    return open_before


@both("contract.leaks", in_thread=True)
def leaks(context: Any, name: str) -> None:
    """Write a row in a transaction that is never left."""
    transaction.atomic().__enter__()
    Group.objects.create(name=name)


@both("contract.breaks", in_thread=True)
def breaks(context: Any) -> None:
    """Leave a connection that only looks as if it could be used."""
    connection.ensure_connection()
    connection.connection.close()


def _note(name: str) -> Callable[..., None]:
    def hook(context: Any, error: BaseException | None = None) -> None:
        told = [*context.data.get("told", []), name + (f" {type(error).__name__}" if error else "")]
        context.save_data(told=told, knows=current_run().run_id)

    return hook


def _anote(name: str) -> Callable[..., Any]:
    async def hook(context: Any, error: BaseException | None = None) -> None:
        await asyncio.sleep(0)
        _note(name)(context, error)

    return hook


HOOKS = ("on_start", "on_success", "on_error", "on_stop", "on_pause", "on_resume", "on_finally")


@job("contract.hooked", takes_context=True, **{name: _note(name) for name in HOOKS})
def hooked(context: Any, until: str, kind: str = "") -> None:
    """As `contract.holds`, then raise if asked to; every hook notes that it was called."""
    holds(context, until)
    if kind:
        raise ERRORS[kind]()


@job("contract.hooked.async", takes_context=True, **{name: _anote(name) for name in HOOKS})
async def ahooked(context: Any, until: str, kind: str = "") -> None:
    """Do the same in an event loop."""
    await aholds(context, until)
    if kind:
        raise ERRORS[kind]()
