"""Functions as nobody should write them, and what has to be recorded of each."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction

from django_scheduler import RetryLater, SkipRun, current_run
from django_scheduler.context import activate, current
from django_scheduler.exceptions import RunStopped, SchedulerError


class Rude(BaseException):
    """Not an `Exception`."""


class Unprintable(Exception):
    """Has no message that can be had."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error


class Nothing(SkipRun):
    """Forgets to say why."""

    def __init__(self) -> None:
        """Leave `reason` unset."""


class Later(RetryLater):
    """Forgets to say when."""

    def __init__(self) -> None:
        """Leave `delay` unset."""


def raising(error: BaseException) -> Callable[[], Any]:
    """A function that raises."""

    def function() -> Any:
        raise error

    return function


def recurse() -> int:
    return recurse() + 1


def leak() -> None:
    """Enter a transaction and forget it."""
    transaction.atomic().__enter__()
    Group.objects.create(name="leaked")


def leak_twice() -> None:
    transaction.atomic().__enter__()
    leak()


def leak_and_raise() -> None:
    leak()
    raise ValueError("after all that")


def leak_broken() -> None:
    """Break the connection within the transaction."""
    leak()
    connection.connection.close()


def leak_closed() -> None:
    leak()
    connection.close()


def leak_marked() -> None:
    leak()
    transaction.set_rollback(True)


def switch_autocommit_off() -> None:
    transaction.set_autocommit(False)
    Group.objects.create(name="leaked")


def close() -> str:
    Group.objects.count()
    connection.close()
    return "fine"


def break_connection() -> str:
    """Close it behind Django's back."""
    Group.objects.count()
    connection.connection.close()
    return "fine"


def forget_who_runs() -> str:
    current._current.set(None)
    return "fine"


def pose_as_another() -> str:
    another = type("Another", (), {"run_id": "another"})()
    activate(another).__enter__()
    return "fine"


def ask_in_a_thread() -> str:
    """A thread of its own does not know the run, and says so."""
    seen: list[str] = []

    def ask() -> None:
        try:
            seen.append(current_run().run_id)
        except SchedulerError as error:
            seen.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return seen[0]


async def exit_later() -> None:
    sys.exit(3)


LEFT = "TransactionLeftOpen: A transaction was left open on default"
CASES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "BaseException": (raising(Rude("no")), "failed", "Rude: no"),
    "sys.exit": (lambda: sys.exit(3), "failed", "SystemExit: 3"),
    "sys.exit later": (exit_later, "failed", "SystemExit: 3"),
    "KeyboardInterrupt": (raising(KeyboardInterrupt()), "failed", "KeyboardInterrupt"),
    "GeneratorExit": (raising(GeneratorExit()), "failed", "GeneratorExit"),
    "StopIteration": (raising(StopIteration("x")), "failed", "StopIteration: x"),
    "StopAsyncIteration": (raising(StopAsyncIteration()), "failed", "StopAsyncIteration"),
    "CancelledError": (raising(asyncio.CancelledError()), "failed", "CancelledError"),
    "MemoryError": (raising(MemoryError()), "failed", "MemoryError"),
    "RecursionError": (recurse, "failed", "RecursionError: maximum recursion depth exceeded"),
    "no message": (raising(Unprintable(OSError())), "failed", "Unprintable: (its message cannot"),
    "exits when shown": (raising(Unprintable(SystemExit())), "failed", "Unprintable: (its message"),
    "RunStopped by nobody": (raising(RunStopped("me")), "failed", "RunStopped: me"),
    "SkipRun without reason": (raising(Nothing()), "skipped", ""),
    "RetryLater without delay": (raising(Later()), "failed", "Later"),
    "atomic left open": (leak, "failed", LEFT),
    "two left open": (leak_twice, "failed", LEFT),
    "left open and raised": (leak_and_raise, "failed", "ValueError: after all that"),
    "left open and broken": (leak_broken, "failed", LEFT),
    "left open and closed": (leak_closed, "failed", LEFT),
    "left open and marked": (leak_marked, "failed", LEFT),
    "autocommit off": (switch_autocommit_off, "failed", LEFT),
    "connection closed": (close, "succeeded", ""),
    "connection broken": (break_connection, "succeeded", ""),
    "current run forgotten": (forget_who_runs, "succeeded", ""),
    "current run replaced": (pose_as_another, "succeeded", ""),
    "current run in a thread": (ask_in_a_thread, "succeeded", ""),
}
"""The function, the status it ends with, and how the error that is kept begins."""

if sys.version_info >= (3, 11):
    group = ExceptionGroup("two", [ValueError("a"), Unprintable(OSError())])  # noqa: F821
    CASES["ExceptionGroup"] = (raising(group), "failed", "ExceptionGroup: two (2 sub-exceptions)")
