"""The one door through which a run's status changes."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.dispatch import Signal

from .. import signals
from ..models import Run, lock_objects
from ..models.vendors import vendor_of
from ..states import RunStatus
from .clocks import lock_at_hand, lock_clocks
from .consequences import follow_all
from .facts import Fact, Finished, GivenBack, Left, Paused, Resumed, Started

__all__ = ["Applied", "apply"]


_NEEDED = (
    "id", "job_id", "job_name", "function", "key", "number", "attempt", "trigger", "status",
    "reason", "scheduled_for", "due_at", "queued_at", "started_at", "finished_at", "left_at",
    "stop_requested_at", "pause_requested_at", "duration", "lateness", "process", "epoch", "policy",
)  # fmt: skip
"""What facts are judged by, and what nearly every receiver wants; the rest is read when asked."""


@dataclass
class Applied:
    """Which facts changed something, which came too late, and which must be said again."""

    won: list[Fact] = field(default_factory=list)
    lost: list[Fact] = field(default_factory=list)
    deferred: list[Fact] = field(default_factory=list)
    opened: bool = False
    """Whether something may have become due by it: a run given back, a retry, the next time."""


def apply(facts: Sequence[Fact], *, now: datetime, using: str, patient: bool = True) -> Applied:
    """Write down what the facts say, and what follows from them, and return who won.

    To be called in a transaction. The clocks of jobs whose runs end are locked first, then the
    runs, each in the order of ids: two writers cannot wait for each other in a circle.

    Args:
        patient: wait for jobs whose rows somebody holds; otherwise what ends a run of them, and
            what follows in the batch, is ``deferred`` and nothing of it is written.
    """
    ending = {f.job_id for f in facts if isinstance(f, (Finished, Left)) and f.job_id is not None}
    applied = Applied()
    if patient:
        clocks = lock_clocks(sorted(ending), using)
    else:
        clocks, held = lock_at_hand(sorted(ending), using)
        applied.deferred = [f for f in facts if f.job_id in held]
        facts = [f for f in facts if f.job_id not in held]
    rows = Run.objects.using(using).filter(pk__in={f.run_id for f in facts}).order_by("pk")
    runs = {run.pk: run for run in lock_objects(rows, _NEEDED, skip=False, using=using)}
    _write(facts, runs, applied, using)
    for fact in applied.won:
        _tell(runs[fact.run_id], fact, using)
    more = follow_all([(runs[f.run_id], f) for f in applied.won], clocks, now, using)
    applied.opened = more or any(isinstance(fact, GivenBack) for fact in applied.won)
    return applied


def _write(
    facts: Sequence[Fact], runs: Mapping[uuid.UUID, Run], applied: Applied, using: str
) -> None:
    """Sort the facts into those that hold and those too late, and store what the first change."""
    changed: dict[uuid.UUID, set[str]] = {}
    for fact in facts:
        run = runs.get(fact.run_id)
        if run is None or not (fact.holds(run) or fact.is_written(run)):
            applied.lost.append(fact)
            continue
        changes = fact.changes(run)
        for name, value in changes.items():
            setattr(run, name, value)
        changed.setdefault(run.pk, set()).update(changes)
        applied.won.append(fact)
    _store([(runs[pk], names) for pk, names in changed.items()], using)


def _store(changed: Iterable[tuple[Run, set[str]]], using: str) -> None:
    """Update the rows, those of which the same columns change in one statement."""
    alike: defaultdict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for run, names in changed:
        columns = tuple(sorted(names))
        alike[columns].append([run.pk, *(getattr(run, name) for name in columns)])
    for columns, rows in alike.items():
        vendor_of(using).update(Run, columns, rows)


_KINDS: dict[str, Signal] = {
    RunStatus.SUCCEEDED.value: signals.run_succeeded,
    RunStatus.FAILED.value: signals.run_failed,
    RunStatus.TIMED_OUT.value: signals.run_failed,
    RunStatus.INTERRUPTED.value: signals.run_failed,
    RunStatus.STOPPED.value: signals.run_stopped,
    RunStatus.SKIPPED.value: signals.run_skipped,
    RunStatus.LOST.value: signals.run_lost,
}


def _tell(run: Run, fact: Fact, using: str) -> None:
    for kind in _kinds(run, fact):
        signals.announce(kind, using=using, sender=Run, run=run)


def _kinds(run: Run, fact: Fact) -> tuple[Signal, ...]:
    if isinstance(fact, Finished):
        return signals.run_finished, _KINDS[run.status]
    if isinstance(fact, Resumed) and fact.to_end:
        return ()
    moved: dict[type[Fact], Signal] = {
        Started: signals.run_started,
        Paused: signals.run_paused,
        Resumed: signals.run_resumed,
    }
    return tuple(signal for kind, signal in moved.items() if isinstance(fact, kind))
