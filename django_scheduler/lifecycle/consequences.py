"""What follows from a run's end, in the same transaction: retry, promotion, counters, next time."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ..exceptions import SchedulerError
from ..models import Job, JobClock, Run
from ..models.vendors import vendor_of
from ..policies import LONGEST_DELAY, LONGEST_SPAN, OnLost, Retry
from ..signals import announce, rescheduling_failed, run_retry_planned
from ..states import JobState, Reason, RunStatus, Trigger
from .broken import mark_broken
from .clocks import end_job, has_open_run, lock_clocks, set_by_hand, stop_clock
from .counters import FAILURES, count_all
from .create import active_runs, insert, make_attempt, waiting_for_room
from .facts import Fact, Finished, Left
from .giving_way import mark_of, supersede
from .passing import pause_job, plan_on

__all__ = ["follow", "follow_all", "promote", "promote_left_behind"]

_BATCH = 200

FLOOR = timedelta(seconds=1)
"""No retry and no self-chosen next run comes sooner, so that none can spin."""

_MANUAL = " @manual"
"""How the text ends from which the clock of a job that only runs when triggered was planned."""

MOST_LOSSES = 5
"""Without a retry policy: a function that kills its process must not kill processes for ever."""


def follow_all(
    won: Sequence[tuple[Run, Fact]],
    clocks: Mapping[int, JobClock],
    now: datetime,
    using: str,
) -> bool:
    """Carry out what follows from the facts that held, in their order. Clocks are locked.

    Nearly always nothing does but that the job's counters go up: that is done for all of them at
    once. A job of which more follows from any run goes through it run by run. Returns whether there
    was one.
    """
    ended = [
        (run, fact, clocks[fact.job_id])
        for run, fact in won
        if isinstance(fact, (Finished, Left)) and fact.job_id is not None and fact.job_id in clocks
    ]
    _carry_states(ended, using)
    waiting = _jobs_waiting({clock.job_id for _, _, clock in ended}, using)
    special = {
        clock.job_id
        for run, fact, clock in ended
        if clock.job_id in waiting or (isinstance(fact, Finished) and _is_special(run, fact, clock))
    }
    for run, fact, clock in ended:
        if clock.job_id not in special:
            continue
        if isinstance(fact, Finished):
            follow(run, fact, clock, now, using)
        else:
            promote(clock.job_id, now, using)
    plain = [each for each in ended if each[2].job_id not in special]
    count_all([run for run, fact, _ in plain if isinstance(fact, Finished)], using)
    return bool(special)


def _carry_states(ended: Sequence[tuple[Run, Fact, JobClock]], using: str) -> None:
    """Let the jobs carry what their runs left to the next one; of several the last to end."""
    left = {
        clock.job_id: fact.carried_state
        for _, fact, clock in ended
        if isinstance(fact, Finished) and fact.carried_state is not None
    }
    vendor_of(using).update(Job, ("carried_state",), list(left.items()))


def _jobs_waiting(job_ids: Collection[int], using: str) -> set[int | None]:
    """Return which of the jobs have runs that wait for another one's end."""
    if not job_ids:
        return set()
    waiting = Run.objects.using(using).filter(waiting_for_room(), job_id__in=list(job_ids))
    return set(waiting.order_by().values_list("job_id", flat=True))


def _is_special(run: Run, fact: Finished, clock: JobClock) -> bool:
    """Tell whether more follows than counting: another attempt, or the job's next time."""
    if run.status in FAILURES and _ends_or_pauses_jobs(run):
        return True
    stands = clock.next_run_at is None and not clock.planned_spec.endswith(_MANUAL)
    if stands or fact.run_again_in is not None:
        return True
    return _decide(run, fact)[0] is not None


def _ends_or_pauses_jobs(run: Run) -> bool:
    """Tell whether a failure of the run may be one too many for its job."""
    retry = _retry_of(run)
    for_life = retry is not None and not retry.reset_on_success
    return for_life or run.policy_value("pause_after_failures") is not None


def follow(run: Run, fact: Finished, clock: JobClock | None, now: datetime, using: str) -> None:
    """Carry out what follows from ``run`` having ended as ``fact`` says. Its clock is locked."""
    if run.job_id is None or clock is None:
        return
    job = Job.objects.using(using).get(pk=run.job_id)
    again = _next_attempt(job, run, fact, now, using)
    if again is not None:
        insert([again], using)
        announce(run_retry_planned, using=using, sender=Run, run=run, next_run=again)
    count_all([run], using, retried=again is not None)
    promote(run.job_id, now, using)
    _pause_if_it_fails_on(job, clock, run, now, using)
    if again is None:
        _reschedule(job, clock, run, fact, now, using)


def _next_attempt(job: Job, run: Run, fact: Finished, now: datetime, using: str) -> Run | None:
    delay, burned = _decide(run, fact)
    spent = burned > 0 and _lifetime_budget_spent(job, run, using)
    if delay is None or spent:
        return None
    again = make_attempt(run, attempt=run.attempt + burned, now=now, using=using)
    again.due_at = now + delay
    if burned:
        # What a shutdown only interrupted did not fail: it is in the way until it has run.
        again.reason = mark_of(_retry_of(run))
    if run.pause_requested_at is not None and run.status in (RunStatus.STOPPED, RunStatus.LOST):
        # Its process ended, and nobody wanted the run to go on: the next one holds as well.
        again.pause_requested_at = now
    return again


def _lifetime_budget_spent(job: Job, run: Run, using: str) -> bool:
    """End the job once a budget that success does not refill is used up."""
    retry = _retry_of(run)
    if retry is None or retry.reset_on_success or retry.max_attempts is None:
        return False
    used = job.retries_used + (run.trigger == Trigger.RETRY and run.started_at is not None)
    if used < retry.max_attempts - 1:
        return False
    error = f"Its {retry.max_attempts - 1} retries are used up."
    Job.objects.using(using).filter(pk=job.pk).update(error=error)
    end_job(job, using)
    stop_clock(job.pk, using=using)
    return True


def _decide(run: Run, fact: Finished) -> tuple[timedelta | None, int]:
    """Return (delay until the next attempt or None, how many attempts this one burned)."""
    may_repeat = run.policy_value("on_lost", OnLost.RETRY) == OnLost.RETRY
    if run.status == RunStatus.STOPPED:
        orderly = run.reason == Reason.SHUTDOWN and run.stop_requested_at is None
        return (timedelta(0) if orderly and may_repeat else None), 0
    if run.stop_requested_at is not None or run.status not in FAILURES:
        return None, 0
    retry = _retry_of(run)
    if run.status == RunStatus.LOST:
        return (_after_loss(run, retry) if may_repeat else None), 1
    return _after_failure(run, fact, retry), 1


def _retry_of(run: Run) -> Retry | None:
    """Return the run's retry policy; one that cannot be read any more is none."""
    try:
        return Retry.of(run.policy_value("retry"))
    except SchedulerError:
        return None


def _after_loss(run: Run, retry: Retry | None) -> timedelta | None:
    most = MOST_LOSSES if retry is None else retry.max_attempts
    if most is not None and run.attempt >= most:
        return None
    return FLOOR * (1 << min(run.attempt - 1, 8))


def _after_failure(run: Run, fact: Finished, retry: Retry | None) -> timedelta | None:
    if fact.retry_in is not None:
        spent = retry is not None and retry.max_attempts is not None
        if spent and run.attempt >= retry.max_attempts:  # type: ignore[union-attr,operator]
            return None
        return min(max(fact.retry_in, FLOOR), LONGEST_DELAY)
    if retry is None or run.reason == Reason.ARGUMENTS:
        return None
    return retry.delay_after(run.attempt, tuple(fact.error_types), random.random())


def promote(job_id: int, now: datetime, using: str) -> None:
    """Let the oldest run that waits for room go, if no run of the job is active any more."""
    if active_runs(using).filter(job_id=job_id).exists():
        return
    waiting = Run.objects.using(using).filter(waiting_for_room(), job_id=job_id)
    oldest = waiting.order_by("scheduled_for", "pk").values_list("pk", flat=True).first()
    if oldest is not None:
        supersede(job_id, now, using)
        waiting.filter(pk=oldest).update(due_at=now, reason=Reason.NONE.value)


def promote_left_behind(now: datetime, using: str) -> None:
    """Promote where the end of what was waited for went unnoticed.

    So it does when a function that was given up, and still counted as active, goes with its
    process: no outcome is written then.
    """
    waiting = Run.objects.using(using).filter(waiting_for_room(), job_id__isnull=False)
    jobs = sorted(set(waiting.values_list("job_id", flat=True)[:_BATCH]))
    for job_id in lock_clocks([each for each in jobs if each], using, skip=True):
        promote(job_id, now, using)


def _pause_if_it_fails_on(job: Job, clock: JobClock, run: Run, now: datetime, using: str) -> None:
    """Pause a job so many of whose chains have failed in a row, and say why."""
    if run.status not in FAILURES or job.pause_after_failures is None:
        return
    job.refresh_from_db(using=using)
    times = job.consecutive_failures
    if job.state != JobState.ACTIVE or times < job.pause_after_failures:
        return
    reason = f"{times} failures in a row, the last: {run.error or run.reason or run.status}"
    pause_job(job, clock, reason=reason[:500], by="", until=None, now=now, using=using)


def _reschedule(
    job: Job, clock: JobClock, run: Run, fact: Finished, now: datetime, using: str
) -> None:
    """Set the next time where the end of this run decides it."""
    if job.state != JobState.ACTIVE:
        return
    if fact.run_again_in is not None and run.status == RunStatus.SUCCEEDED:
        set_by_hand(clock, now + min(max(fact.run_again_in, FLOOR), LONGEST_SPAN))
        clock.save(using=using, update_fields=["next_run_at", "next_occurrence", "by_hand"])
        return
    if clock.next_run_at is not None:
        return
    try:
        schedule = job.parsed_schedule()
        if schedule.fixed_delay:
            if has_open_run(job.pk, using):
                return
            # The next occurrence is measured from here, so here is how far it is dealt with.
            clock.planned_until = max(run.finished_at or now, clock.planned_until or now)
        plan_on(job, clock, now=now, using=using)
    except SchedulerError as error:
        mark_broken(job, str(error), using=using)
        announce(rescheduling_failed, using=using, sender=Job, job=job, error=str(error))
