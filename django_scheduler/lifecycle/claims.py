"""Taking ownership of runs that nobody owns. Each change of owner raises the epoch."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from .. import signals
from ..models import Job, Run, lock_objects
from ..models.vendors import locked, vendor_of
from ..policies import Decision
from ..states import Reason, RunStatus, Trigger
from .clocks import lock_at_hand
from .consequences import follow
from .create import activity, still_inside
from .facts import Finished
from .giving_way import is_marked
from .orders import decide_about
from .room import Room

__all__ = ["claim_waiting", "skip_unclaimable", "take_dispatched", "waiting_runs"]

NOBODY = uuid.UUID(int=0)

_NEEDED = (
    "id", "job_id", "job_name", "function", "key", "number", "attempt", "trigger", "status",
    "reason", "missed", "scheduled_for", "due_at", "expires_at", "started_at",
    "stop_requested_at", "pause_requested_at", "process", "epoch", "executor", "queue",
    "priority", "args", "kwargs", "metadata", "policy",
)  # fmt: skip
"""What a run is dispatched with."""

_BATCH = 200


def waiting_runs(using: str, executors: Sequence[str], mine: Q) -> QuerySet[Run]:
    """Return the runs that wait to be claimed by a process with these executors.

    ``mine`` narrows them to functions and queues the process carries out. Another attempt at an
    occurrence waits until the function of the one before has really returned.
    """
    before = Run.objects.using(using).filter(
        still_inside(using), job=OuterRef("job"), key=OuterRef("key")
    )
    return Run.objects.using(using).filter(
        mine,
        ~Q(trigger=Trigger.RETRY.value) | ~Exists(before),
        status=RunStatus.QUEUED.value,
        process__isnull=True,
        due_at__isnull=False,
        executor__in=executors,
    )


def claim_waiting(
    process: uuid.UUID,
    room: Room,
    mine: Q,
    *,
    now: datetime,
    until: datetime,
    using: str,
) -> list[tuple[Run, datetime]]:
    """Take the waiting runs due by ``until``, as many as there is room for, oldest first.

    Returns each run, now owned by ``process``, with the instant it was due at. Instead, runs
    past their start deadline end as ``skipped``, reason ``expired``, and runs whose stop was
    asked for while somebody else held them end as ``stopped``.
    """
    taken: list[tuple[Run, datetime]] = []
    for executor in list(room.slots):
        seen: list[uuid.UUID] = []
        passed = True
        while passed and room.slots[executor] > 0 and len(seen) < _BATCH:
            due = waiting_runs(using, [executor], mine & ~Q(queue__in=room.full()))
            first = due.filter(due_at__lte=until).exclude(pk__in=seen)
            # Ever more at once: what cannot begin now may be all that comes before what can.
            most = room.slots[executor] + len(seen)
            found = first.order_by("due_at", "priority", "pk")[:most]
            rows = lock_objects(found, _NEEDED, skip=True, using=using)
            seen += [run.pk for run in rows]
            passed = False
            for run in rows:
                begins = _may_begin(run, taken, now, using) and room.take(executor, run.queue)
                if begins:
                    taken.append(_take(run, process))
                passed |= not begins
    owned = [(run.pk, run.process, None, run.epoch) for run, _ in taken]
    vendor_of(using).update(Run, ("process", "due_at", "epoch"), owned)
    _know_jobs([run for run, _ in taken], using)
    return taken


def _may_begin(run: Run, taken: Sequence[tuple[Run, datetime]], now: datetime, using: str) -> bool:
    """Tell whether a locked run may be taken; else it ends here, or waits."""
    if run.stop_requested_at is not None:
        _end(run, RunStatus.STOPPED, run.reason or Reason.ASKED.value, now, using)
        return False
    if run.expires_at is not None and run.expires_at < now:
        _end(run, RunStatus.SKIPPED, Reason.EXPIRED.value, now, using)
        return False
    return not is_marked(run) or _has_room(run, [one for one, _ in taken], using)


def _has_room(run: Run, taken: Sequence[Run], using: str) -> bool:
    """Tell whether a retry that was in nobody's way may begin; else it waits like any other.

    A job that somebody holds is not waited for; the run stays for the next claim.
    """
    assert run.job_id is not None
    clocks, _ = lock_at_hand([run.job_id], using)
    if run.job_id not in clocks:
        return False
    counted = activity([run.job_id], using)[run.job_id]
    counted.active += sum(one.job_id == run.job_id for one in taken)
    if decide_about(Job.objects.using(using).get(pk=run.job_id), counted) is Decision.RUN:
        run.reason = Reason.NONE.value
    else:
        run.due_at, run.reason = None, Reason.WAITING.value
    run.save(using=using, update_fields=["due_at", "reason"])
    return run.due_at is not None


def _take(run: Run, process: uuid.UUID) -> tuple[Run, datetime]:
    due = run.due_at
    assert due is not None
    run.process, run.due_at = process, None
    run.epoch += 1
    return run, due


def _know_jobs(runs: Sequence[Run], using: str) -> None:
    """Give the runs their jobs, read at once, with no more than runs are dispatched with."""
    wanted = Job.objects.using(using).only("last_finished_at", "last_success_at")
    jobs = wanted.in_bulk({run.job_id for run in runs if run.job_id}) if runs else {}
    for run in runs:
        run.job = jobs.get(run.job_id or 0)


def _end(run: Run, status: RunStatus, reason: str, now: datetime, using: str) -> None:
    """End a run that never begins, with what follows from that.

    Its row is locked already, and elsewhere clocks are locked before runs: a job that somebody
    holds is not waited for; the run stays for the next claim.
    """
    clocks, held = lock_at_hand([run.job_id] if run.job_id else [], using)
    if held:
        return
    clock = clocks.get(run.job_id or 0)
    run.status, run.reason = status.value, reason
    run.finished_at, run.left_at, run.due_at = now, now, None
    run.save(using=using, update_fields=["status", "reason", "finished_at", "left_at", "due_at"])
    follow(run, Finished(run.pk, run.job_id, NOBODY, 0, status, at=now), clock, now, using)
    kind = signals.run_stopped if status is RunStatus.STOPPED else signals.run_skipped
    signals.announce(signals.run_finished, using=using, sender=Run, run=run)
    signals.announce(kind, using=using, sender=Run, run=run)


def skip_unclaimable(
    functions: Sequence[str],
    executors: Sequence[str],
    *,
    due_before: datetime,
    now: datetime,
    using: str,
) -> int:
    """End as ``skipped``, reason ``unregistered``, what nobody claimed; return how many.

    A run may wait for a function or an executor that this process does not have: another
    process may. One that has waited since before ``due_before`` waits for none, and would keep
    its job from ever running again.
    """
    mine = Q(function__in=list(functions), executor__in=list(executors))
    waiting = Run.objects.using(using).filter(
        ~mine, status=RunStatus.QUEUED.value, process__isnull=True, due_at__lt=due_before
    )
    stranded = list(locked(waiting.order_by("pk")[:_BATCH], skip=True))
    for run in stranded:
        _end(run, RunStatus.SKIPPED, Reason.UNREGISTERED.value, now, using)
    return len(stranded)


def take_dispatched(
    run_id: uuid.UUID, process: uuid.UUID, *, now: datetime, using: str
) -> Run | None:
    """Make ``process`` the owner of a run that a broker delivered, and mark it running.

    Returns None, and changes nothing, when the run is not waiting for a worker any more: it was
    received before, is over or past its start deadline, or its stop was asked for. One
    conditional UPDATE decides.
    """
    waiting = Run.objects.using(using).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gte=now),
        pk=run_id,
        status__in=[RunStatus.QUEUED.value, RunStatus.DISPATCHED.value],
        stop_requested_at__isnull=True,
    )
    changed = waiting.update(
        status=RunStatus.RUNNING.value,
        process=process,
        epoch=F("epoch") + 1,
        due_at=None,
        started_at=now,
        reason="",
    )
    if not changed:
        return None
    run = Run.objects.using(using).select_related("job").get(pk=run_id)
    # When a retry was due is not on record any more; it counts from when it was handed out.
    retried = run.trigger == Trigger.RETRY
    due = (run.dispatched_at or now) if retried else run.scheduled_for
    run.lateness = max(now - due, timedelta(0))
    run.save(using=using, update_fields=["lateness"])
    signals.announce(signals.run_started, using=using, sender=Run, run=run)
    return run
