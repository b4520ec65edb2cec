"""What a job wants called when something happens to one of its runs. Pure: no database, no clock.

Knows the names of the hooks and how each is called. When they are called, and what their errors
mean, is the runner's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .exceptions import InvalidJob

__all__ = ["HOOK_NAMES", "Hook", "read_hooks"]

HOOK_NAMES = (
    "on_start",
    "on_success",
    "on_error",
    "on_stop",
    "on_pause",
    "on_resume",
    "on_finally",
)


@dataclass(frozen=True)
class Hook:
    """A callable ``(context, error=None)`` called when something happens to a run.

    Args:
        call: what is called; a coroutine function is awaited. One that takes only the context is
            called without the error.
        ignore_error: keep an error of the hook in ``hook_errors`` without changing the outcome.
    """

    call: Callable[..., Any]
    ignore_error: bool = False
    _alone: bool = field(init=False, repr=False, compare=False, default=True)
    """Whether it can be called with nothing but the context."""
    _both: bool = field(init=False, repr=False, compare=False, default=True)
    """Whether it can be called with the context and an error."""

    def __post_init__(self) -> None:
        if not callable(self.call):
            raise InvalidJob(f"A hook must be callable, not {self.call!r}.", field="hook")
        object.__setattr__(self, "_alone", _can_take(self.call, 1))
        object.__setattr__(self, "_both", _can_take(self.call, 2))
        if not (self._alone or self._both):
            raise InvalidJob(
                f"The hook {self.call!r} cannot be called: declare it as (context, error=None).",
                field="hook",
            )

    def arguments(self, context: Any, error: BaseException | None = None) -> tuple[Any, ...]:
        """Return what it is to be called with."""
        wanted = self._both if error is not None else not self._alone
        return (context, error) if wanted else (context,)


def _can_take(call: Callable[..., Any], count: int) -> bool:
    """Tell whether ``count`` positional arguments fit; of what shows no signature, they do."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def read_hooks(given: Mapping[str, Any]) -> dict[str, Hook]:
    """Return the hooks that are given, by name; None is none.

    Raises:
        InvalidJob: one is not callable, or takes other arguments than a hook is given.
    """
    return {
        name: value if isinstance(value, Hook) else Hook(value)
        for name, value in given.items()
        if value is not None
    }
