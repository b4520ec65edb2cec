"""Jobs that lost their way: edited past the facade, without a clock, or with one that stands.

What people and programs do to a job's row is found by an index in which only such rows are. What
should never happen, such as a clock deleted by hand, is found by going through all rows, a slice
a round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from django.db import DatabaseError
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

from .. import lifecycle
from ..exceptions import SchedulerError
from ..models import Attention, Job, JobClock, Run
from ..models.vendors import locked
from ..states import OPEN, JobState

__all__ = ["SLICE", "Mending"]

_BATCH = 200

SLICE = 500
"""How many rows are gone through in a round: all of them where there are fewer."""


class Mending:
    """One round, in a transaction of its caller's."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._walked = self._walked_standing = 0

    def attend(self, now: datetime) -> None:
        """Do what rows ask for."""
        self._resume_over(now)
        self._follow_edits(now)
        self._bury_removed()

    def walk(self, now: datetime) -> None:
        """Look after a slice of the rows that ask for nothing."""
        self._walk_through_standing(now)
        self._walk_through_jobs(now)

    def _wanting(self, attention: str) -> QuerySet[Job]:
        return Job.objects.using(self._using).filter(attention=attention)

    def _resume_over(self, now: datetime) -> None:
        """Resume the jobs whose pause was to end by itself: as of then, whenever that is seen."""
        over = self._wanting(Attention.PAUSED).filter(paused_until__lte=now)
        for job_id in _asking(over):
            self._act(
                job_id,
                lambda job, clock: lifecycle.resume_job(
                    job, clock, now=job.paused_until or now, using=self._using
                ),
                over,
            )

    def _follow_edits(self, now: datetime) -> None:
        """Plan what was made or edited past the facade: by ORM, in bulk or in SQL."""
        edited = self._wanting(Attention.EDITED)
        for job_id in _asking(edited):
            self._plan(job_id, now, edited)

    def _plan(self, job_id: int, now: datetime, expected: QuerySet[Job]) -> None:
        if not JobClock.objects.using(self._using).filter(pk=job_id).exists():
            self._start_clock(job_id, now, expected)
        else:
            self._act(job_id, partial(self._replan, now=now), expected)

    def _start_clock(self, job_id: int, now: datetime, expected: QuerySet[Job]) -> None:
        """Give a job its clock. Of two processes that both do, the row lock lets one go first."""
        for job in locked(expected.filter(pk=job_id, clock__isnull=True), skip=True):
            with self._set_aside_on_error(job):
                if job.state == JobState.ACTIVE:
                    lifecycle.start_clock(job, now, using=self._using)
                else:
                    lifecycle.note_planned(job, self._using)

    def _replan(self, job: Job, clock: JobClock, now: datetime) -> None:
        if clock.planned_spec == job.spec:
            lifecycle.note_planned(job, self._using)  # it is planned; only its row did not say so
        else:
            lifecycle.replan_edited(job, clock, now=now, using=self._using)

    def _bury_removed(self) -> None:
        opened = Run.objects.using(self._using).filter(
            status__in=[status.value for status in OPEN], job__isnull=False
        )
        idle = self._wanting(Attention.REMOVED).exclude(pk__in=opened.values("job"))
        for job_id in _asking(idle):
            lifecycle.delete_if_idle(job_id, using=self._using)

    def _walk_through_standing(self, now: datetime) -> None:
        """Plan on the jobs whose clock stands although nothing is open that would set it."""
        standing = JobClock.objects.using(self._using).filter(
            next_run_at__isnull=True, job_id__gt=self._walked_standing
        )
        job_ids = list(standing.order_by("job_id").values_list("job_id", flat=True)[:SLICE])
        self._walked_standing = job_ids[-1] if len(job_ids) == SLICE else 0
        if not job_ids:
            return
        stood = Job.objects.using(self._using).filter(
            ~Q(schedule__startswith="@manual"),
            pk__in=job_ids,
            clock__next_run_at__isnull=True,
            state=JobState.ACTIVE.value,
            removed_at__isnull=True,
        )
        for job_id in _first(stood):
            if not lifecycle.has_open_run(job_id, self._using):
                self._act(job_id, partial(lifecycle.plan_on, now=now, using=self._using), stood)

    def _walk_through_jobs(self, now: datetime) -> None:
        """Plan the jobs whose clock was deleted, or changed, past everything."""
        jobs = Job.objects.using(self._using)
        coming = jobs.filter(pk__gt=self._walked)
        last = coming.order_by("pk").values_list("pk", flat=True)[SLICE - 1 : SLICE].first()
        part = coming if last is None else coming.filter(pk__lte=last)
        self._walked = last or 0
        astray = part.annotate(wanted=Concat("timezone", Value(" "), "schedule")).filter(
            Q(clock__isnull=True) | ~Q(clock__planned_spec=F("wanted")),
            state=JobState.ACTIVE.value,
            removed_at__isnull=True,
        )
        for job_id in _first(astray):
            self._plan(job_id, now, jobs.filter(state=JobState.ACTIVE.value))

    def _act(
        self, job_id: int, act: Callable[[Job, JobClock], None], expected: QuerySet[Job]
    ) -> None:
        """Do `act` under the clock's and the job's lock, if the job still is as expected.

        A row that somebody holds is left for the next round; a job it fails on is set aside.
        """
        clocks = locked(JobClock.objects.using(self._using).filter(pk=job_id), skip=True)
        for clock in clocks:
            for job in locked(expected.filter(pk=job_id), skip=True):
                with self._set_aside_on_error(job):
                    act(job, clock)

    @contextmanager
    def _set_aside_on_error(self, job: Job) -> Iterator[None]:
        """Mark the job broken if the block fails, so that the others are served."""
        try:
            yield
        except DatabaseError:
            raise
        except SchedulerError as error:
            lifecycle.mark_broken(job, str(error), using=self._using)
        except Exception as error:
            lifecycle.mark_broken(job, f"It cannot be planned: {error}", using=self._using)


def _asking(jobs: QuerySet[Job]) -> list[int]:
    """Return some of the rows that want attention, in the order of the index they are in.

    In any other order PostgreSQL, when it knows the column little, goes through all rows instead.
    """
    return sorted(jobs.order_by("paused_until").values_list("pk", flat=True)[:_BATCH])


def _first(jobs: QuerySet[Job]) -> list[int]:
    return list(jobs.order_by("pk").values_list("pk", flat=True)[:_BATCH])
