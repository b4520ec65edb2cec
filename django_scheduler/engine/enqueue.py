"""From due to queued: each due occurrence becomes a run or a recorded skip.

Inserting the runs and advancing the jobs' clocks is one transaction under the clocks' locks, so
two schedulers cannot both do it, and none can do half of it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import DatabaseError

from .. import lifecycle, signals
from ..lifecycle import Activity, occurrence_key
from ..models import Job, JobClock, Run
from ..models.vendors import locked
from ..planning import CATCH_UP_BATCH, Plan, Planned, Policy, Summary, plan, plan_chosen
from ..policies import CatchUp, Decision, Overlap, decide_overlap
from ..schedules import Schedule
from ..states import JobState, Reason, Trigger
from .share import Share

__all__ = ["claim_due", "next_due"]


_ADVANCED = (
    "planned_until", "next_occurrence", "next_run_at", "planned_count", "by_hand", "catch_up",
)  # fmt: skip


@dataclass
class _Draft:
    run: Run
    due_at: datetime


def next_due(share: Share, using: str) -> datetime | None:
    """Return when the next job of the share is due; None when none is scheduled."""
    clocks = JobClock.objects.using(using).filter(share.of_clocks(), next_run_at__isnull=False)
    return clocks.order_by("next_run_at").values_list("next_run_at", flat=True).first()


def claim_due(
    process: uuid.UUID, share: Share, room: dict[str, int], *, now: datetime, batch: int, using: str
) -> list[tuple[Run, datetime]]:
    """Turn at most ``batch`` due jobs' occurrences into runs, and take those there is room for.

    Returns the runs now owned by ``process``, with the instants they were due at.

    ``room`` says how many runs each executor could begin, and is lowered by what was taken. Runs
    beyond it are stored unowned and due, for whoever has room first.
    """
    due = JobClock.objects.using(using).filter(share.of_clocks(), next_run_at__lte=now)
    clocks = list(locked(due.order_by("next_run_at", "job__priority", "job_id")[:batch], skip=True))
    if not clocks:
        return []
    ids = [clock.job_id for clock in clocks]
    # Not waiting: somebody may hold a job's row for long, and the others are to be served.
    rows = Job.objects.using(using).filter(pk__in=ids).order_by("pk")
    jobs = {job.pk: job for job in locked(rows, skip=True)}
    counts = lifecycle.activity(ids, using)
    drafts: list[_Draft] = []
    for clock in clocks:
        job = jobs.get(clock.job_id)
        if job is not None and job.state == JobState.ACTIVE:
            drafts += _DueJob(job, clock, counts[job.pk], now, using).carry_out()
    return _store(drafts, process, room, using)


def _store(
    drafts: list[_Draft], process: uuid.UUID, room: dict[str, int], using: str
) -> list[tuple[Run, datetime]]:
    for draft in drafts:
        _give_owner(draft, process, room)
    inserted = lifecycle.insert([draft.run for draft in drafts], using)
    for draft in drafts:
        if draft.run.pk in inserted:
            kind = signals.run_skipped if draft.run.is_final else signals.run_queued
            signals.announce(kind, using=using, sender=Run, run=draft.run)
    return [(d.run, d.due_at) for d in drafts if d.run.process and d.run.pk in inserted]


def _give_owner(draft: _Draft, process: uuid.UUID, room: dict[str, int]) -> None:
    run = draft.run
    if run.is_final or run.reason == Reason.WAITING:
        return
    if room.get(run.executor, 0) > 0:
        room[run.executor] -= 1
        run.process, run.epoch = process, 1
    else:
        run.due_at = draft.due_at


class _DueJob:
    """One due job under its clock's lock."""

    def __init__(
        self, job: Job, clock: JobClock, counts: Activity, now: datetime, using: str
    ) -> None:
        self._job = job
        self._clock = clock
        self._counts = counts
        self._now = now
        self._using = using

    def carry_out(self) -> list[_Draft]:
        """Advance the clock and return the rows to insert; set aside what cannot be planned.

        Whatever one row makes go wrong, the other jobs of the claim are served.
        """
        try:
            return self._carry_out()
        except DatabaseError:
            raise
        except Exception as error:
            lifecycle.mark_broken(self._job, f"It cannot be planned: {error}", using=self._using)
            return []

    def _carry_out(self) -> list[_Draft]:
        job, clock = self._job, self._clock
        if clock.planned_spec != job.spec:
            lifecycle.replan_edited(job, clock, now=self._now, using=self._using)
            return []
        found = self._plan(job.parsed_schedule(), self._policy())
        drafts = [self._record(summary) for summary in found.summaries]
        drafts += [self._run(planned) for planned in found.occurrences]
        self._advance(found)
        if found.ended:
            lifecycle.end_job(job, self._using)
        return drafts

    def _policy(self) -> Policy:
        """Return the job's policy, with the room there is for catching up."""
        job, counts = self._job, self._counts
        overlap = Overlap(job.overlap)
        policy = lifecycle.planning_policy(job, self._clock)
        most = 1
        if overlap is Overlap.REPLACE and policy.catch_up is CatchUp.LATEST:
            return policy  # the newest takes the place of whatever there is
        if overlap is Overlap.ALLOW:
            most = job.max_running or CATCH_UP_BATCH
        elif overlap is Overlap.QUEUE_ALL:
            most = 1 + job.buffer_limit
        room = max(0, most - counts.active - counts.waiting)
        return replace(policy, room=room)

    def _plan(self, schedule: Schedule, policy: Policy) -> Plan:
        """Return the plan; an instant that was chosen by hand stands before the schedule's own."""
        clock, now = self._clock, self._now
        chosen, until = clock.next_occurrence, clock.planned_until
        due_at = clock.next_run_at or now
        if chosen is not None and (clock.by_hand or chosen > now):
            return plan_chosen(schedule, chosen, due_at, until, now, policy)
        found = plan(schedule, until, now, policy)
        idle = not (found.occurrences or found.summaries or found.waits)
        if chosen is None and idle:
            # Somebody wanted it sooner when no next run was known, as of one only triggered.
            return plan_chosen(schedule, due_at, due_at, until, now, policy)
        return found

    def _advance(self, found: Plan) -> None:
        clock = self._clock
        clock.planned_until = found.planned_until
        clock.next_occurrence, clock.next_run_at = found.next_occurrence, found.next_at
        if found.next_at is None:
            clock.next_occurrence = None
        clock.planned_count += len(found.occurrences)
        clock.by_hand = False
        if not found.waits and (found.next_at is None or found.next_at > self._now):
            clock.catch_up = ""
        clock.save(using=self._using, update_fields=_ADVANCED)

    def _record(self, summary: Summary) -> _Draft:
        run = lifecycle.missed_record(
            self._job, summary.first, summary.last, summary.count, self._now
        )
        return _Draft(run, self._now)

    def _run(self, planned: Planned) -> _Draft:
        decision = decide_overlap(
            Overlap(self._job.overlap),
            active=self._counts.active,
            waiting=self._counts.waiting,
            max_running=self._job.max_running,
            buffer_limit=self._job.buffer_limit,
        )
        fields = lifecycle.place(self._job, decision, now=self._now, using=self._using)
        self._counts.active += decision is Decision.RUN
        self._counts.waiting += decision is Decision.WAIT
        due = self._due_of(planned.scheduled_for)
        run = lifecycle.make_run(
            self._job,
            key=occurrence_key(planned.scheduled_for),
            # An occurrence brought forward keeps its identity, but is scheduled for its new time.
            scheduled_for=min(planned.scheduled_for, due),
            trigger=Trigger.CATCH_UP if planned.late else Trigger.SCHEDULE,
            now=self._now,
            missed=planned.missed,
            **fields,
        )
        return _Draft(run, due)

    def _due_of(self, occurrence: datetime) -> datetime:
        clock = self._clock
        due = clock.next_run_at if occurrence == clock.next_occurrence else None
        return due or occurrence
