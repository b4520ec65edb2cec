"""From due to queued: each due occurrence becomes a run or a recorded skip.

Inserting the runs and advancing the jobs' clocks is one transaction under the clocks' locks, so
two schedulers cannot both do it, and none can do half of it. Everything about a batch that can be
said in one statement is: what is left to do for one job alone is to plan it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import QuerySet

from .. import lifecycle
from ..lifecycle import Activity, Draft, Room, occurrence_key
from ..models import Job, JobClock, uuid7
from ..models.vendors import lock_raw, vendor_of
from ..planning import CATCH_UP_BATCH, Plan, Planned, Policy, Summary, plan, plan_chosen
from ..policies import CatchUp, Decision, Overlap, decide_overlap
from ..schedules import Schedule
from ..states import Reason, RunStatus, Trigger
from .known import COLUMNS, Due, KnownJobs

__all__ = ["Planning", "lock_due", "store"]

logger = logging.getLogger("django_scheduler.engine")

_ADVANCED = (
    "planned_until", "next_occurrence", "next_run_at", "planned_count", "by_hand", "catch_up",
)  # fmt: skip

_ON_TIME = timedelta(seconds=1)


def lock_due(
    clocks: QuerySet[JobClock], known: KnownJobs, *, until: datetime, most: int
) -> list[Due]:
    """Lock those of the clocks that are due by ``until``, at most ``most``, earliest first.

    Clocks and jobs that somebody holds are left out: they may be held for long, and the others
    are to be served.
    """
    due = clocks.filter(next_run_at__lte=until)
    first = due.order_by("next_run_at", "job__priority", "job_id")[:most]
    rows = lock_raw(first.values_list(*COLUMNS), JobClock, Job)
    return [known.of(row) for row in rows]


class Planning:
    """What becomes of due clocks: runs to store, and clocks to advance."""

    def __init__(self, known: KnownJobs, *, now: datetime, using: str) -> None:
        self._known = known
        self._now = now
        self._using = using
        self.drafts: list[tuple[Draft, datetime]] = []
        self.advanced: list[Sequence[Any]] = []
        self.held_back: dict[int, datetime] = {}
        """Jobs that are not planned before their instant, for they have an active run, by id.

        Whether the one overlaps the other is not known before: a job that takes 0.9 s and is due
        each second would skip itself.
        """

    def carry_out(self, due: Sequence[Due]) -> None:
        """Plan the locked clocks, each at its own instant if that is still to come."""
        counts = lifecycle.activity(
            [d.clock.job_id for d in due if self._must_count(d)], self._using
        )
        for one in due:
            busy = counts.get(one.clock.job_id) or Activity()
            instant = one.clock.next_run_at
            some = busy.active or busy.waiting or busy.giving_way
            if instant is not None and instant > self._now and some:
                self.held_back[one.clock.job_id] = instant
            else:
                self._one(one, busy)

    def _must_count(self, due: Due) -> bool:
        late = due.clock.next_run_at is None or due.clock.next_run_at < self._now - _ON_TIME
        return late or not due.known.overlaps_freely or due.known.supersedes

    def _one(self, due: Due, busy: Activity) -> None:
        """Plan one job. Whatever its row makes go wrong, the others of the claim are served."""
        try:
            if due.clock.planned_spec == due.known.job.spec:
                job = _DueJob(due, busy, self._now, self._using)
                job.carry_out()
                self.drafts += job.drafts
                self.advanced.append(job.advanced())
                if job.ended:
                    self._known.forget(due.clock.job_id)
                    lifecycle.end_job(self._fresh(due), self._using)
            else:
                self._known.forget(due.clock.job_id)
                job_row, clock = self._fresh(due), due.clock
                lifecycle.replan_edited(job_row, clock, now=self._now, using=self._using)
        except DatabaseError:
            raise
        except Exception as error:
            self._known.forget(due.clock.job_id)
            message = f"It cannot be planned: {error}"
            lifecycle.mark_broken(self._fresh(due), message, using=self._using)

    def _fresh(self, due: Due) -> Job:
        return Job.objects.using(self._using).get(pk=due.clock.job_id)


def store(
    planning: Planning, process: uuid.UUID, room: Room, *, using: str
) -> list[tuple[Draft, datetime]]:
    """Store what was planned, and return the runs taken for ``process`` with their due instants.

    Runs for which there is no room are stored unowned and due, for whoever has room first.
    """
    for draft, due_at in planning.drafts:
        if draft.is_final or draft.reason == Reason.WAITING:
            continue
        if room.take(draft.executor, draft.queue):
            draft.process, draft.epoch = process, 1
        else:
            draft.due_at = due_at
    inserted = lifecycle.insert_drafts([draft for draft, _ in planning.drafts], using)
    vendor_of(using).update(JobClock, _ADVANCED, planning.advanced)
    for draft, _ in planning.drafts:
        if draft.id not in inserted:
            logger.warning("%s has a run for %s already", draft.job_name, draft.key)
    return [
        (draft, due_at)
        for draft, due_at in planning.drafts
        if draft.process is not None and draft.id in inserted
    ]


class _DueJob:
    """One due job under its clock's lock. Nothing is stored before all of it is known."""

    def __init__(self, due: Due, counts: Activity, now: datetime, using: str) -> None:
        self._due = due
        self._known = due.known
        self._job = due.known.job
        self._clock = due.clock
        self._counts = counts
        self._now = now
        # What is claimed ahead of its time is planned as of that time.
        self._at = max(now, due.clock.next_run_at or now)
        self._using = using
        self.drafts: list[tuple[Draft, datetime]] = []
        self.ended = False

    def carry_out(self) -> None:
        """Make the drafts, and set the clock's fields."""
        found = self._plan(self._known.schedule(), self._policy())
        for summary in found.summaries:
            self.drafts.append((self._record(summary), self._now))
        for planned in found.occurrences:
            self.drafts.append(self._run(planned))
        self._advance(found)
        self.ended = found.ended

    def advanced(self) -> Sequence[Any]:
        """Return the clock's row as it is to be."""
        clock = self._clock
        return (clock.job_id, *(getattr(clock, name) for name in _ADVANCED))

    def _policy(self) -> Policy:
        """Return the job's policy, with the room there is for catching up."""
        job, counts = self._job, self._counts
        overlap = Overlap(job.overlap)
        policy = self._known.policy(self._clock)
        most = 1
        if overlap is Overlap.REPLACE and policy.catch_up is CatchUp.LATEST:
            return policy  # the newest takes the place of whatever there is
        if overlap is Overlap.ALLOW:
            most = job.max_running or CATCH_UP_BATCH
        elif overlap is Overlap.QUEUE_ALL:
            most = 1 + job.buffer_limit
        room = max(0, most - counts.active - counts.waiting)
        return policy.with_room(room)

    def _plan(self, schedule: Schedule, policy: Policy) -> Plan:
        """Return the plan; an instant that was chosen by hand stands before the schedule's own."""
        clock, now = self._clock, self._at
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
        if not found.waits and (found.next_at is None or found.next_at > self._at):
            clock.catch_up = ""

    def _record(self, summary: Summary) -> Draft:
        return lifecycle.missed_record(
            self._known.template, summary.first, summary.last, summary.count, self._now
        )

    def _run(self, planned: Planned) -> tuple[Draft, datetime]:
        due_at = self._due_of(planned.scheduled_for)
        draft = Draft(
            self._known.template,
            uuid7(self._now),
            occurrence_key(planned.scheduled_for),
            # An occurrence brought forward keeps its identity, but is scheduled for its new time.
            min(planned.scheduled_for, due_at),
            Trigger.CATCH_UP if planned.late else Trigger.SCHEDULE,
            queued_at=self._now,
            missed=planned.missed,
            last_finished_at=self._due.last_finished_at,
            last_success_at=self._due.last_success_at,
        )
        draft.expire()
        self._place(draft)
        return draft, due_at

    def _place(self, draft: Draft) -> None:
        """Let the draft be what the overlap policy says, and retries end that give way to it."""
        if self._known.overlaps_freely:
            self._make_way()
            return
        decision = decide_overlap(
            Overlap(self._job.overlap),
            active=self._counts.active,
            waiting=self._counts.waiting,
            max_running=self._job.max_running,
            buffer_limit=self._job.buffer_limit,
        )
        if decision not in (Decision.SKIP, Decision.FULL):
            self._make_way()
        fields = lifecycle.place(self._job, decision, now=self._now, using=self._using)
        self._counts.active += decision is Decision.RUN
        self._counts.waiting += decision is Decision.WAIT
        draft.status = RunStatus(fields.get("status", draft.status))
        draft.reason = fields.get("reason", "")
        draft.finished_at = fields.get("finished_at")

    def _make_way(self) -> None:
        """Let the retries end that give way to an occurrence, if there are any."""
        if self._counts.giving_way:
            lifecycle.supersede(self._clock.job_id, self._now, self._using)
            self._counts.giving_way = 0

    def _due_of(self, occurrence: datetime) -> datetime:
        clock = self._clock
        due = clock.next_run_at if occurrence == clock.next_occurrence else None
        return due or occurrence
