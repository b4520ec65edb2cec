"""What people do to jobs. Every face, command and test goes through these functions.

They take a job or its name and return the job as stored. Each is one transaction on the
scheduler's database; bad input raises a typed error and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from . import clock as clocks
from . import conf, lifecycle, signals
from .exceptions import (
    InvalidJob,
    InvalidRunState,
    JobAlreadyExists,
    JobNotFound,
)
from .job_fields import read_field, read_name
from .models import Installation, Job, JobClock, Run, Tag
from .models.validation import check_function, validate
from .models.vendors import locked, read_now
from .policies import RunningOnRemove, to_timedelta
from .schedules import Schedule
from .states import OPEN, JobState, Reason, RunStatus

__all__ = [
    "add",
    "all",
    "get",
    "pause",
    "pause_all",
    "remove",
    "resume",
    "resume_all",
    "run_within",
    "schedule",
    "trigger",
    "unschedule",
    "update",
]


TIMING_FIELDS = frozenset({"schedule", "timezone", "start_at", "end_at", "max_runs", "jitter"})
"""The fields whose change moves a job's next run."""


def _using() -> str:
    return conf.current().database


def _now() -> datetime:
    return read_now(clocks.installed(), _using())


def _name_of(job: Job | str) -> str:
    return job.name if isinstance(job, Job) else read_name(job)


def get(name: Job | str) -> Job:
    """Return the job.

    Raises:
        InvalidJob: the name is empty or no text.
        JobNotFound: there is no such job.
    """
    found = all().filter(name=_name_of(name)).select_related("clock").first()
    if found is None:
        raise JobNotFound(f"There is no job called {_name_of(name)!r}.", field="name")
    return found


def all(
    state: JobState | str | None = None, function: str | None = None, tag: str | None = None
) -> QuerySet[Job]:
    """Return the jobs, by name; None of a filter means any.

    Raises:
        InvalidJob: an unknown state.
    """
    jobs = Job.objects.using(_using()).filter(removed_at__isnull=True).order_by("name")
    if state is not None:
        if state not in {s.value for s in JobState}:
            known = ", ".join(s.value for s in JobState)
            raise InvalidJob(f"{state!r} is no state; use one of: {known}.", field="state")
        jobs = jobs.filter(state=str(state))
    if function is not None:
        jobs = jobs.filter(function=function)
    return jobs.filter(tags__name=tag) if tag is not None else jobs


def _locked(name: Job | str) -> Job:
    """Return the job with its clock and its own row locked, the clock first."""
    job = get(name)
    lifecycle.lock_clocks([job.pk], _using())
    return locked(Job.objects.using(_using()).filter(pk=job.pk)).get()


def _clock_of(job: Job) -> JobClock:
    return JobClock.objects.using(_using()).get_or_create(
        job=job, defaults={"planned_until": job.created_at}
    )[0]


def _assign(job: Job, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "schedule":
            _assign_schedule(job, value, zone_given="timezone" in fields)
        elif name in ("timezone", "function"):
            setattr(job, name, value)
        elif name != "tags":
            setattr(job, name, read_field(name, value))


def _assign_schedule(job: Job, schedule: Schedule | str | None, *, zone_given: bool) -> None:
    job.schedule = "@manual" if schedule is None else str(schedule)
    zone = getattr(schedule, "timezone", None)
    if zone and not zone_given:
        job.timezone = zone


def _tag(job: Job, tags: Iterable[str] | None) -> None:
    if tags is None:
        return
    rows = Tag.objects.using(_using())
    job.tags.set([rows.get_or_create(name=name)[0] for name in read_field("tags", tags)])


def add(
    name: str,
    function: str | Callable[..., Any] | None = None,
    schedule: Schedule | str | None = None,
    *,
    next_run_in: timedelta | float | None = None,
    **fields: Any,
) -> Job:
    """Store a new job and return it; it is planned from now on.

    Args:
        name: unique.
        function: a registered name, or the registered function itself; None: ``name``.
        schedule: a schedule or its text; None: only when triggered.
        next_run_in: when the first run comes; None: at the schedule's first occurrence.
        fields: any other field of a job.

    Raises:
        JobAlreadyExists: a job has this name.
        FunctionNotRegistered, InvalidJob, InvalidSchedule, InvalidArguments, InvalidData,
        InvalidWindow: naming the field that is wrong.
    """
    wait = to_timedelta(next_run_in, "next_run_in")
    with transaction.atomic(using=_using()):
        now = _now()
        job = Job(name=read_name(name), created_at=now, updated_at=now, anchor=now)
        job.function = _function_name(function) if function is not None else job.name
        _assign(job, {"schedule": schedule, **fields})
        validate(job)
        _insert(job)
        _tag(job, fields.get("tags"))
        lifecycle.start_clock(job, now, using=_using(), next_run_in=wait)
        signals.announce(signals.job_added, using=_using(), sender=Job, job=job)
    return get(job)


def _insert(job: Job) -> None:
    taken = JobAlreadyExists(
        f"A job called {job.name!r} exists; change it with jobs.update(), or choose another name.",
        field="name",
    )
    if Job.objects.using(_using()).filter(name=job.name).exists():
        raise taken
    try:
        with transaction.atomic(using=_using()):
            job.save(using=_using(), force_insert=True)
    except IntegrityError:
        if Job.objects.using(_using()).filter(name=job.name).exists():
            raise taken from None
        raise


def _function_name(function: str | Callable[..., Any]) -> str:
    from . import registry

    if isinstance(function, str):
        return function
    for definition in registry.all_definitions():
        if definition.function is function:
            return definition.name
    raise InvalidJob(f"{function!r} is not registered; decorate it with @job().", field="function")


def schedule(name: Job | str, schedule: Schedule | str) -> Job:
    """Give the job this schedule, making the job if there is none, and return it.

    A new job calls the function registered under the same name. An existing job keeps
    everything else; its next run moves only if the schedule is a different one.
    """
    try:
        return update(name, schedule=schedule)
    except JobNotFound:
        return add(_name_of(name), schedule=schedule)


def unschedule(name: Job | str) -> Job:
    """Take the job's schedule away; function, fields and history stay."""
    return update(name, schedule="@manual")


def update(name: Job | str, *, expected_version: int | None = None, **fields: Any) -> Job:
    """Change fields of a job and return it. Takes effect at every scheduler's next wake.

    What does not change timing does not move the next run; what does is never retroactive: the
    next run is the first occurrence strictly after now. A job that had ended or was broken is
    active again once its timing or function is mended.

    Args:
        expected_version: the ``version`` the editor saw; None: overwrite whatever is there.

    Raises:
        InvalidRunState: somebody changed the job since ``expected_version``.
        JobNotFound, FunctionNotRegistered, InvalidJob, InvalidSchedule, InvalidArguments,
        InvalidData, InvalidWindow: as for :func:`add`; nothing is changed.
    """
    with transaction.atomic(using=_using()):
        job = _locked(name)
        if expected_version is not None and job.version != expected_version:
            raise InvalidRunState(
                f"{job.name!r} was changed by somebody else meanwhile; look at it again.",
                field="version",
            )
        if callable(fields.get("function")):
            fields["function"] = _function_name(fields["function"])
        _assign(job, fields)
        changed = set(job.changed_fields())
        _validate_change(job, changed)
        _store(job, changed)
        _tag(job, fields.get("tags"))
        signals.announce(signals.job_changed, using=_using(), sender=Job, job=job)
    return get(job.name)


def _validate_change(job: Job, changed: set[str]) -> None:
    from .models.validation import problems_of

    for problem in problems_of(job, only_changed_function=True):
        raise problem


def _store(job: Job, changed: set[str]) -> None:
    if not changed:
        return
    now = _now()
    retimed = bool(changed & TIMING_FIELDS)
    mended = job.state == JobState.BROKEN and bool(changed & (TIMING_FIELDS | {"function"}))
    if mended or (retimed and job.state == JobState.ENDED):
        job.state, job.error = JobState.ACTIVE.value, ""
    job.version += 1
    job.updated_at = now
    job.save(using=_using())
    if retimed or mended:
        lifecycle.replan(job, _clock_of(job), after=now, using=_using())


def pause(name: Job | str, reason: str = "", until: datetime | None = None, *, by: str = "") -> Job:
    """Stop planning the job, until :func:`resume` or ``until``; running runs go on.

    Args:
        reason: shown beside the state.
        until: resume by itself then; None: when somebody resumes it.
        by: who asked for it.

    Raises:
        InvalidRunState: the job is not active.
        InvalidJob: ``until`` does not know its time zone or is past.
    """
    with transaction.atomic(using=_using()):
        job = _locked(name)
        now = _now()
        _expect(job, JobState.ACTIVE, "paused")
        if until is not None and not _is_coming(until, now):
            raise InvalidJob(
                "until must be a coming instant that knows its time zone.", field="until"
            )
        job.state = JobState.PAUSED.value
        job.paused_at, job.paused_until = now, until
        job.pause_reason, job.paused_by = reason, by[:150]
        job.save(using=_using())
        lifecycle.stop_clock(job.pk, using=_using())
        signals.announce(signals.job_paused, using=_using(), sender=Job, job=job)
    return get(job)


def _is_coming(instant: object, now: datetime) -> bool:
    if not isinstance(instant, datetime) or instant.utcoffset() is None:
        return False
    return instant > now


def _expect(job: Job, state: JobState, wanted: str) -> None:
    if job.state != state:
        raise InvalidRunState(
            f"{job.name!r} is {job.state}; only a job that is {state} can be {wanted}.",
            field="state",
        )


def resume(name: Job | str, mode: str = "next") -> Job:
    """Plan the job again; its next run is the first occurrence strictly after now.

    Paused time is not missed time: nothing is caught up, and nothing fires at once.

    Raises:
        InvalidRunState: the job is not paused.
        InvalidJob: a mode other than ``next``.
    """
    if mode != "next":
        raise InvalidJob(f"mode is {mode!r}; use 'next'.", field="mode")
    with transaction.atomic(using=_using()):
        job = _locked(name)
        _expect(job, JobState.PAUSED, "resumed")
        lifecycle.resume_job(job, _clock_of(job), now=_now(), using=_using())
    return get(job)


def trigger(
    name: Job | str,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Run:
    """Make a run that is due now, beside the schedule, and return it; also while paused.

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
    with transaction.atomic(using=_using()):
        job = _locked(name)
        given_args = job.args if args is None else read_field("args", args)
        given_kwargs = job.kwargs if kwargs is None else read_field("kwargs", kwargs)
        check_function(job.function, given_args, given_kwargs)
        run = lifecycle.trigger(
            job, given_args, given_kwargs, force=force, now=_now(), using=_using()
        )
    return run


def run_within(name: Job | str, delta: timedelta | float) -> datetime:
    """Bring the next run forward to ``delta`` from now, if it is not sooner, and return when it is.

    The occurrence keeps its identity; the schedule goes on after it as before.

    Raises:
        InvalidRunState: the job is not active.
        InvalidJob: a negative delta.
    """
    span = to_timedelta(delta, "delta")
    if span is None:
        raise InvalidJob("delta must be a timedelta or seconds.", field="delta")
    with transaction.atomic(using=_using()):
        job = get(name)
        _expect(job, JobState.ACTIVE, "brought forward")
        target = _now() + span
        mine = JobClock.objects.using(_using()).filter(job=job, job__state=JobState.ACTIVE.value)
        later = mine.filter(Q(next_run_at__isnull=True) | Q(next_run_at__gt=target))
        later.update(next_run_at=target, next_occurrence=Coalesce(F("next_occurrence"), target))
        found = mine.values_list("next_run_at", flat=True).first()
        signals.announce(signals.job_changed, using=_using(), sender=Job, job=job)
    return found or target


def remove(
    name: Job | str,
    running: RunningOnRemove | str = "wait",
    timeout: timedelta | float | None = None,
) -> None:
    """Remove the job. New occurrences stop at once; its history stays under its name.

    Args:
        running: what becomes of runs that go on: ``wait`` for their end, ask them to ``stop`` and
            wait, or ``leave`` them and return at once. What only waits to begin is stopped.
        timeout: how long to wait; None: as long as it takes.

    Raises:
        JobNotFound: there is no such job.
        InvalidJob: another word for ``running``.
        TimeoutError: runs still went on; the job is removed once they have ended.
    """
    limit = to_timedelta(timeout, "timeout")
    try:
        mode = RunningOnRemove(running)
    except ValueError:
        raise InvalidJob(
            f"running is {running!r}; use 'wait', 'stop' or 'leave'.", field="running"
        ) from None
    with transaction.atomic(using=_using()):
        job = _bury(_locked(name))
        _stop_runs(job, only_waiting=mode is not RunningOnRemove.STOP)
        lifecycle.delete_if_idle(job.pk, using=_using())
    if mode is not RunningOnRemove.LEAVE:
        _wait_until_gone(job, limit)


def _bury(job: Job) -> Job:
    job.removed_at = _now()
    job.state = JobState.ENDED.value
    job.save(using=_using())
    lifecycle.stop_clock(job.pk, using=_using())
    signals.announce(signals.job_removed, using=_using(), sender=Job, job=job)
    return job


def _stop_runs(job: Job, *, only_waiting: bool) -> None:
    rows = Run.objects.using(_using()).filter(job=job, status__in=[s.value for s in OPEN])
    if only_waiting:
        rows = rows.filter(status=RunStatus.QUEUED.value, process__isnull=True)
    now = _now()
    for run_id in list(rows.values_list("pk", flat=True)):
        lifecycle.request_stop(run_id, Reason.JOB_REMOVED.value, now=now, using=_using())


def _wait_until_gone(job: Job, limit: timedelta | None) -> None:
    clock = clocks.installed()
    deadline = None if limit is None else clock.monotonic() + limit.total_seconds()
    gone = partial(Job.objects.using(_using()).filter(pk=job.pk, removed_at__isnull=False).exists)
    while gone():
        with transaction.atomic(using=_using()):
            if lifecycle.delete_if_idle(job.pk, using=_using()):
                return
        if deadline is not None and clock.monotonic() >= deadline:
            raise TimeoutError(
                f"Runs of {job.name!r} still go on; it is removed once they have ended."
            )
        clock.wait(Event(), 0.1)


def pause_all(reason: str = "", *, by: str = "") -> None:
    """Stop claiming anything, in the whole installation, until :func:`resume_all`."""
    with transaction.atomic(using=_using()):
        Installation.objects.using(_using()).update_or_create(
            pk=Installation.ONLY,
            defaults={"paused_at": _now(), "pause_reason": reason, "paused_by": by[:150]},
        )


def resume_all() -> None:
    """Lift the pause of everything. Overdue jobs first move strictly past now; own pauses stay."""
    with transaction.atomic(using=_using()):
        now = _now()
        lifecycle.skip_overdue(now, using=_using())
        Installation.objects.using(_using()).filter(pk=Installation.ONLY).update(
            paused_at=None, pause_reason="", paused_by=""
        )
