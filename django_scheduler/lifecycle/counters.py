"""The job's counters, brought up to date with the runs that ended, many jobs in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..models import Job, Run
from ..models.vendors import vendor_of
from ..states import RunStatus, Trigger

__all__ = ["FAILURES", "count_all"]

FAILURES = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED, RunStatus.LOST})

_ADDED = ("success_count", "failure_count", "retries_used", "consecutive_failures")


@dataclass
class _Tally:
    """What the ended runs of one job change in its row; unset is left as it is."""

    added: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ADDED, 0))
    last: dict[str, str | datetime | timedelta | None] = field(default_factory=dict)
    succeeded: bool = False

    def take(self, run: Run, *, retried: bool, gave_up: bool = False) -> None:
        """Count one run. A chain of attempts counts once, when its last one ends."""
        self.last |= {"last_status": run.status, "last_finished_at": run.finished_at}
        if run.started_at:
            self.last |= {"last_started_at": run.started_at, "last_duration": run.duration}
        if run.status == RunStatus.SUCCEEDED:
            self.succeeded = True
            self.added["success_count"] += 1
            self.added["consecutive_failures"] = 0
            self.last["last_success_at"] = run.finished_at
        elif gave_up or (run.status in FAILURES and not retried):
            self.added["failure_count"] += 1
            self.added["consecutive_failures"] += 1
        if run.trigger == Trigger.RETRY and run.started_at:
            self.added["retries_used"] += 1

    def changes(self) -> dict[str, Any]:
        """Return what to add, and what to set, by column; a success ends a series of failures."""
        added = {name: number for name, number in self.added.items() if number}
        if self.succeeded:
            added["consecutive_failures"] = self.added["consecutive_failures"]
        return {**self.last, **added}


def count_all(
    runs: Iterable[Run], using: str, *, retried: bool = False, gave_up: bool = False
) -> None:
    """Bring the jobs' counters up to date with runs that ended, given in the order they did.

    Args:
        retried: another attempt follows, so that the failure does not count yet.
        gave_up: they were attempts that never began; the failures before them stand.
    """
    tallies: dict[int, _Tally] = {}
    for run in runs:
        if run.job_id is not None:
            tallies.setdefault(run.job_id, _Tally()).take(run, retried=retried, gave_up=gave_up)
    alike: dict[tuple[bool, tuple[str, ...]], list[list[Any]]] = {}
    for job_id, tally in sorted(tallies.items()):
        changes = tally.changes()
        shape = (tally.succeeded, tuple(changes))
        alike.setdefault(shape, []).append([job_id, *changes.values()])
    for (succeeded, names), rows in alike.items():
        added = set(names) & set(_ADDED) - ({"consecutive_failures"} if succeeded else set())
        vendor_of(using).update(Job, names, rows, added=added)
