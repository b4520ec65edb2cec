"""A run as an executor receives it: frozen, complete, free of the database."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..lifecycle import Draft
from ..models import Run
from ..states import Reason

__all__ = ["Dispatch"]


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


@dataclass(frozen=True)
class Dispatch:
    """Everything needed to carry out one run, owned by ``process`` under ``epoch``."""

    run_id: uuid.UUID
    job_id: int | None
    job_name: str
    function: str
    key: str
    trigger: str
    attempt: int
    process: uuid.UUID
    epoch: int
    executor: str
    queue: str
    priority: int
    scheduled_for: datetime
    due_at: datetime
    missed: int = 0
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ""
    timeout: timedelta | None = None
    stall_timeout: timedelta | None = None
    on_lost: str = "retry"
    was_lost: bool = False
    pause_requested: bool = False
    expires_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_success_at: datetime | None = None

    @classmethod
    def of(cls, run: Run | Draft, due_at: datetime) -> Dispatch:
        """Return the dispatch of a run that somebody owns and that was due at ``due_at``."""
        assert run.process is not None
        policy = run.policy
        past = run if isinstance(run, Draft) else run.job
        return cls(
            run_id=run.id,
            job_id=run.job_id,
            job_name=run.job_name,
            function=run.function,
            key=run.key,
            trigger=str(run.trigger),
            attempt=run.attempt,
            process=run.process,
            epoch=run.epoch,
            executor=run.executor,
            queue=run.queue,
            priority=run.priority,
            scheduled_for=run.scheduled_for,
            due_at=due_at,
            missed=run.missed,
            args=tuple(run.args),
            kwargs=dict(run.kwargs),
            metadata=dict(run.metadata),
            schedule=policy.get("schedule", ""),
            timeout=_span(policy.get("timeout")),
            stall_timeout=_span(policy.get("stall_timeout")),
            on_lost=policy.get("on_lost", "retry"),
            was_lost=run.reason == Reason.WORKER_LOST,
            pause_requested=isinstance(run, Run) and run.pause_requested_at is not None,
            expires_at=run.expires_at,
            last_finished_at=past.last_finished_at if past else None,
            last_success_at=past.last_success_at if past else None,
        )

    @property
    def guard(self) -> dict[str, Any]:
        """The fields by which a fact about this run is told from a late one."""
        return {
            "run_id": self.run_id,
            "job_id": self.job_id,
            "process": self.process,
            "epoch": self.epoch,
        }

    @property
    def needs_committed_start(self) -> bool:
        """Whether the function may only be called once its start is on record.

        At most once: ``on_lost="fail"``. And a run whose process died, or that is tried again, must
        show that it was called, or a function that kills its process would be called for ever.
        """
        return self.on_lost == "fail" or self.was_lost or self.attempt > 1
