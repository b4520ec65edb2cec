"""Which run the code is called from."""

from __future__ import annotations

import contextvars

from ..exceptions import SchedulerError
from .run_context import RunContext

__all__ = ["activate", "current_run", "is_inside_run", "is_inside_run_of"]

_current: contextvars.ContextVar[RunContext | None] = contextvars.ContextVar(
    "django_scheduler_run", default=None
)


def current_run() -> RunContext:
    """Return the context of the run this code is called from.

    Raises:
        SchedulerError: it is not called from a run, or from a thread that does not know its run.
    """
    context = _current.get()
    if context is None:
        raise SchedulerError(
            "current_run() was called outside a run. A thread that a function starts knows its run "
            "when what it calls is called through contextvars.copy_context().run(...)."
        )
    return context


def is_inside_run(run_id: object) -> bool:
    """Tell whether this code is called from the run of this id."""
    context = _current.get()
    return context is not None and context.run_id == str(run_id)


def is_inside_run_of(job_name: str) -> bool:
    """Tell whether this code is called from a run of the job."""
    context = _current.get()
    return context is not None and context.job_name == job_name


class activate:
    """Make ``context`` the current run within the block, in this thread or task only."""

    def __init__(self, context: RunContext) -> None:
        self._context = context

    def __enter__(self) -> RunContext:
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_error: object) -> None:
        _current.reset(self._token)
