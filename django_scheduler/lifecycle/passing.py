"""Occurrences the clock passes over without a run: each is recorded before it does.

A pause, an edit or a mended row moves a job's clock past what was due and not claimed yet. None
of that may vanish: it becomes a `skipped` run that says how many it stands for. Call everything
here with the clock locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..exceptions import InvalidRunState, InvalidSchedule, SchedulerError
from ..models import EDITED, Installation, Job, JobClock, Run
from ..planning import Summary, initial_high_water, passed_over
from ..schedules import Schedule, parse_schedule
from ..signals import announce, job_paused, run_skipped
from ..states import JobState, Reason, RunStatus, Trigger
from .clocks import planning_policy, replan, stop_clock
from .create import insert, make_run, missed_record, occurrence_key
from .drafts import Template, insert_drafts

__all__ = [
    "count_passed_over",
    "follow_edit",
    "pause_job",
    "plan_on",
    "record_passed_over",
    "replan_edited",
    "skip_next",
]

_INSTANT = timedelta(microseconds=1)


def record_passed_over(
    job: Job, clock: JobClock, *, now: datetime, using: str, until: datetime | None = None
) -> None:
    """Record what was due by ``until`` and not dealt with, in one row, and move the mark past it.

    It goes by what the job was when it was loaded and by the schedule its clock was planned with,
    so it may be called after fields were assigned. A paused or ended job misses nothing.

    Args:
        until: None: now. While everything is paused, no later than when that began.
    """
    # What comes due while everything is paused is not missed.
    until = min(now if until is None else until, _paused_since(using) or now)
    before = job.as_loaded()
    summary = _passed_over(before, clock, until)
    if summary is None:
        return
    record = missed_record(Template(before), summary.first, summary.last, summary.count, now)
    insert_drafts([record], using)
    # An instant chosen by hand may have been brought forward from after ``until``.
    last = min(summary.last, until)
    clock.planned_until = max(last, clock.planned_until or last)
    clock.save(using=using, update_fields=["planned_until"])


def _paused_since(using: str) -> datetime | None:
    """Return when everything was paused; None if it is not."""
    rows = Installation.objects.using(using).filter(pk=Installation.ONLY)
    return rows.values_list("paused_at", flat=True).first()


def follow_edit(job: Job, clock: JobClock, *, now: datetime, using: str) -> None:
    """Record what the schedule before the edit left undone, and plan strictly after ``now``.

    To be called with the fields assigned; it stores the job. An instant that only another text
    or another zone names was not set anew: it stays owed, or done.

    Raises:
        SchedulerError: the schedule cannot be read.
    """
    mark = clock.planned_until
    if mark is not None and _is_same_instant(job, clock):
        job.save(using=using)
        replan(job, clock, after=mark, using=using)
        return
    record_passed_over(job, clock, now=now, using=using)
    job.save(using=using)
    after = now
    if job.state == JobState.ACTIVE:
        # Set anew, an instant that is past is owed, once.
        after = initial_high_water(job.parsed_schedule(), now)
    replan(job, clock, after=after, using=using)


def _is_same_instant(job: Job, clock: JobClock) -> bool:
    """Tell whether the job has one instant, and had the same one before."""
    try:
        old, new = _planned_schedule(job, clock), job.parsed_schedule()
    except SchedulerError:
        return False
    if not (old.one_shot and new.one_shot):
        return False
    return old.first(job.created_at) == new.first(job.created_at)


def replan_edited(job: Job, clock: JobClock, *, now: datetime, using: str) -> None:
    """Plan anew a job that was edited past the facade, strictly after ``now``; nobody knows when.

    What has just come due belongs to the old schedule, and most likely the edit was made before:
    it does not run and is no loss, unless the new schedule names that very instant as well. What
    was due before that was missed, and is recorded. A job that had ended goes on if it can.

    Raises:
        SchedulerError: the schedule cannot be read; the record stays.
    """
    mark, common = clock.planned_until, None
    same = mark is not None and _is_same_instant(job, clock)
    if job.state == JobState.ENDED:
        job.state = JobState.ACTIVE.value
        Job.objects.using(using).filter(pk=job.pk).update(state=job.state, error="")
    elif not same:
        grace = planning_policy(job, clock).misfire_grace
        record_passed_over(job, clock, until=now - grace, now=now, using=using)
        common = _common_occurrence(job, clock, now - grace, now)
    if same and mark is not None:
        after = mark
    elif common is not None:
        after = common - _INSTANT
    else:
        after = initial_high_water(job.parsed_schedule(), now)
    replan(job, clock, after=after, using=using)


def plan_on(job: Job, clock: JobClock, *, now: datetime, using: str) -> None:
    """Point a clock that stood at the first occurrence that is not dealt with.

    Raises:
        SchedulerError: the schedule cannot be read.
    """
    if clock.planned_spec and clock.planned_spec != job.spec:
        replan_edited(job, clock, now=now, using=using)
    else:
        replan(job, clock, after=clock.planned_until or now, using=using)


def _common_occurrence(
    job: Job, clock: JobClock, since: datetime, until: datetime
) -> datetime | None:
    """Return the occurrence that is due in [since, until], if the present schedule names it too."""
    due = clock.next_occurrence
    if due is None or clock.by_hand or not since <= due <= until:
        return None
    return due if job.parsed_schedule().next_after(due - _INSTANT) == due else None


def pause_job(
    job: Job,
    clock: JobClock,
    *,
    reason: str,
    by: str,
    until: datetime | None,
    now: datetime,
    using: str,
) -> None:
    """Take an active job off the schedule until it is resumed, by ``until`` at the latest."""
    record_passed_over(job, clock, now=now, using=using)
    job.state = JobState.PAUSED.value
    job.paused_at, job.paused_until = now, until
    job.pause_reason, job.paused_by = reason, by
    job.save(using=using)
    stop_clock(job.pk, using=using)
    _call_off(job, now, using)
    announce(job_paused, using=using, sender=Job, job=job)


def _call_off(job: Job, now: datetime, using: str) -> None:
    """Ask the owners of runs that were claimed ahead of their time not to begin them."""
    ahead = Run.objects.using(using).filter(
        job=job,
        status=RunStatus.QUEUED.value,
        process__isnull=False,
        scheduled_for__gt=now,
        stop_requested_at__isnull=True,
    )
    ahead.update(stop_requested_at=now, reason=Reason.JOB_PAUSED.value)


def count_passed_over(job: Job, clock: JobClock, until: datetime) -> int:
    """Return how many occurrences were due by ``until`` and not dealt with."""
    summary = _passed_over(job, clock, until)
    return summary.count if summary is not None else 0


def _passed_over(job: Job, clock: JobClock, until: datetime) -> Summary | None:
    mark = clock.planned_until
    if job.state == JobState.PAUSED and job.paused_until is not None:
        # It ended then, whether anybody has noticed or not.
        mark = max(job.paused_until, mark or job.paused_until)
    elif job.state not in (JobState.ACTIVE, JobState.BROKEN):
        return None
    if clock.by_hand:
        due = clock.next_run_at is not None and clock.next_run_at <= until
        chosen = clock.next_occurrence or clock.next_run_at
        return Summary(chosen, chosen, 1, Reason.MISSED.value) if due and chosen else None
    try:
        schedule = _planned_schedule(job, clock)
        if schedule.fixed_delay and clock.next_run_at is None:
            return None  # its next occurrence waits for the end of a run
        return passed_over(schedule, mark, until, planning_policy(job, clock))
    except SchedulerError:
        return None  # what cannot be read any more tells no occurrences


def _planned_schedule(job: Job, clock: JobClock) -> Schedule:
    """Return the schedule the clock was planned with; an edit past the facade left only its text.

    Raises:
        InvalidSchedule: the clock was never planned, or its text cannot be read any more.
    """
    zone, _, text = clock.planned_spec.lstrip(EDITED).partition(" ")
    if not text:
        raise InvalidSchedule("The clock was never planned.")
    return parse_schedule(text, timezone=zone, anchor=job.anchor)


def skip_next(job: Job, clock: JobClock, *, now: datetime, using: str) -> Run:
    """Record the job's next occurrence as skipped, and point the clock at the one after it.

    Raises:
        InvalidRunState: the job has no next run.
    """
    if clock.planned_spec != job.spec:
        replan_edited(job, clock, now=now, using=using)
    if clock.next_run_at is None:
        raise InvalidRunState(
            f"{job.name!r} has no next run to skip: it runs only when triggered, or its next run "
            "is set when a run of it has ended.",
            field="state",
        )
    occurrence = clock.next_occurrence or clock.next_run_at
    run = make_run(
        job,
        key=occurrence_key(occurrence),
        scheduled_for=occurrence,
        trigger=Trigger.SCHEDULE,
        now=now,
        status=RunStatus.SKIPPED.value,
        reason=Reason.ASKED.value,
        finished_at=now,
    )
    if insert([run], using):
        announce(run_skipped, using=using, sender=Run, run=run)
    replan(job, clock, after=max(occurrence, clock.planned_until or occurrence), using=using)
    return run
