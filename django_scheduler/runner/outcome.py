"""From how a function ended to what is recorded of it. Pure: values in, values out."""

from __future__ import annotations

import asyncio
import json
import traceback
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from .. import context
from ..exceptions import InvalidData, RetryLater, RunStopped, SkipRun
from ..states import Reason, RunStatus

__all__ = ["Outcome", "kept_result", "message_of", "of_error"]

ERROR_LENGTH = 10_000
TRACEBACK_LENGTH = 64 * 1024


@dataclass
class Outcome:
    """How a run ended, before it is written down."""

    status: RunStatus = RunStatus.SUCCEEDED
    reason: str = ""
    error: str = ""
    traceback: str = ""
    error_types: tuple[str, ...] = ()
    result: Any = None
    retry_in: timedelta | None = None
    hook_errors: dict[str, str] = field(default_factory=dict)


def bounded_text(text: str, longest: int) -> str:
    """Return ``text`` without NUL, which PostgreSQL refuses, and not longer than ``longest``."""
    text = context.clean_text(text)
    return text if len(text) <= longest else f"{text[:longest]}…"


def of_error(
    error: BaseException, stop: tuple[RunStatus, str] | None, *, called: bool = True
) -> Outcome:
    """Return the outcome of a function that raised ``error`` after the order ``stop``, if any.

    It raises nothing, whatever the error does when it is looked at.
    """
    if isinstance(error, SkipRun):
        return Outcome(RunStatus.SKIPPED, _why_skipped(error))
    # A coroutine that was told to end and does not look itself leaves by being cancelled.
    if isinstance(error, (RunStopped, asyncio.CancelledError)) and stop is not None:
        return Outcome(stop[0], stop[1])
    outcome = Outcome(
        RunStatus.FAILED,
        Reason.EXCEPTION.value if called else Reason.ARGUMENTS.value,
        error=message_of(error),
        traceback=_traceback_of(error),
        error_types=_types(error),
    )
    if isinstance(error, RetryLater):
        outcome.reason = Reason.RETRY_LATER.value
        outcome.retry_in = getattr(error, "delay", None)
    return outcome


def _why_skipped(error: SkipRun) -> str:
    try:
        return bounded_text(str(error.reason), 200) or Reason.ASKED.value
    except BaseException:
        return Reason.ASKED.value


def message_of(error: BaseException) -> str:
    """Return the error's class and message; of one that cannot be shown, its class."""
    try:
        text = str(error)
    except BaseException:  # somebody else's __str__ may do anything
        text = "(its message cannot be shown)"
    name = type(error).__name__
    return bounded_text(f"{name}: {text}" if text else name, ERROR_LENGTH)


def _traceback_of(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(error)
    except BaseException:  # it asks the error, its causes and its group for their texts
        return "(its traceback cannot be shown)"
    return bounded_text("".join(lines), TRACEBACK_LENGTH)


def _types(error: BaseException) -> tuple[str, ...]:
    return tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)


def kept_result(value: Any, most_bytes: int) -> Any:
    """Return what a function returned as it is kept.

    Raises:
        InvalidData: it is not JSON, or longer than ``most_bytes``.
    """
    kept = context.as_json(value, "result")
    size = len(json.dumps(kept).encode())
    if size > most_bytes:
        raise InvalidData(
            f"The result takes {size} bytes; at most {most_bytes} are kept.", field="result"
        )
    return kept
