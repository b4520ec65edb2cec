"""Runs on their way into the database: a snapshot made once a job, and what differs each time.

A claim makes hundreds of runs in one statement. Each of them as a model object would cost more
than everything else about it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from ..models import Job, Run
from ..models.vendors import JSONText, json_text, vendor_of
from ..signals import announce_made, run_queued, run_skipped
from ..states import FINAL, RunStatus, Trigger

__all__ = ["Draft", "Template", "insert_drafts", "snapshot_of"]

_SNAPSHOT = (
    "job_id", "job_name", "function", "args", "kwargs", "metadata", "executor", "queue",
    "priority", "policy",
)  # fmt: skip
_OWN = (
    "key", "scheduled_for", "trigger", "status", "reason", "missed", "queued_at", "expires_at",
    "due_at", "finished_at", "process", "epoch",
)  # fmt: skip
_JSON = frozenset({"args", "kwargs", "metadata", "policy"})
_HANDED_OUT = _JSON - {"policy"}
"""What functions get into their hands, and may change."""


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _policy(job: Job) -> dict[str, Any]:
    return {
        "schedule": job.schedule,
        "timezone": job.timezone,
        "timeout": _seconds(job.timeout),
        "stall_timeout": _seconds(job.stall_timeout),
        "retry": job.retry,
        "pause_after_failures": job.pause_after_failures,
        "on_lost": job.on_lost,
        "overlap": job.overlap,
    }


def snapshot_of(job: Job) -> dict[str, Any]:
    """Return the columns a run copies from its job, which later edits of the job do not reach."""
    return {
        "job_id": job.pk,
        "job_name": job.name,
        "function": job.function,
        "args": job.args,
        "kwargs": job.kwargs,
        "metadata": job.metadata,
        "executor": job.executor,
        "queue": job.queue,
        "priority": job.priority,
        "policy": _policy(job),
    }


class Template:
    """A job as its runs remember it."""

    def __init__(self, job: Job) -> None:
        self.snapshot = snapshot_of(job)
        self.start_deadline = job.start_deadline
        self.stored = [
            JSONText(json_text(value)) if name in _JSON else value
            for name, value in self.snapshot.items()
        ]


@dataclass(slots=True, eq=False)
class Draft:
    """One run that is about to be stored. The fields are the columns of the same names."""

    template: Template
    id: uuid.UUID
    key: str
    scheduled_for: datetime
    trigger: Trigger
    queued_at: datetime
    status: RunStatus = RunStatus.QUEUED
    reason: str = ""
    missed: int = 0
    expires_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    process: uuid.UUID | None = None
    epoch: int = 0
    last_finished_at: datetime | None = None
    last_success_at: datetime | None = None

    attempt: ClassVar[int] = 1

    def __getattr__(self, name: str) -> Any:
        """Return what the run copies from its job, such as ``executor``.

        What a function may get to see is never shared between runs.
        """
        try:
            value = self.template.snapshot[name]
        except KeyError:
            raise AttributeError(name) from None
        return deepcopy(value) if value and name in _HANDED_OUT else value

    def expire(self) -> None:
        """Set the start deadline the job asks for."""
        deadline = self.template.start_deadline
        if deadline is not None:
            self.expires_at = max(self.scheduled_for, self.queued_at) + deadline

    @property
    def is_final(self) -> bool:
        """Whether the run never begins."""
        return self.status in FINAL

    def columns(self) -> dict[str, Any]:
        """Return the values of all columns that are not the defaults."""
        own = {name: getattr(self, name) for name in ("id", *_OWN)}
        return {**deepcopy(self.template.snapshot), **own, "status": self.status.value}

    def as_run(self) -> Run:
        """Return the run as an object of the model."""
        run = Run(**self.columns())
        run._state.adding = False
        return run


def insert_drafts(drafts: Sequence[Draft], using: str) -> set[uuid.UUID]:
    """Store the runs, say so, and return the ids of those that were really inserted.

    The unique (job, key, number) lets one row of an occurrence in; who comes second finds its
    id missing here and has nothing to dispatch.
    """
    names = ("id", *_SNAPSHOT, *_OWN)
    rows = [
        (
            d.id, *d.template.stored,
            d.key, d.scheduled_for, d.trigger.value, d.status.value, d.reason, d.missed,
            d.queued_at, d.expires_at, d.due_at, d.finished_at, d.process, d.epoch,
        )
        for d in drafts
    ]  # fmt: skip
    inserted: set[uuid.UUID] = vendor_of(using).insert(Run, names, rows)
    for draft in drafts:
        if draft.id in inserted:
            kind = run_skipped if draft.is_final else run_queued
            announce_made(kind, partial(_facts, draft), using=using, sender=Run)
    return inserted


def _facts(draft: Draft) -> dict[str, Any]:
    return {"run": draft.as_run()}
