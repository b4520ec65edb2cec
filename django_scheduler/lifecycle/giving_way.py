"""Retries that wait and are not in the way of their job's next occurrence.

``on_next_occurrence`` of the retry policy says which: one that ``gives_way`` ends when the next
occurrence is there, an ``independent`` one waits beside it. Call everything here with the job's
clock locked.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from .. import signals
from ..models import Run
from ..models.vendors import locked
from ..policies import Retry
from ..states import Reason, RunStatus, Trigger
from .counters import count_all

__all__ = ["is_marked", "mark_of", "not_in_the_way", "supersede", "that_give_way"]

_MARKS = {"supersede": Reason.GIVES_WAY.value, "independent": Reason.INDEPENDENT.value}
"""What a waiting retry is marked with by what its policy says; unmarked, it is in the way."""

_ENDED = ["status", "reason", "finished_at", "left_at", "due_at"]


def mark_of(retry: Retry | None) -> str:
    """Return the mark of a retry that waits by this policy."""
    return _MARKS.get(retry.on_next_occurrence, "") if retry is not None else ""


def is_marked(run: Run) -> bool:
    """Tell whether the run is a retry that was not in the way while it waited."""
    return run.trigger == Trigger.RETRY and run.reason in _MARKS.values()


def _waiting(*marks: str) -> Q:
    return Q(
        status=RunStatus.QUEUED.value,
        process__isnull=True,
        trigger=Trigger.RETRY.value,
        reason__in=marks,
    )


def not_in_the_way() -> Q:
    """Match the retries that wait and do not count as active."""
    return _waiting(*_MARKS.values())


def that_give_way() -> Q:
    """Match the retries that end when their job's next occurrence is there."""
    return _waiting(Reason.GIVES_WAY.value)


def supersede(job_id: int, now: datetime, using: str) -> int:
    """End the job's retries that give way, and return how many: an occurrence takes their place.

    With them their chains end, as failed as the attempt before each of them.
    """
    rows = Run.objects.using(using).filter(that_give_way(), job_id=job_id)
    ended = list(locked(rows.order_by("pk")))
    for run in ended:
        run.status, run.reason = RunStatus.SKIPPED.value, Reason.SUPERSEDED.value
        run.finished_at = run.left_at = now
        run.due_at = None
        run.save(using=using, update_fields=_ENDED)
        for kind in (signals.run_finished, signals.run_skipped):
            signals.announce(kind, using=using, sender=Run, run=run)
    count_all(ended, using, gave_up=True)
    return len(ended)
