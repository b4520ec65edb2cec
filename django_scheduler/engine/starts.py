"""What a start does for others: the dead of its machine, and jobs that ``run_on_start``."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from .. import lifecycle
from ..clock import Clock
from ..exceptions import SchedulerError
from ..models import Job, JobClock
from ..models.vendors import glance, question, read_now, writing
from ..runner import Membership
from ..states import JobState, Trigger
from .neighbours import neighbours, take_over_gone
from .share import Share

__all__ = ["look_around", "run_on_start"]


def look_around(membership: Membership, share: Share, clock: Clock, using: str) -> None:
    """Do what a start does beyond joining; one statement tells that nearly always it is nothing.

    Processes of this machine that are gone are taken over, and jobs that want it get a run.
    """
    here = neighbours(membership.identity, using).exclude(pk=membership.id)
    asked = [
        question(here.order_by().values_list("heartbeat_at")),
        question(_wanted(share, using).order_by().values_list("created_at")),
    ]
    _, (neighbour, wants) = glance(clock, using, asked)
    if neighbour is not None:
        with writing(using):
            take_over_gone(membership.identity, clock=clock, using=using)
    if wants is not None:
        with writing(using):
            run_on_start(share, read_now(clock, using), using)


def _wanted(share: Share, using: str) -> QuerySet[Job]:
    return Job.objects.using(using).filter(
        share.of_jobs(), run_on_start=True, state=JobState.ACTIVE.value, removed_at__isnull=True
    )


def run_on_start(share: Share, now: datetime, using: str) -> int:
    """Make a run now of each job that wants one at a start; return how many.

    Not of a job whose last run ended less than one interval ago, or is still going on: several
    schedulers that start together make one. The run stands for whatever was missed, and says how
    much that was; the schedule goes on strictly after now. To be called in a transaction.
    """
    wanted = _wanted(share, using)
    clocks = lifecycle.lock_clocks(list(wanted.order_by("pk").values_list("pk", flat=True)), using)
    busy = lifecycle.activity(clocks, using)
    started = 0
    for job in wanted.filter(pk__in=clocks):
        if not busy[job.pk].active:
            if busy[job.pk].giving_way:
                lifecycle.supersede(job.pk, now, using)
            started += _start(job, clocks[job.pk], now, using)
    return started


def _start(job: Job, clock: JobClock, now: datetime, using: str) -> bool:
    try:
        if job.last_finished_at is not None and now - job.last_finished_at < _interval(job, now):
            return False
        missed = lifecycle.count_passed_over(job, clock, now)
        with transaction.atomic(using=using):
            lifecycle.trigger(
                job, None, None, force=True, now=now, using=using, kind=Trigger.START, missed=missed
            )
            # After the run is made: the next time of a fixed delay waits for its end.
            lifecycle.replan(job, clock, after=now, using=using)
    except SchedulerError as error:
        lifecycle.mark_broken(job, str(error), using=using)
        return False
    return True


def _interval(job: Job, now: datetime) -> timedelta:
    """Return the span between the next two occurrences; endless when there are not two."""
    ahead = job.parsed_schedule().upcoming(now, 2)
    return ahead[1] - ahead[0] if len(ahead) == 2 else timedelta.max
