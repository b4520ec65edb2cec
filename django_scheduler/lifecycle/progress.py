"""What running runs report in between, and what they are to be told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..models import Run
from ..states import BEGUN

__all__ = ["Order", "orders_for", "record_progress"]


@dataclass(frozen=True)
class Order:
    """What the database holds against a run of this process."""

    gone: bool = False
    stop_reason: str | None = None


def record_progress(
    run_id: uuid.UUID, process: uuid.UUID, epoch: int, fields: Mapping[str, Any], *, using: str
) -> bool:
    """Store progress and data of a run that ``process`` still owns; return whether it does."""
    mine = Run.objects.using(using).filter(
        pk=run_id, process=process, epoch=epoch, status__in=[status.value for status in BEGUN]
    )
    return bool(mine.update(**fields))


def orders_for(
    runs: Mapping[uuid.UUID, int], process: uuid.UUID, *, using: str
) -> dict[uuid.UUID, Order]:
    """Return the orders that stand against the given (run id, epoch) of ``process``.

    A run that somebody else owns, ended or took is ``gone``.
    """
    rows = Run.objects.using(using).filter(pk__in=list(runs))
    found: dict[uuid.UUID, Order] = {}
    seen = set()
    for run in rows.only("process", "epoch", "status", "stop_requested_at", "reason"):
        seen.add(run.pk)
        if run.is_final or run.process != process or run.epoch != runs[run.pk]:
            found[run.pk] = Order(gone=True)
        elif run.stop_requested_at is not None:
            found[run.pk] = Order(stop_reason=run.reason)
    found.update({run_id: Order(gone=True) for run_id in runs if run_id not in seen})
    return found


def progress_fields(
    completed: int, total: int | None, message: str, at: datetime
) -> dict[str, Any]:
    """Return the columns that hold a progress report made at ``at``."""
    return {"completed": completed, "total": total, "message": message, "progress_at": at}
