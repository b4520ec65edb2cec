"""The rows the facade works on: found by name, locked, in the scheduler's database."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from .. import clock as clocks
from .. import conf, lifecycle, registry
from ..exceptions import InvalidJob, InvalidRunState, JobNotFound
from ..job_fields import read_name
from ..models import Job, JobClock
from ..models.vendors import locked, read_now
from ..states import JobState

__all__ = ["all", "clock_of", "expect", "get", "locked_job", "name_of", "now", "using"]

_MOST_NAMED = 5


def using() -> str:
    """Return the alias of the scheduler's database."""
    return conf.current().database


def now() -> datetime:
    """Return the present instant by that database's clock."""
    return read_now(clocks.installed(), using())


def name_of(job: Job | str) -> str:
    """Return the job's name; raise InvalidJob for what no job can be called."""
    return job.name if isinstance(job, Job) else read_name(job)


def get(name: Job | str) -> Job:
    """Return the job.

    Raises:
        InvalidJob: the name is empty or no text.
        JobNotFound: there is no such job.
    """
    found = all().filter(name=name_of(name)).select_related("clock").first()
    if found is None:
        raise _unknown(name_of(name))
    return found


def _unknown(name: str) -> JobNotFound:
    return JobNotFound(f"There is no job called {name!r}.{_instead_of(name)}", field="name")


def _instead_of(name: str) -> str:
    """Say how the name comes to be a job's, if a registered function has it."""
    if not registry.is_registered(name):
        return ""
    if registry.get(name).declared:
        return (
            " It is declared in code and not stored yet: run manage.py scheduler sync, or restart "
            "runscheduler."
        )
    callers = list(all(function=name).values_list("name", flat=True)[:_MOST_NAMED])
    if callers:
        return f" It is a function, called by: {', '.join(callers)}."
    return (
        " It is a function that no job calls yet: add one with "
        f"jobs.add({name!r}, schedule=...), or with schedule=... in its @job."
    )


def all(
    state: JobState | str | None = None, function: str | None = None, tag: str | None = None
) -> QuerySet[Job]:
    """Return the jobs, by name; None of a filter means any.

    Raises:
        InvalidJob: an unknown state.
    """
    jobs = Job.objects.using(using()).filter(removed_at__isnull=True).order_by("name")
    if state is not None:
        if state not in {s.value for s in JobState}:
            known = ", ".join(s.value for s in JobState)
            raise InvalidJob(f"{state!r} is no state; use one of: {known}.", field="state")
        jobs = jobs.filter(state=str(state))
    if function is not None:
        jobs = jobs.filter(function=function)
    return jobs.filter(tags__name=tag) if tag is not None else jobs


def locked_job(name: Job | str) -> Job:
    """Return the job with its clock and its own row locked, the clock first."""
    job = get(name)
    lifecycle.lock_clocks([job.pk], using())
    found = next(iter(locked(Job.objects.using(using()).filter(pk=job.pk))), None)
    if found is None:
        raise _unknown(job.name)
    return found


def clock_of(job: Job) -> JobClock:
    """Return the job's clock; a row made past this facade may not have had one yet."""
    return JobClock.objects.using(using()).get_or_create(
        job=job, defaults={"planned_until": job.created_at}
    )[0]


def expect(job: Job, state: JobState, wanted: str) -> None:
    """Raise InvalidRunState unless the job is in ``state``; ``wanted`` says what was asked."""
    if job.state != state:
        raise InvalidRunState(
            f"{job.name!r} is {job.state}; only a job that is {state} can be {wanted}.",
            field="state",
        )
