"""What people order: a run now, a run's stop."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import signals
from ..exceptions import InvalidRunState, RunAlreadyActive
from ..models import Job, Run
from ..models.vendors import locked
from ..policies import Decision, Overlap, decide_overlap
from ..states import OPEN, Reason, RunStatus, Trigger
from .clocks import lock_clocks
from .consequences import follow
from .create import MISSED, Activity, active_runs, activity, insert, make_attempt, make_run
from .facts import Finished
from .giving_way import supersede

__all__ = ["PLACING", "place", "request_stop", "run_anew", "trigger", "try_again"]

PLACING: dict[Decision, dict[str, str]] = {
    Decision.RUN: {},
    Decision.SKIP: {"status": RunStatus.SKIPPED.value, "reason": Reason.OVERLAP.value},
    Decision.FULL: {"status": RunStatus.SKIPPED.value, "reason": Reason.BUFFER_FULL.value},
    Decision.WAIT: {"reason": Reason.WAITING.value},
    Decision.REPLACE: {"reason": Reason.WAITING.value},
}
"""The status and reason a new run gets by what the overlap policy decided."""


def place(job: Job, decision: Decision, *, now: datetime, using: str) -> dict[str, Any]:
    """Return the fields of a new run of ``job`` under ``decision``, and make room if it says so."""
    if decision is Decision.REPLACE and not _replace(job, now, using):
        decision = Decision.RUN
    fields: dict[str, Any] = dict(PLACING[decision])
    if fields.get("status") == RunStatus.SKIPPED.value:
        fields["finished_at"] = now
    return fields


def _replace(job: Job, now: datetime, using: str) -> bool:
    """Drop what has not begun, for only the newest waits, and ask what runs to stop.

    Returns whether there is anything whose end must be waited for. A retry that waits for its time
    has not begun: holding up newer occurrences until then would help nobody.
    """
    open_runs = Run.objects.using(using).filter(
        job=job, status__in=[status.value for status in OPEN]
    )
    open_runs.filter(status=RunStatus.QUEUED.value, process__isnull=True).update(
        status=RunStatus.SKIPPED.value,
        reason=Reason.SUPERSEDED.value,
        due_at=None,
        finished_at=now,
        left_at=now,
    )
    open_runs.filter(stop_requested_at__isnull=True).update(
        stop_requested_at=now, reason=Reason.SUPERSEDED.value
    )
    return active_runs(using).filter(job=job).exists()


def trigger(
    job: Job,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    *,
    force: bool,
    now: datetime,
    using: str,
    kind: Trigger = Trigger.MANUAL,
    missed: int = 0,
) -> Run:
    """Make a run of ``job`` that is due now, beside its schedule, and return it.

    It goes through the overlap policy unless ``force``: then the run may come back ``skipped``
    with reason ``overlap``, or wait. The schedule does not move.
    """
    lock_clocks([job.pk], using)
    decision = Decision.RUN if force else _make_way(job, now, using)
    run = make_run(
        job,
        key=f"m:{uuid.uuid4()}",
        scheduled_for=now,
        trigger=kind,
        now=now,
        missed=missed,
        **place(job, decision, now=now, using=using),
    )
    run.args = list(args) if args is not None else job.args
    run.kwargs = dict(kwargs) if kwargs is not None else job.kwargs
    if not run.is_final and run.reason != Reason.WAITING:
        run.due_at = now
    insert([run], using)
    kind_of_signal = signals.run_skipped if run.is_final else signals.run_queued
    signals.announce(kind_of_signal, using=using, sender=Run, run=run)
    return run


def try_again(run_id: uuid.UUID, *, now: datetime, using: str) -> Run:
    """Make another attempt at the occurrence of a run that is over, and return it.

    It waits for room like any due retry, and is never skipped for overlap.

    Raises:
        InvalidRunState: the run is not over, or its job was removed.
        RunAlreadyActive: another attempt at the occurrence is open.
    """
    run, job = _over(run_id, using)
    others = Run.objects.using(using).filter(job=job, key=run.key)
    if others.filter(status__in=[status.value for status in OPEN]).exists():
        raise RunAlreadyActive(
            "Another attempt at this occurrence is open already; wait for its end, or stop it.",
            field="run",
        )
    again = make_attempt(run, attempt=run.attempt + 1, now=now, using=using)
    if _decide(job, using) is Decision.RUN:
        again.due_at = now
    else:
        again.reason = Reason.WAITING.value
    insert([again], using)
    signals.announce(signals.run_queued, using=using, sender=Run, run=again)
    return again


def run_anew(
    run_id: uuid.UUID, args: Sequence[Any], kwargs: Mapping[str, Any], *, now: datetime, using: str
) -> Run:
    """Make a run of the job of a run that is over, with other arguments, and return it.

    Raises:
        InvalidRunState: the run is not over, or its job was removed.
    """
    _, job = _over(run_id, using)
    return trigger(job, args, kwargs, force=False, now=now, using=using)


def _over(run_id: uuid.UUID, using: str) -> tuple[Run, Job]:
    """Return a run that is over, and its job, with the job's clock locked."""
    run = Run.objects.using(using).get(pk=run_id)
    if not run.is_final:
        raise InvalidRunState(
            f"The run is {run.status}; only a run that is over can be run again.", field="run"
        )
    jobs = Job.objects.using(using).filter(removed_at__isnull=True)
    if run.key.startswith(MISSED):
        raise InvalidRunState(
            f"It is the record of {run.missed} missed occurrences, not a run; trigger the job.",
            field="run",
        )
    job = jobs.filter(pk=run.job_id).first() if run.job_id is not None else None
    if job is None:
        raise InvalidRunState(
            f"The job {run.job_name!r} was removed; its runs cannot be run again.", field="run"
        )
    lock_clocks([job.pk], using)
    return run, job


def _make_way(job: Job, now: datetime, using: str) -> Decision:
    """Decide about a new run; let the retries end that give way to it."""
    counted = activity([job.pk], using)[job.pk]
    decision = decide_about(job, counted)
    if counted.giving_way and decision not in (Decision.SKIP, Decision.FULL):
        supersede(job.pk, now, using)
    return decision


def _decide(job: Job, using: str) -> Decision:
    """Return what the job's overlap policy says about one more run; its clock is locked."""
    return decide_about(job, activity([job.pk], using)[job.pk])


def decide_about(job: Job, counted: Activity) -> Decision:
    """Return what the job's overlap policy says about one more run, beside those counted."""
    return decide_overlap(
        Overlap(job.overlap),
        active=counted.active,
        waiting=counted.waiting,
        max_running=job.max_running,
        buffer_limit=job.buffer_limit,
    )


def request_stop(run_id: uuid.UUID, reason: str, *, now: datetime, using: str) -> Run:
    """Order the run to stop and return it.

    Nobody owns it yet: it is ``stopped`` at once. Somebody does: the order is left for the
    owner, who carries it out at its next look. Asking twice changes nothing.

    Raises:
        InvalidRunState: the run is over.
    """
    run = Run.objects.using(using).get(pk=run_id)
    clock = lock_clocks([run.job_id] if run.job_id else [], using).get(run.job_id or 0)
    run = locked(Run.objects.using(using).filter(pk=run_id)).get()
    if run.is_final:
        raise InvalidRunState(f"The run is {run.status} already; only an open run can be stopped.")
    if run.stop_requested_at is None:
        run.stop_requested_at = now
        run.reason = (reason or Reason.ASKED.value)[:200]
    if run.process is None:
        now = max(now, run.started_at or now)
        run.status, run.finished_at, run.left_at, run.due_at = (
            RunStatus.STOPPED.value,
            now,
            now,
            None,
        )
    run.save(using=using)
    if run.is_final:
        fact = Finished(run.pk, run.job_id, uuid.UUID(int=0), 0, RunStatus.STOPPED, at=now)
        follow(run, fact, clock, now, using)
        signals.announce(signals.run_finished, using=using, sender=Run, run=run)
        signals.announce(signals.run_stopped, using=using, sender=Run, run=run)
    return run
