"""What becomes of runs whose process is dead, or whose message was never received.

A sweep, not an event: it looks for open runs without a living owner, so that what a frozen
process wrote late is found as well, by whoever comes next.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Greatest

from ..models import Process, Run
from ..states import ALIVE, BEGUN, OPEN, Reason, RunStatus
from .apply import apply
from .facts import Finished

__all__ = ["free_unknown", "orphans", "redispatch_unreceived", "take_over_orphans"]

_BATCH = 200


def take_over_orphans(*, now: datetime, using: str) -> int:
    """Free or give up the open runs whose process is not alive; return how many.

    What had not begun waits again and burns no attempt. What had begun is ``lost``, and
    ``on_lost`` decides whether another attempt follows.
    """
    found = orphans(using)
    return _free(found, now, using) if found.exists() else 0


def orphans(using: str) -> QuerySet[Run]:
    """Return the open runs that somebody owns who is not alive."""
    alive = Process.objects.using(using).filter(state__in=ALIVE, id=OuterRef("process"))
    owned = Run.objects.using(using).filter(
        process__isnull=False, status__in=[status.value for status in OPEN]
    )
    return owned.exclude(Exists(alive))


def free_unknown(
    process: uuid.UUID, held: Collection[uuid.UUID], *, now: datetime, using: str
) -> int:
    """Free or give up what the database says ``process`` owns and it does not know of.

    The answer to a commit can be lost: then rows were written that their writer never heard of.
    """
    mine = Run.objects.using(using).filter(process=process)
    opened = mine.filter(status__in=[s.value for s in OPEN])
    unknown = [run_id for run_id in opened.values_list("pk", flat=True) if run_id not in held]
    return _free(mine.filter(pk__in=unknown), now, using) if unknown else 0


def _free(runs: QuerySet[Run], now: datetime, using: str) -> int:
    not_begun = [RunStatus.QUEUED.value, RunStatus.DISPATCHED.value]
    # The begun ones first: their clocks must be locked before any run is.
    begun = runs.filter(status__in=[s.value for s in BEGUN]).order_by("pk")[:_BATCH]
    applied = apply([_lost(run, now) for run in begun], now=now, using=using, patient=False)
    waiting = runs.filter(status__in=not_begun)
    # It may have been called without a word of it: the next owner puts its start on record first.
    waiting.filter(stop_requested_at__isnull=True).update(reason=Reason.WORKER_LOST.value)
    freed = waiting.update(
        status=RunStatus.QUEUED.value,
        process=None,
        # It may have been claimed ahead of its time, and be free before that has come.
        due_at=Greatest(Value(now, DateTimeField()), F("scheduled_for")),
        epoch=F("epoch") + 1,
    )
    return freed + len(applied.won)


def _lost(run: Run, now: datetime) -> Finished:
    assert run.process is not None
    stopped = run.stop_requested_at is not None
    start = run.started_at
    return Finished(
        run_id=run.pk,
        job_id=run.job_id,
        process=run.process,
        epoch=run.epoch,
        status=RunStatus.STOPPED if stopped else RunStatus.LOST,
        reason=run.reason if stopped else Reason.WORKER_LOST.value,
        error="" if stopped else f"The process {run.process} that ran it died.",
        data=_as_dict(run.data),
        carried_state=run.carried_state,
        log=run.log,
        hook_errors=_as_dict(run.hook_errors),
        started_at=start,
        due_at=start,
        duration=max(now - start, timedelta(0)) if start else timedelta(0),
        at=now,
    )


def _as_dict(value: Any) -> dict[str, Any]:
    """Return the value if it is a dict: a row edited by hand may hold anything."""
    return value if isinstance(value, dict) else {}


def redispatch_unreceived(
    executor: str, older_than: timedelta, *, now: datetime, using: str
) -> int:
    """Let runs that were published long ago, and never received, be published again.

    Messages that are delivered after all are refused by the run's state. Runs that no worker may
    receive any more, their stop asked for or their start deadline over, wait no longer: whoever
    claims them next ends them. Returns how many.
    """
    unreceived = Run.objects.using(using).filter(
        Q(dispatched_at__lt=now - older_than)
        | Q(expires_at__lt=now)
        | Q(stop_requested_at__isnull=False),
        status=RunStatus.DISPATCHED.value,
        process__isnull=True,
        executor=executor,
    )
    return unreceived.update(status=RunStatus.QUEUED.value, due_at=now, epoch=F("epoch") + 1)
