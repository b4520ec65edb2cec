"""Orders to hold a run that goes on, and to let it go on."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from ..exceptions import InvalidRunState
from ..models import Run
from ..models.vendors import locked
from ..states import FINAL, Reason, RunStatus

__all__ = ["request_pause", "request_resume", "take_pause_back"]

_INSTEAD = {
    RunStatus.QUEUED: "it has not begun: stop it, or pause its job",
    RunStatus.DISPATCHED: "it has not begun: stop it, or pause its job",
    RunStatus.PAUSED: "it holds already",
    **dict.fromkeys(FINAL, "it is over"),
}


def request_pause(run_id: uuid.UUID, *, now: datetime, using: str) -> Run:
    """Order the run to hold at its next checkpoint and return it.

    Its owner carries the order out, or takes it back. Asking twice changes nothing. A run that
    still holds, though it was let go on, goes on holding.

    Raises:
        InvalidRunState: the run is not running, or is to stop.
    """
    run = _locked(run_id, using)
    instead = _INSTEAD.get(RunStatus(run.status))
    let_go_on = run.status == RunStatus.PAUSED and run.pause_requested_at is None
    if instead is not None and not let_go_on:
        raise InvalidRunState(
            f"The run is {run.status}, and only a running one can be paused: {instead}.",
            field="run",
        )
    if run.stop_requested_at is not None:
        raise InvalidRunState("The run was asked to stop, it cannot be paused.", field="run")
    if run.pause_requested_at is None:
        run.pause_requested_at = now
        run.save(using=using, update_fields=["pause_requested_at"])
    return run


def request_resume(run_id: uuid.UUID, *, using: str) -> Run:
    """Take the order to pause back and return the run: if it holds, its owner lets it go on.

    Raises:
        InvalidRunState: the run is neither paused nor asked to pause, or it is to stop.
    """
    run = _locked(run_id, using)
    if run.is_final or run.stop_requested_at is not None:
        state = run.status if run.is_final else "asked to stop"
        raise InvalidRunState(f"The run is {state}, it cannot go on.", field="run")
    if run.pause_requested_at is None and run.status != RunStatus.PAUSED:
        raise InvalidRunState(
            f"The run is {run.status}, it neither is paused nor was asked to pause.", field="run"
        )
    if run.pause_requested_at is not None:
        run.pause_requested_at = None
        run.save(using=using, update_fields=["pause_requested_at"])
    return run


def _locked(run_id: uuid.UUID, using: str) -> Run:
    return locked(Run.objects.using(using).filter(pk=run_id)).get()


def take_pause_back(run_id: uuid.UUID, process: uuid.UUID, epoch: int, *, using: str) -> bool:
    """Withdraw an order to pause that the function did not heed, and say so in the row.

    Returns False if there was nothing to withdraw: it has been heeded after all, or somebody
    else withdrew it.
    """
    running: QuerySet[Run] = Run.objects.using(using).filter(
        pk=run_id,
        process=process,
        epoch=epoch,
        status=RunStatus.RUNNING.value,
        pause_requested_at__isnull=False,
        stop_requested_at__isnull=True,
    )
    return bool(running.update(pause_requested_at=None, reason=Reason.PAUSE_NOT_SEEN.value))
