"""Removing a job: a tombstone stays until no run of it is open."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Event

from .. import clock as clocks
from .. import lifecycle, signals
from ..context import is_inside_run_of
from ..exceptions import InvalidJob
from ..models import Job, Run
from ..models.vendors import writing
from ..policies import RunningOnRemove, to_timedelta
from ..states import OPEN, JobState, Reason, RunStatus
from .rows import clock_of, locked_job, name_of, now, using

__all__ = ["remove"]


def remove(
    name: Job | str,
    running: RunningOnRemove | str = "wait",
    timeout: timedelta | float | None = None,
) -> None:
    """Remove the job. New occurrences stop at once; its history stays under its name.

    What was due by now and not claimed yet is recorded as missed.

    Args:
        running: what becomes of runs that go on: ``wait`` for their end, ask them to ``stop`` and
            wait, or ``leave`` them and return at once. What only waits to begin is stopped.
        timeout: how long to wait; None: as long as it takes.

    Raises:
        JobNotFound: there is no such job.
        InvalidJob: another word for ``running``, or a run of this job would wait for itself.
        TimeoutError: runs still went on; the job is removed once they have ended.
    """
    limit = to_timedelta(timeout, "timeout")
    try:
        mode = RunningOnRemove(running)
    except ValueError:
        raise InvalidJob(
            f"running is {running!r}; use 'wait', 'stop' or 'leave'.", field="running"
        ) from None
    if mode is not RunningOnRemove.LEAVE and is_inside_run_of(name_of(name)):
        raise InvalidJob(
            "A run cannot wait for its own end; remove its job with running='leave'.",
            field="running",
        )
    with writing(using()):
        job = locked_job(name)
        # What was due and nobody has claimed yet goes with its job, but not without a word.
        lifecycle.record_passed_over(job, clock_of(job), now=now(), using=using())
        _bury(job)
        _stop_runs(job, only_waiting=mode is not RunningOnRemove.STOP)
        lifecycle.tell(lifecycle.ORDERS, using=using())
        lifecycle.delete_if_idle(job.pk, using=using())
    if mode is not RunningOnRemove.LEAVE:
        _wait_until_gone(job, limit)


def _bury(job: Job) -> None:
    job.removed_at = now()
    job.state = JobState.ENDED.value
    job.save(using=using())
    lifecycle.stop_clock(job.pk, using=using())
    signals.announce(signals.job_removed, using=using(), sender=Job, job=job)


def _stop_runs(job: Job, *, only_waiting: bool) -> None:
    rows = Run.objects.using(using()).filter(job=job, status__in=[s.value for s in OPEN])
    if only_waiting:
        rows = rows.filter(status=RunStatus.QUEUED.value, process__isnull=True)
    at = now()
    for run_id in list(rows.values_list("pk", flat=True)):
        lifecycle.request_stop(run_id, Reason.JOB_REMOVED.value, now=at, using=using())


def _wait_until_gone(job: Job, limit: timedelta | None) -> None:
    clock = clocks.installed()
    deadline = None if limit is None else clock.monotonic() + limit.total_seconds()
    gone = partial(Job.objects.using(using()).filter(pk=job.pk, removed_at__isnull=False).exists)
    while gone():
        with writing(using()):
            if lifecycle.delete_if_idle(job.pk, using=using()):
                return
        if deadline is not None and clock.monotonic() >= deadline:
            raise TimeoutError(
                f"Runs of {job.name!r} still go on; it is removed once they have ended."
            )
        clock.wait(Event(), 0.1)
