"""Somebody who looks at the rows all the time, and remembers the final ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django_scheduler.models import Run, uuid7
from django_scheduler.states import FINAL

from . import database

RECENT = timedelta(seconds=15)
_FINAL = [status.value for status in FINAL]
_WATCHED = (
    "status", "reason", "key", "number", "attempt", "trigger", "missed", "scheduled_for",
    "started_at", "finished_at", "duration", "result", "error", "process", "epoch",
)  # fmt: skip


class Sampler:
    """What was seen of final rows, and what of it was seen to change."""

    def __init__(self) -> None:
        self._seen: dict[Any, tuple[Any, ...]] = {}
        self.changed: list[str] = []
        self.looks = 0

    @property
    def count(self) -> int:
        """How many final rows were seen."""
        return len(self._seen)

    def look(self, *, at_all: bool = False) -> None:
        """Look at the newest rows, or at all of them."""
        rows = Run.objects.filter(status__in=_FINAL)
        if not at_all:
            rows = rows.filter(pk__gte=uuid7(database.instant() - RECENT))
        self.compare(list(rows.order_by().values_list("pk", *_WATCHED)), is_all=at_all)

    def compare(self, rows: list[tuple[Any, ...]], *, is_all: bool) -> None:
        """Compare final rows with what was seen of them; with all of them, none may be missing."""
        self.looks += 1
        for run_id, *values in rows:
            before = self._seen.setdefault(run_id, tuple(values))
            if before != tuple(values):
                self.changed.append(f"{run_id}: {_difference(before, values)}")
                self._seen[run_id] = tuple(values)
        if is_all:
            for run_id in set(self._seen) - {row[0] for row in rows}:
                self.changed.append(f"{run_id} was final and is no more: {self._seen.pop(run_id)}")


def _difference(before: tuple[Any, ...], after: list[Any]) -> str:
    return ", ".join(
        f"{name} {old!r} became {new!r}"
        for name, old, new in zip(_WATCHED, before, after, strict=True)
        if old != new
    )
