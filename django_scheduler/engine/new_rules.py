"""When cron's rules or the time zones' have changed since the next runs were planned.

Next runs are stored as instants. An update of the time zone database, or of this package, may mean
other instants by the same schedule: that is an edit of every job at once, and like any edit it is
never retroactive. The installation's row remembers the rules all clocks were planned with.
"""

from __future__ import annotations

import logging
from datetime import datetime

from .. import lifecycle
from ..exceptions import SchedulerError
from ..models import Installation, Job
from ..models.vendors import locked, writing
from ..planning import next_from
from ..schedules import RULES_VERSION, zones_version
from ..states import JobState

__all__ = ["follow_new_rules", "present_rules"]

logger = logging.getLogger("django_scheduler.engine")

_BATCH = 500


def present_rules() -> str:
    """Return the versions of the rules this process plans with."""
    return f"{RULES_VERSION}, zones {zones_version()}"[:100]


def follow_new_rules(now: datetime, using: str) -> int:
    """Plan anew, strictly after ``now``, the jobs whose next run the present rules put elsewhere.

    Returns how many moved. Costs one query when the rules are the same. Otherwise it goes through
    all scheduled jobs, in batches of a transaction each; a process that dies half-way leaves the
    rest to the next start. What was due already is left to catching up.
    """
    rules = present_rules()
    before = _remembered(using)
    moved = 0
    if before and before != rules:
        moved = _walk(now, using)
        logger.warning("Rules were %s and are %s: %d next runs moved", before, rules, moved)
    if before != rules:
        with writing(using):
            Installation.objects.using(using).update_or_create(
                pk=Installation.ONLY, defaults={"rules": rules}
            )
    return moved


def _remembered(using: str) -> str:
    rows = Installation.objects.using(using).filter(pk=Installation.ONLY)
    return rows.values_list("rules", flat=True).first() or ""


def _walk(now: datetime, using: str) -> int:
    moved, last = 0, 0
    while True:
        with writing(using):
            jobs = _batch_after(last, now, using)
            stale = [job.pk for job in jobs if _is_stale(job, now)]
            moved += _replan(stale, now, using)
        if not jobs:
            return moved
        last = jobs[-1].pk


def _batch_after(last: int, now: datetime, using: str) -> list[Job]:
    coming = Job.objects.using(using).filter(
        pk__gt=last,
        state=JobState.ACTIVE.value,
        clock__by_hand=False,
        clock__next_run_at__isnull=False,
        # Nominally: one that only waits for its jitter, or for its turn to be caught up, is due.
        clock__next_occurrence__gt=now,
    )
    return list(coming.select_related("clock").order_by("pk")[:_BATCH])


def _is_stale(job: Job, now: datetime) -> bool:
    """Tell whether the job's next occurrence is not the one its schedule names by these rules."""
    clock = job.clock
    if clock.planned_spec != job.spec:
        return False  # edited past the facade: that is looked for elsewhere
    try:
        policy = lifecycle.planning_policy(job, clock)
        after = max(now, clock.planned_until or now)
        return next_from(job.parsed_schedule(), after, policy)[0] != clock.next_occurrence
    except SchedulerError:
        return True


def _replan(job_ids: list[int], now: datetime, using: str) -> int:
    clocks = lifecycle.lock_clocks(job_ids, using)
    jobs = Job.objects.using(using).filter(pk__in=list(clocks)).order_by("pk")
    for job in locked(jobs):
        try:
            lifecycle.replan(job, clocks[job.pk], after=now, using=using)
        except SchedulerError as error:
            lifecycle.mark_broken(job, str(error), using=using)
    return len(clocks)
