"""What people ask of runs. Functions take a run or its id."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from django.db.models import F, QuerySet

from . import clock as clocks
from . import conf, lifecycle
from .context import clean_text, is_inside_run
from .exceptions import InvalidData, InvalidRunState, RunNotFound
from .job_fields import read_field
from .models import Job, Run
from .models.validation import check_function
from .models.vendors import read_now, writing
from .policies import to_timedelta
from .states import RunStatus

__all__ = ["ORDERS", "get", "pause", "query", "resume", "retry", "stop", "wait"]

ORDERS = ("started_at", "finished_at", "duration", "scheduled_for", "queued_at", "lateness")
"""By what runs can be ordered; with a minus in front, the other way round."""


def _using() -> str:
    return conf.current().database


def _id_of(run: Run | uuid.UUID | str) -> uuid.UUID:
    if isinstance(run, Run):
        return run.pk
    try:
        return run if isinstance(run, uuid.UUID) else uuid.UUID(str(run))
    except ValueError:
        raise RunNotFound(f"{run!r} is not a run's id.", field="run") from None


def get(run: Run | uuid.UUID | str) -> Run:
    """Return the run as it is stored now.

    Raises:
        RunNotFound: there is none with this id.
    """
    found = Run.objects.using(_using()).filter(pk=_id_of(run)).first()
    if found is None:
        raise RunNotFound(f"There is no run {run!s}.", field="run")
    return found


def query(
    job: Job | str | None = None,
    status: RunStatus | str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    order_by: str = "-started_at",
    limit: int | None = None,
    offset: int = 0,
) -> QuerySet[Run]:
    """Return the runs that match; runs that have not started come last.

    Args:
        job: a job or its name, also a removed one's; None: any.
        status: None: any.
        since: started at or after this instant; None: no bound.
        until: started before this instant; None: no bound.
        order_by: one of :data:`ORDERS`, with a minus for the newest or longest first.
        limit: None: all. Past the end there is nothing.

    Raises:
        InvalidData: an unknown status or order, a naive instant, a negative limit or offset.
    """
    runs = Run.objects.using(_using()).all()
    if job is not None:
        runs = runs.filter(job_name=job.name if isinstance(job, Job) else job)
    if status is not None:
        runs = runs.filter(status=_status(status))
    for lookup, instant in (("started_at__gte", since), ("started_at__lt", until)):
        if instant is not None:
            runs = runs.filter(**{lookup: _aware(lookup, instant)})
    runs = runs.order_by(*_order(order_by))
    return _page(runs, limit, offset)


def _status(status: RunStatus | str) -> str:
    try:
        return RunStatus(status).value
    except ValueError:
        known = ", ".join(s.value for s in RunStatus)
        raise InvalidData(
            f"{status!r} is no status; use one of: {known}.", field="status"
        ) from None


def _aware(lookup: str, instant: datetime) -> datetime:
    if not isinstance(instant, datetime) or instant.utcoffset() is None:
        name = "since" if lookup.endswith("gte") else "until"
        raise InvalidData(f"{name} must be a datetime that knows its time zone.", field=name)
    return instant


def _order(order_by: str) -> list[Any]:
    name = str(order_by).removeprefix("-")
    if name not in ORDERS:
        raise InvalidData(
            f"Runs cannot be ordered by {order_by!r}; use one of: {', '.join(ORDERS)}.",
            field="order_by",
        )
    column = F(name)
    first = column.desc(nulls_last=True) if order_by[0] == "-" else column.asc(nulls_last=True)
    return [first, "-pk"]


def _page(runs: QuerySet[Run], limit: int | None, offset: int) -> QuerySet[Run]:
    for name, value in (("limit", limit), ("offset", offset)):
        if value is not None and (not isinstance(value, int) or not 0 <= value < 2**31):
            raise InvalidData(f"{name} is {value!r}; use a whole number from 0.", field=name)
    return runs[offset : None if limit is None else offset + limit]


def stop(run: Run | uuid.UUID | str, reason: str = "") -> Run:
    """Order the run to stop and return it. Asking twice changes nothing.

    What has not begun is ``stopped`` at once. A running function sees ``stop_requested`` within
    one monitor interval and ends at its next checkpoint.

    Raises:
        RunNotFound: there is none with this id.
        InvalidRunState: it is over already.
    """
    if not isinstance(reason, str):
        raise InvalidData(f"reason must be a text, not {reason!r}.", field="reason")
    with writing(_using()):
        found = get(run)
        now = read_now(clocks.installed(), _using())
        lifecycle.tell(lifecycle.ORDERS, using=_using())
        return lifecycle.request_stop(found.pk, clean_text(reason), now=now, using=_using())


def pause(run: Run | uuid.UUID | str) -> Run:
    """Order a running run to hold at its next checkpoint and return it; twice is once.

    It is ``paused`` once its function has reached a checkpoint. If it reaches none within two
    monitor intervals of being told, the order is taken back: it goes on, ``pause_requested_at``
    is empty again and its reason says ``pause_not_seen``. A paused run stays paused until it is
    resumed or stopped, also when its process is started anew. One that was resumed a moment ago
    and holds still stays paused.

    Raises:
        RunNotFound: there is none with this id.
        InvalidRunState: it is not running, holds already, or was asked to stop.
    """
    with writing(_using()):
        found = get(run)
        now = read_now(clocks.installed(), _using())
        lifecycle.tell(lifecycle.ORDERS, using=_using())
        return lifecycle.request_pause(found.pk, now=now, using=_using())


def resume(run: Run | uuid.UUID | str) -> Run:
    """Let a paused run go on, or take back an order to pause, and return it.

    Raises:
        RunNotFound: there is none with this id.
        InvalidRunState: it is neither paused nor asked to pause, or was asked to stop.
    """
    with writing(_using()):
        found = get(run)
        lifecycle.tell(lifecycle.ORDERS, using=_using())
        return lifecycle.request_resume(found.pk, using=_using())


def retry(
    run: Run | uuid.UUID | str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> Run:
    """Run it again, and return the new run; also while the job is paused.

    As it was, it is another attempt at the same occurrence, with the same ``context.key``, and
    waits for room if the job is running. With other arguments it is a run of its own, as
    triggered by hand, and goes through the job's overlap policy: look at its status.

    Args:
        args, kwargs: None: those it had; either one given makes it a run of its own.

    Raises:
        RunNotFound: there is none with this id.
        InvalidRunState: it is not over, or its job was removed.
        RunAlreadyActive: another attempt at the same occurrence is open.
        FunctionNotRegistered: its function is not registered in this process.
        InvalidArguments: they are not JSON or do not fit the function's signature.
    """
    with writing(_using()):
        found, now = get(run), read_now(clocks.installed(), _using())
        lifecycle.tell(lifecycle.ORDERS, using=_using())
        if args is None and kwargs is None:
            check_function(found.function, found.args, found.kwargs)
            return lifecycle.try_again(found.pk, now=now, using=_using())
        given = (
            read_field("args", found.args if args is None else args),
            read_field("kwargs", found.kwargs if kwargs is None else kwargs),
        )
        check_function(found.function, *given)
        return lifecycle.run_anew(found.pk, *given, now=now, using=_using())


def wait(run: Run | uuid.UUID | str, timeout: timedelta | float | None = None) -> Run:
    """Return the run once it is over.

    Args:
        timeout: a ``timedelta`` or seconds; None: as long as it takes.

    Raises:
        RunNotFound: there is none with this id.
        InvalidRunState: it is the very run this is called from.
        TimeoutError: it was not over in time.
    """
    if is_inside_run(_id_of(run)):
        raise InvalidRunState("A run cannot wait for its own end.", field="run")
    limit = to_timedelta(timeout, "timeout")
    clock = clocks.installed()
    deadline = None if limit is None else clock.monotonic() + limit.total_seconds()
    pause = 0.01
    while True:
        found = get(run)
        if found.is_final:
            return found
        if deadline is not None and clock.monotonic() >= deadline:
            raise TimeoutError(f"Run {found.pk} is still {found.status}.")
        clock.wait(Event(), pause)
        pause = min(0.25, 2 * pause)
