"""Setting a job's clock outside a firing: when it is new, edited, resumed, or a chain has ended.

All of it under the clock row's lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .. import conf
from ..models import EDITED, Job, JobClock, Run, object_of
from ..models.vendors import lock_raw, locked, vendor_of
from ..planning import Policy, initial_high_water, next_from
from ..policies import CatchUp
from ..schedules import Schedule
from ..signals import announce, job_ended, job_resumed
from ..states import OPEN, JobState

__all__ = [
    "delete_if_idle",
    "end_job",
    "has_open_run",
    "lock_at_hand",
    "lock_clocks",
    "note_planned",
    "planning_policy",
    "replan",
    "resume_job",
    "set_by_hand",
    "start_clock",
    "stop_clock",
]


def planning_policy(job: Job, clock: JobClock | None = None) -> Policy:
    """Return the job's planning policy; None of a field takes the setting's value."""
    settings = conf.current()
    remaining = None
    if job.max_runs is not None:
        remaining = max(0, job.max_runs - (clock.planned_count if clock else 0))
    return Policy(
        catch_up=CatchUp((clock.catch_up if clock else "") or job.catch_up),
        catch_up_window=_or(job.catch_up_window, settings.catch_up_window),
        catch_up_limit=job.catch_up_limit or settings.catch_up_limit,
        misfire_grace=_or(job.misfire_grace, settings.misfire_grace),
        start_at=job.start_at,
        end_at=job.end_at,
        remaining=remaining,
        jitter=job.jitter,
        seed=job.name,
    )


def _or(value: timedelta | None, default: timedelta) -> timedelta:
    return default if value is None else value


def lock_clocks(job_ids: list[int], using: str, *, skip: bool = False) -> dict[int, JobClock]:
    """Lock the jobs' clocks, in the order of their ids, and return them by job id.

    With ``skip``, clocks that somebody else holds are left out instead of waited for.
    """
    if not job_ids:
        return {}
    rows = JobClock.objects.using(using).filter(job_id__in=job_ids).order_by("job_id")
    return {clock.job_id: clock for clock in locked(rows, skip=skip)}


def lock_at_hand(job_ids: list[int], using: str) -> tuple[dict[int, JobClock], set[int]]:
    """Lock clocks and job rows without waiting; return the clocks, and the jobs somebody holds.

    Somebody may hold a job's row for long: an open transaction of a form or a script. All other
    jobs are served meanwhile.
    """
    if not job_ids:
        return {}, set()
    wanted = JobClock.objects.using(using).filter(job_id__in=job_ids).order_by("job_id")
    rows = lock_raw(wanted.values_list(*_COLUMNS, "job__version"), JobClock, Job)
    read = vendor_of(using).read
    found = [
        object_of(JobClock, _COLUMNS, read(JobClock, _COLUMNS, row[:-1]), using) for row in rows
    ]
    clocks = {clock.job_id: clock for clock in found}
    missing = set(job_ids) - set(clocks)
    held = (
        set(wanted.filter(job_id__in=missing).values_list("job_id", flat=True)) if missing else ()
    )
    return clocks, set(held)


_COLUMNS = tuple(field.attname for field in JobClock._meta.concrete_fields)


def start_clock(
    job: Job, now: datetime, *, using: str, next_run_in: timedelta | None = None
) -> JobClock:
    """Make the clock of a new job.

    Its first run comes at the schedule's first occurrence after the job's creation, or
    ``next_run_in`` from now. A job that has none ahead is ``ended``.
    """
    schedule = job.parsed_schedule()
    mark = initial_high_water(schedule, job.created_at)
    clock = JobClock(job=job, planned_until=mark)
    _point(job, clock, schedule, after=mark, using=using)
    if next_run_in is not None:
        set_by_hand(clock, now + next_run_in)
        job.state = JobState.ACTIVE.value
    clock.save(using=using, force_insert=True)
    note_planned(job, using)
    if job.state == JobState.ENDED:
        end_job(job, using)
    return clock


def set_by_hand(clock: JobClock, at: datetime) -> None:
    """Let the next run be at ``at``, whatever the schedule says before; the caller stores it."""
    clock.next_run_at = clock.next_occurrence = at
    clock.by_hand = True


def _point(job: Job, clock: JobClock, schedule: Schedule, *, after: datetime, using: str) -> None:
    """Set the clock's next instant; the caller stores it."""
    clock.planned_spec, clock.by_hand = job.spec, False
    if schedule.fixed_delay and has_open_run(job.pk, using):
        # The end of that run sets the next time.
        clock.next_occurrence = clock.next_run_at = None
        return
    clock.next_occurrence, clock.next_run_at, ended = next_from(
        schedule, after, planning_policy(job, clock)
    )
    if ended:
        job.state = JobState.ENDED.value


def replan(job: Job, clock: JobClock, *, after: datetime, using: str) -> None:
    """Point the clock at the first occurrence strictly after ``after`` and store it.

    What lies before ``after`` counts as dealt with: an edit is never retroactive. Occurrences of
    the same schedule that were dealt with ahead of their time stay so. A job that is not active is
    not scheduled. One whose window is over becomes ``ended``.

    Raises:
        SchedulerError: the schedule cannot be read; nothing is stored.
    """
    edited = clock.planned_spec.lstrip(EDITED) != job.spec
    mark = clock.planned_until
    if edited or mark is None or (after > mark and job.state == JobState.ACTIVE):
        # With what is passed over goes the wish to catch up with it.
        clock.planned_until, clock.catch_up = _dealt_with(job, mark, after), ""
    if job.state == JobState.ACTIVE:
        _point(job, clock, job.parsed_schedule(), after=clock.planned_until or after, using=using)
        if job.state == JobState.ENDED:
            end_job(job, using)
    if job.state != JobState.ACTIVE:
        clock.next_run_at = clock.next_occurrence = None
        clock.planned_spec, clock.by_hand = job.spec, False
    clock.save(using=using, update_fields=_PLANNED)
    note_planned(job, using)


def _dealt_with(job: Job, mark: datetime | None, after: datetime) -> datetime:
    """Return up to where nothing is owed by the schedule the job has from ``after`` on.

    What another schedule had ahead says nothing of this one, unless it is what comes next by this
    one too: that instant has its run, claimed a moment before the edit, and gets no second word.
    """
    if mark is None or mark <= after or job.state != JobState.ACTIVE:
        return after
    return mark if job.parsed_schedule().next_after(after) == mark else after


def note_planned(job: Job, using: str) -> None:
    """Let the job's row say that its clock was planned from the text it has now."""
    if job.planned_spec != job.spec:
        Job.objects.using(using).filter(pk=job.pk).update(planned_spec=job.spec)
        job.adopt(planned_spec=job.spec)


_PLANNED = (
    "next_run_at", "next_occurrence", "planned_spec", "planned_until", "by_hand", "catch_up",
)  # fmt: skip


def stop_clock(job_id: int, *, using: str) -> None:
    """Make sure the job does not come due until somebody sets its clock again."""
    JobClock.objects.using(using).filter(job_id=job_id).update(
        next_run_at=None, next_occurrence=None, by_hand=False, catch_up=""
    )


def end_job(job: Job, using: str) -> None:
    """Mark an active job ``ended``: there is no occurrence left."""
    changed = Job.objects.using(using).filter(pk=job.pk, state=JobState.ACTIVE.value)
    job.state = JobState.ENDED.value
    if changed.update(state=JobState.ENDED.value):
        announce(job_ended, using=using, sender=Job, job=job)


def has_open_run(job_id: int, using: str) -> bool:
    """Tell whether any run of the job is not over."""
    return (
        Run.objects.using(using)
        .filter(job_id=job_id, status__in=[status.value for status in OPEN])
        .exists()
    )


def resume_job(
    job: Job, clock: JobClock, *, now: datetime, using: str, catch_up: CatchUp = CatchUp.SKIP
) -> None:
    """Make a paused job active. Paused time is not missed: the next run is strictly after ``now``.

    With ``catch_up`` as ``latest`` or ``all`` it is caught up with like missed time instead,
    whatever the job's own policy, back to its catch-up window.
    """
    schedule = job.parsed_schedule()
    if job.paused_until is not None:
        # It ended then, whether anybody has noticed or not.
        now = min(now, job.paused_until)
    job.state = JobState.ACTIVE.value
    job.paused_at = job.paused_until = None
    job.paused_by = job.pause_reason = ""
    if job.pause_after_failures is not None:
        job.consecutive_failures = 0  # who resumes it gives it as many anew
    job.save(using=using)
    if catch_up is CatchUp.SKIP:
        after = _resumed_after(job, schedule, now)
    else:
        after = clock.planned_until or now
        if schedule.fixed_delay and job.last_finished_at:
            after = max(after, job.last_finished_at)
    replan(job, clock, after=after, using=using)
    if catch_up is not CatchUp.SKIP:
        clock.catch_up = catch_up.value
        clock.save(using=using, update_fields=["catch_up"])
    announce(job_resumed, using=using, sender=Job, job=job)


def _resumed_after(job: Job, schedule: Schedule, now: datetime) -> datetime:
    """Return ``now``, or the last end from which a fixed delay still has some way to go."""
    if schedule.fixed_delay and job.last_finished_at is not None:
        following = schedule.next_after(job.last_finished_at)
        if following is not None and following > now:
            return job.last_finished_at
    return now


def delete_if_idle(job_id: int, *, using: str) -> bool:
    """Delete a removed job that has no open run; return whether it is gone."""
    if has_open_run(job_id, using):
        return False
    Job.objects.using(using).filter(pk=job_id, removed_at__isnull=False).delete()
    return True
