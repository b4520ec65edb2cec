"""A run now, sooner, or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from .. import lifecycle, signals
from ..exceptions import InvalidJob, InvalidRunState, SchedulerError
from ..job_fields import read_field
from ..models import Job, JobClock, Run
from ..models.validation import check_function
from ..models.vendors import writing
from ..policies import Overlap, to_timedelta
from ..states import JobState
from .rows import clock_of, expect, get, locked_job, now, using

__all__ = ["run_within", "skip_next", "trigger"]


def trigger(
    name: Job | str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Run:
    """Make a run that is due at, beside the schedule, and return it; also while paused.

    It goes through the job's overlap policy: look at ``run.status``, which is ``skipped`` with
    reason ``overlap`` if the job is running and does not allow another. ``force`` runs it anyway.

    Args:
        args: None: the job's own.
        kwargs: None: the job's own.

    Raises:
        JobNotFound: there is no such job.
        FunctionNotRegistered: its function is not registered in this process.
        InvalidArguments: they are not JSON or do not fit the function's signature.
    """
    with writing(using()):
        job = locked_job(name)
        given_args = job.args if args is None else read_field("args", args)
        given_kwargs = job.kwargs if kwargs is None else read_field("kwargs", kwargs)
        check_function(job.function, given_args, given_kwargs)
        run = lifecycle.trigger(
            job, given_args, given_kwargs, force=force, now=now(), using=using()
        )
        # Of a job whose runs replace each other, it has told another one to stop.
        lifecycle.tell(
            lifecycle.ORDERS if job.overlap == Overlap.REPLACE else lifecycle.DUE, using=using()
        )
    return run


def run_within(name: Job | str, delta: timedelta | float) -> datetime:
    """Bring the next run forward to ``delta`` from now, if it is not sooner, and return when it is.

    The occurrence keeps its identity; the schedule goes on after it as before.

    Raises:
        InvalidRunState: the job is not active, or it is running and its next time is measured from
            the end of that run.
        InvalidJob: a negative delta.
    """
    span = _span(delta)
    with writing(using()):
        job = get(name)
        expect(job, JobState.ACTIVE, "brought forward")
        _check_end_is_not_awaited(job)
        target = now() + span
        mine = JobClock.objects.using(using()).filter(job=job, job__state=JobState.ACTIVE.value)
        later = mine.filter(Q(next_run_at__isnull=True) | Q(next_run_at__gt=target))
        later.update(next_run_at=target)
        found = mine.values_list("next_run_at", flat=True).first()
        signals.announce(signals.job_changed, using=using(), sender=Job, job=job)
        lifecycle.tell(lifecycle.DUE, using=using())
    return found or target


def _span(delta: object) -> timedelta:
    negative = isinstance(delta, (int, float)) and delta < 0
    if negative or (isinstance(delta, timedelta) and delta < timedelta(0)):
        raise InvalidJob(f"delta={delta!r} is negative: give 0 or more seconds.", field="delta")
    span = to_timedelta(delta, "delta")
    if span is None:
        raise InvalidJob("delta must be a timedelta or seconds.", field="delta")
    return span


def _check_end_is_not_awaited(job: Job) -> None:
    """Raise InvalidRunState if the end of a run is to set the job's next time."""
    try:
        waits = job.next_run_at is None and job.parsed_schedule().fixed_delay
    except SchedulerError:
        return  # of a kind this process does not know, or of none
    if waits and lifecycle.has_open_run(job.pk, using()):
        raise InvalidRunState(
            f"{job.name!r} is running, and its next run is measured from the end of that one; "
            "trigger it to run it beside its schedule.",
            field="state",
        )


def skip_next(name: Job | str) -> Run:
    """Leave out the job's next occurrence and return the ``skipped`` run that records it.

    The one after it stays as it was. Of a fixed delay, the next run comes one delay after the
    skipped one. A skipped occurrence does not count for ``max_runs``.

    Raises:
        InvalidRunState: the job is not active, or has no next run.
    """
    with writing(using()):
        job = locked_job(name)
        expect(job, JobState.ACTIVE, "told to skip its next run")
        run = lifecycle.skip_next(job, clock_of(job), now=now(), using=using())
        signals.announce(signals.job_changed, using=using(), sender=Job, job=job)
        lifecycle.tell(lifecycle.DUE, using=using())
    return run
