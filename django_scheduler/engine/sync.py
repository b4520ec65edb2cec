"""Carries what the code declares into rows; an edit made in the admin stays.

The row remembers the values last declared. A field that differs from them was edited and keeps
its value; one that equals them follows the code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from .. import lifecycle, registry, signals
from ..clock import Clock
from ..exceptions import SchedulerError
from ..job_fields import TIMING_FIELDS
from ..models import Installation, Job, JobClock, Tag
from ..models.validation import problems_of, validate
from ..models.vendors import locked, read_now, writing
from ..registry import Definition
from ..states import JobState

__all__ = ["SyncResult", "overrides", "sync"]

logger = logging.getLogger("django_scheduler.sync")

SET_ASIDE = "Its declaration has vanished from the code."


@dataclass
class SyncResult:
    """What a sync did, by job name."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def comparable(value: Any) -> Any:
    """Return a field's value as the JSON it is remembered by."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


def overrides(job: Job) -> dict[str, tuple[Any, Any]]:
    """Return, by field, (declared value, value in force) where the row differs from the code."""
    declared = job.declared or {}
    return {
        name: (value, comparable(getattr(job, name)))
        for name, value in declared.items()
        if name != "tags" and comparable(getattr(job, name)) != value
    }


def sync(using: str, clock: Clock) -> SyncResult:
    """Make the rows follow the code, once across the cluster at a time, and return what changed.

    Existing jobs keep their next run unless their timing is declared anew. A declaration that
    does not suit is refused and logged; the others are carried out.
    """
    result = SyncResult()
    declared = {d.name: d for d in registry.all_definitions() if d.declared}
    with writing(using):
        _take_turn(using)
        jobs = Job.objects.using(using)
        rows = {job.name: job for job in jobs.filter(name__in=list(declared))}
        # Before a savepoint is made: a start costs the same for all that is followed already.
        stale = [d for d in declared.values() if not _is_followed(rows.get(d.name), d)]
        if stale:
            _carry_all(stale, rows, result, clock, using)
        _set_aside_vanished(declared, result, using)
    return result


def _carry_all(
    stale: list[Definition], rows: Mapping[str, Job], result: SyncResult, clock: Clock, using: str
) -> None:
    # Read after whatever had to be waited for: no job is older than the moment it was made.
    now = read_now(clock, using)
    for definition in stale:
        name = definition.name
        try:
            with transaction.atomic(using=using):
                _carry(definition, rows.get(name), result, now, using)
        except SchedulerError as error:
            result.refused[name] = str(error)
            logger.error("The declaration of %s is refused: %s", name, error)


def _take_turn(using: str) -> None:
    """Hold the installation's row until the transaction ends: one process syncs at a time."""
    rows = Installation.objects.using(using)
    if not locked(rows.filter(pk=Installation.ONLY)):
        rows.get_or_create(pk=Installation.ONLY)
        locked(rows.filter(pk=Installation.ONLY)).get()


def _carry(
    definition: Definition, job: Job | None, result: SyncResult, now: datetime, using: str
) -> None:
    if job is None:
        _add(definition, now, using)
        result.added.append(definition.name)
    else:
        _follow(job, definition, now, using)
        result.changed.append(definition.name)


def _is_followed(job: Job | None, definition: Definition) -> bool:
    """Tell whether nothing is to be done: the row says what the code says, or is removed."""
    if job is None:
        return False
    same = _remembered(definition.declared) == (job.declared or {})
    return job.removed_at is not None or (same and job.declared_in_code and not _is_back(job))


def _is_back(job: Job) -> bool:
    return job.state == JobState.BROKEN and job.error == SET_ASIDE


def _remembered(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: comparable(value) for name, value in declared.items()}


def _add(definition: Definition, now: datetime, using: str) -> None:
    job = Job(
        name=definition.name,
        function=definition.name,
        created_at=now,
        updated_at=now,
        anchor=now,
        declared_in_code=True,
        declared=_remembered(definition.declared),
        **{name: value for name, value in definition.declared.items() if name != "tags"},
    )
    validate(job)
    job.save(using=using, force_insert=True)
    _tag(job, definition.declared, using)
    lifecycle.start_clock(job, now, using=using, next_run_in=definition.next_run_in)
    signals.announce(signals.job_added, using=using, sender=Job, job=job)


def _tag(job: Job, declared: Mapping[str, Any], using: str) -> None:
    rows = Tag.objects.using(using)
    job.tags.set([rows.get_or_create(name=name)[0] for name in declared.get("tags", ())])


def _follow(job: Job, definition: Definition, now: datetime, using: str) -> None:
    """Bring a row up to date with its declaration."""
    remembered, before, back = _remembered(definition.declared), job.declared or {}, _is_back(job)
    blank = Job()
    for name in (set(before) | set(remembered)) - {"tags"}:
        standard = getattr(blank, name)
        if comparable(getattr(job, name)) == before.get(name, comparable(standard)):
            setattr(job, name, definition.declared.get(name, standard))
    if remembered.get("tags") != before.get("tags"):
        _tag(job, definition.declared, using)
    if back:
        job.state, job.error = JobState.ACTIVE.value, ""
    job.declared, job.declared_in_code = remembered, True
    _save(job, back, now, using)


def _save(job: Job, back: bool, now: datetime, using: str) -> None:
    for problem in problems_of(job):
        raise problem
    retimed = bool(set(job.changed_fields()) & TIMING_FIELDS) or back
    job.updated_at, job.version = now, job.version + 1
    if retimed:
        if job.state == JobState.ENDED:
            job.state = JobState.ACTIVE.value
        clock = JobClock.objects.using(using).get_or_create(
            job=job, defaults={"planned_until": job.created_at}
        )[0]
        lifecycle.follow_edit(job, clock, now=now, using=using)
    else:
        job.save(using=using)
    signals.announce(signals.job_changed, using=using, sender=Job, job=job)


def _set_aside_vanished(declared: Mapping[str, Definition], result: SyncResult, using: str) -> None:
    """Set jobs aside whose function is here, but no longer declares them.

    Where the function itself is missing, another version of the code may own it: that is for
    the reconciler to tell, after its grace.
    """
    vanished = Job.objects.using(using).filter(
        declared_in_code=True, state=JobState.ACTIVE.value, function__in=registry.names()
    )
    for job in vanished.exclude(name__in=list(declared)):
        lifecycle.mark_broken(job, SET_ASIDE, using=using)
        result.set_aside.append(job.name)
