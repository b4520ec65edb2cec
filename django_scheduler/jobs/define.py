"""What a job is: added, changed, given a schedule or relieved of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError

from .. import lifecycle, registry, signals
from ..exceptions import InvalidJob, InvalidRunState, JobAlreadyExists, JobNotFound
from ..job_fields import TIMING_FIELDS, check_schedule, read_field, read_name
from ..models import Job, Tag
from ..models.validation import problems_of, validate
from ..models.vendors import writing
from ..policies import to_timedelta
from ..schedules import Schedule
from ..states import JobState
from .patience import patiently
from .rows import clock_of, get, locked_job, name_of, now, using

__all__ = ["add", "schedule", "unschedule", "update"]


def _assign(job: Job, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "schedule":
            _assign_schedule(job, value, zone_given="timezone" in fields)
        elif name in ("timezone", "function"):
            if not isinstance(value, str):
                raise InvalidJob(f"{name} is {value!r}; give a text.", field=name)
            setattr(job, name, value)
        elif name != "tags":
            setattr(job, name, read_field(name, value))


def _assign_schedule(job: Job, schedule: Schedule | str | None, *, zone_given: bool) -> None:
    check_schedule(schedule)
    job.schedule = "@manual" if schedule is None else str(schedule)
    zone = getattr(schedule, "timezone", None)
    if zone and not zone_given:
        job.timezone = zone


def _tag(job: Job, tags: Iterable[str] | None) -> None:
    if tags is None:
        return
    rows = Tag.objects.using(using())
    job.tags.set([rows.get_or_create(name=name)[0] for name in read_field("tags", tags)])


def _lasting(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields so that they can be read more than once."""
    if fields.get("tags") is None:
        return dict(fields)
    return {**fields, "tags": list(read_field("tags", fields["tags"]))}


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

    Outside a transaction of the caller's, it is tried again within ``WRITE_RETRY_BUDGET`` when
    the database is away for a moment; so is :func:`update`.

    Raises:
        JobAlreadyExists: a job has this name.
        FunctionNotRegistered, InvalidJob, InvalidSchedule, InvalidArguments, InvalidData,
        InvalidWindow: naming the field that is wrong.
    """
    wait = to_timedelta(next_run_in, "next_run_in")
    wanted = {"schedule": schedule, **_lasting(fields)}
    called = name if function is None else _function_name(function)
    return patiently(lambda noted: _add_once(name, called, wanted, wait, noted))


def _add_once(
    name: str,
    function: str,
    fields: Mapping[str, Any],
    wait: timedelta | None,
    noted: list[datetime],
) -> Job:
    with writing(using()):
        at = now()
        job = Job(name=read_name(name), created_at=at, updated_at=at, anchor=at, function=function)
        _assign(job, fields)
        validate(job)
        if noted and (found := _written(job, noted)):
            signals.announce(signals.job_added, using=using(), sender=Job, job=found)
            return get(found)
        noted.append(at)
        _insert(job)
        _tag(job, fields.get("tags"))
        lifecycle.start_clock(job, at, using=using(), next_run_in=wait)
        signals.announce(signals.job_added, using=using(), sender=Job, job=job)
        lifecycle.tell(lifecycle.DUE, using=using())
    return get(job)


def _written(job: Job, noted: list[datetime]) -> Job | None:
    """Return the row of an earlier try whose answer was lost: alike in all, made at its instant."""
    found = Job.objects.using(using()).filter(name=job.name, created_at__in=noted).first()
    if found is None:
        return None
    own = {
        "id", "created_at", "updated_at", "anchor", "state", "error", "planned_spec", "attention",
    }  # fmt: skip
    same = all(
        getattr(found, field.attname) == getattr(job, field.attname)
        for field in Job._meta.concrete_fields
        if field.attname not in own
    )
    return found if same else None


def _insert(job: Job) -> None:
    _refuse_taken(job.name)
    try:
        with writing(using()):
            job.save(using=using(), force_insert=True)
    except IntegrityError:
        _refuse_taken(job.name)
        raise


def _refuse_taken(name: str) -> None:
    """Raise JobAlreadyExists if a job has the name, or has it until its last run has ended."""
    rows = Job.objects.using(using()).filter(name=name)
    for removed_at in rows.values_list("removed_at", flat=True):
        remedy = "change it with jobs.update(), or choose another name"
        if removed_at is not None:
            remedy = "it is being removed, and its name is free once its last run has ended"
        raise JobAlreadyExists(f"A job called {name!r} exists; {remedy}.", field="name") from None


def _function_name(function: str | Callable[..., Any]) -> str:
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
        return add(name_of(name), schedule=schedule)


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
    if callable(fields.get("function")):
        fields["function"] = _function_name(fields["function"])
    wanted = _lasting(fields)
    return patiently(lambda noted: _update_once(name, expected_version, wanted, noted))


def _update_once(
    name: Job | str, expected_version: int | None, fields: Mapping[str, Any], noted: list[datetime]
) -> Job:
    with writing(using()):
        job = locked_job(name)
        if job.updated_at in noted:
            # An earlier try was written, and its answer was lost.
            signals.announce(signals.job_changed, using=using(), sender=Job, job=job)
            return get(job.name)
        if expected_version is not None and job.version != expected_version:
            raise InvalidRunState(
                f"{job.name!r} was changed by somebody else meanwhile; look at it again.",
                field="version",
            )
        _assign(job, fields)
        changed = set(job.changed_fields())
        for problem in problems_of(job, only_changed_function=True):
            raise problem
        _store(job, changed, noted)
        _tag(job, fields.get("tags"))
        signals.announce(signals.job_changed, using=using(), sender=Job, job=job)
        lifecycle.tell(lifecycle.DUE, using=using())
    return get(job.name)


def _store(job: Job, changed: set[str], noted: list[datetime]) -> None:
    if not changed:
        return
    at = now()
    noted.append(at)
    retimed = bool(changed & TIMING_FIELDS)
    mended = job.state == JobState.BROKEN and bool(changed & (TIMING_FIELDS | {"function"}))
    if mended or (retimed and job.state == JobState.ENDED):
        job.state, job.error = JobState.ACTIVE.value, ""
    job.version += 1
    job.updated_at = at
    if retimed or mended:
        lifecycle.follow_edit(job, clock_of(job), now=at, using=using())
    else:
        job.save(using=using())
