"""What running runs report in between, and what they are to be told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from .. import signals
from ..models import Run, lock_objects
from ..models.vendors import vendor_of
from ..states import BEGUN

__all__ = ["Order", "Reported", "orders_for", "progress_fields", "record_progress"]

_BATCH = 500
"""So many ids and rows go into one statement: SQLite takes no more than 999 parameters by default
in its older versions, and every server has a longest packet."""

_NEEDED = (
    "id", "job_id", "job_name", "function", "key", "number", "attempt", "trigger", "status",
    "scheduled_for", "started_at", "process", "epoch", "completed", "total", "message",
    "progress_at", "data",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What the database holds against a run of this process."""

    gone: bool = False
    stop_reason: str | None = None
    pause: bool = False

    @property
    def ends(self) -> bool:
        """Whether the run is not to go on."""
        return self.gone or self.stop_reason is not None


@dataclass(frozen=True)
class Reported:
    """What is new of one run: the columns to set, and which facts they are."""

    run_id: uuid.UUID
    epoch: int
    fields: Mapping[str, Any]
    progressed: bool = False
    saved: bool = False


def record_progress(
    reports: Sequence[Reported], process: uuid.UUID, *, using: str
) -> set[uuid.UUID]:
    """Store what runs report that ``process`` still owns, and return the ids of those.

    To be called in a transaction; all rows of which the same columns change take one statement. A
    row that somebody holds is left for the next time.
    """
    mine = Run.objects.using(using).filter(
        pk__in=[each.run_id for each in reports],
        process=process,
        status__in=[status.value for status in BEGUN],
    )
    runs = {run.pk: run for run in lock_objects(mine, _NEEDED, skip=True, using=using)}
    held = [each for each in reports if each.run_id in runs]
    held = [each for each in held if runs[each.run_id].epoch == each.epoch]
    alike: dict[tuple[str, ...], list[list[Any]]] = {}
    for each in held:
        columns = tuple(each.fields)
        if not columns:
            continue  # what it says is told at its end
        alike.setdefault(columns, []).append([each.run_id, *each.fields.values()])
    for columns, rows in alike.items():
        vendor_of(using).update(Run, columns, rows)
    for each in held:
        _tell(runs[each.run_id], each, using)
    return {each.run_id for each in held}


def _tell(run: Run, report: Reported, using: str) -> None:
    for name, value in report.fields.items():
        setattr(run, name, value)
    if report.progressed:
        signals.announce(signals.run_progressed, using=using, sender=Run, run=run)
    if report.saved:
        signals.announce(signals.run_data_saved, using=using, sender=Run, run=run)


def orders_for(
    runs: Mapping[uuid.UUID, int], process: uuid.UUID, *, using: str
) -> dict[uuid.UUID, Order]:
    """Return the orders for the given (run id, epoch) of ``process``: one for each of them.

    A run that somebody else owns, ended or took is ``gone``.
    """
    found: dict[uuid.UUID, Order] = {}
    for some in _in_batches(runs):
        rows = Run.objects.using(using).filter(pk__in=some)
        for run in rows.only(
            "process", "epoch", "status", "stop_requested_at", "pause_requested_at", "reason"
        ):
            found[run.pk] = _order(run, process, runs[run.pk])
    return {run_id: found.get(run_id, Order(gone=True)) for run_id in runs}


def _order(run: Run, process: uuid.UUID, epoch: int) -> Order:
    if run.is_final or run.process != process or run.epoch != epoch:
        return Order(gone=True)
    stop = run.reason if run.stop_requested_at is not None else None
    return Order(stop_reason=stop, pause=run.pause_requested_at is not None)


def _in_batches(runs: Mapping[uuid.UUID, int]) -> Iterator[list[uuid.UUID]]:
    ids = iter(runs)
    while some := list(islice(ids, _BATCH)):
        yield some


def progress_fields(
    completed: int, total: int | None, message: str, at: datetime
) -> dict[str, Any]:
    """Return the columns that hold a progress report made at ``at``."""
    return {"completed": completed, "total": total, "message": message, "progress_at": at}
