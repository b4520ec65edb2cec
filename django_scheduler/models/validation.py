"""Whether a job row makes sense as a whole; one set of rules for facade, sync and forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .. import conf, registry
from ..exceptions import FunctionNotRegistered, InvalidJob, SchedulerError
from ..job_fields import FIELDS, check_together, read_field, read_name
from ..schedules import parse_schedule
from ..schedules.wall import UTC_NAME, check_timezone

if TYPE_CHECKING:
    from .job import Job

__all__ = ["COMMAND_PREFIX", "check_function", "problems_of", "validate"]

COMMAND_PREFIX = "command:"


def validate(job: Job) -> None:
    """Do nothing if the job can be stored and planned.

    Raises:
        SchedulerError: the first problem, typed, naming the field and the remedy.
    """
    for problem in problems_of(job):
        raise problem


def problems_of(job: Job, *, only_changed_function: bool = False) -> Iterator[SchedulerError]:
    """Yield every problem of the job as a typed error.

    With ``only_changed_function`` a function this process does not know is accepted as long as
    it was not changed: another version of the code may own it.
    """
    for name in FIELDS:
        if name != "tags":
            yield from _attempt(_read_into, job, name)
    yield from _attempt(lambda: read_name(job.name))
    yield from _attempt(check_timezone, job.timezone)
    yield from _attempt(_check_schedule, job)
    yield from _attempt(_check_executor, job)
    callable_with = isinstance(job.args, list) and isinstance(job.kwargs, dict)
    changed = {"function", "args", "kwargs"} & set(job.changed_fields())
    if callable_with and (changed or not only_changed_function):
        yield from _attempt(check_function, job.function, job.args, job.kwargs)


def _attempt(check: Callable[..., object], *args: object) -> Iterator[SchedulerError]:
    try:
        check(*args)
    except SchedulerError as problem:
        yield problem


def _read_into(job: Job, name: str) -> None:
    setattr(job, name, read_field(name, getattr(job, name)))


def _check_schedule(job: Job) -> None:
    if not isinstance(job.schedule, str) or len(job.schedule) > 500:
        raise InvalidJob("A schedule is a text of at most 500 characters.", field="schedule")
    if any(_attempt(check_timezone, job.timezone)):
        # It was complained of already, and must not hide what else is wrong.
        parse_schedule(job.schedule, timezone=UTC_NAME, anchor=job.anchor)
        return
    schedule = parse_schedule(job.schedule, timezone=job.timezone, anchor=job.anchor)
    check_together(
        schedule, overlap=job.overlap, start_at=_instant(job.start_at), end_at=_instant(job.end_at)
    )


def _instant(value: object) -> datetime | None:
    """Return a bound; what is no instant was complained of already."""
    known = isinstance(value, datetime) and value.utcoffset() is not None
    return value if known else None  # type: ignore[return-value]


def _check_executor(job: Job) -> None:
    known = conf.current().executor_definitions()
    if job.executor not in known:
        raise InvalidJob(
            f"No executor is called {job.executor!r}; use one of: {', '.join(sorted(known))}, "
            "or declare it in DJANGO_SCHEDULER['EXECUTORS'].",
            field="executor",
        )


def check_function(function: str, args: list[object], kwargs: dict[str, object]) -> None:
    """Do nothing if a job may call ``function`` with these arguments.

    Raises:
        FunctionNotRegistered: nothing in this process has that name.
        InvalidJob: a management command that is not in ``COMMANDS_ALLOWED``.
        InvalidArguments: they do not fit its signature.
    """
    if not isinstance(function, str) or not function:
        raise FunctionNotRegistered(
            f"A job needs the name of a registered function, not {function!r}.", field="function"
        )
    if not function.startswith(COMMAND_PREFIX):
        registry.get(function).check_arguments(args, kwargs)
        return
    command = function[len(COMMAND_PREFIX) :]
    allowed = conf.current().commands_allowed
    if command not in allowed:
        raise InvalidJob(
            f"The command {command!r} may not be scheduled; add it to "
            "DJANGO_SCHEDULER['COMMANDS_ALLOWED'].",
            field="function",
        )
