"""What people order: a run now, a run's stop."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import signals
from ..exceptions import InvalidRunState
from ..models import Job, Run
from ..models.vendors import locked
from ..policies import Decision, Overlap, decide_overlap
from ..states import FINAL, Reason, RunStatus, Trigger
from .clocks import lock_clocks
from .consequences import follow
from .create import activity, insert, make_run
from .facts import Finished

__all__ = ["PLACING", "place", "request_stop", "trigger"]

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
    fields: dict[str, Any] = dict(PLACING[decision])
    if fields.get("status") == RunStatus.SKIPPED.value:
        fields["finished_at"] = now
    if decision is Decision.REPLACE:
        _replace(job, now, using)
    return fields


def _replace(job: Job, now: datetime, using: str) -> None:
    """Ask what runs to stop, and drop what waited: only the newest waits."""
    open_runs = Run.objects.using(using).filter(job=job)
    open_runs.filter(
        status=RunStatus.QUEUED.value, process__isnull=True, due_at__isnull=True
    ).update(
        status=RunStatus.SKIPPED.value, reason=Reason.SUPERSEDED.value, finished_at=now, left_at=now
    )
    open_runs.exclude(status__in=[status.value for status in FINAL]).filter(
        stop_requested_at__isnull=True
    ).update(stop_requested_at=now, reason=Reason.SUPERSEDED.value)


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
    counted = activity([job.pk], using)[job.pk]
    decision = Decision.RUN
    if not force:
        decision = decide_overlap(
            Overlap(job.overlap),
            active=counted.active,
            waiting=counted.waiting,
            max_running=job.max_running,
            buffer_limit=job.buffer_limit,
        )
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
    if decision is Decision.RUN:
        run.due_at = now
    insert([run], using)
    kind_of_signal = signals.run_skipped if run.is_final else signals.run_queued
    signals.announce(kind_of_signal, using=using, sender=Run, run=run)
    return run


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
