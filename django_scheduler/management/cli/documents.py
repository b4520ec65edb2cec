"""Jobs and runs as JSON for programs. The keys are a promise: they are added to, never changed.

Instants are ISO 8601 in UTC, spans are seconds, what is not known is null.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ...models import Job, Run

__all__ = ["iso", "job_document", "run_document", "run_summary"]

_JOB = (
    "name", "function", "description", "schedule", "timezone", "args", "kwargs", "metadata",
    "executor", "queue", "priority", "timeout", "stall_timeout", "retry", "pause_after_failures",
    "on_lost", "overlap", "max_running", "buffer_limit", "catch_up", "catch_up_window",
    "catch_up_limit", "misfire_grace", "start_deadline", "start_at", "end_at", "max_runs",
    "run_on_start", "jitter", "state", "error", "paused_at", "paused_by", "pause_reason",
    "paused_until", "version", "declared_in_code", "created_at", "updated_at", "next_run_at",
    "last_started_at", "last_finished_at", "last_success_at", "last_duration", "last_status",
    "success_count", "failure_count", "consecutive_failures",
)  # fmt: skip

_RUN = (
    "id", "job_name", "function", "key", "number", "attempt", "trigger", "status", "reason",
    "missed", "scheduled_for", "due_at", "queued_at", "started_at", "finished_at", "left_at",
    "stop_requested_at", "pause_requested_at", "duration", "lateness", "process", "executor",
    "queue", "args", "kwargs", "completed", "total", "message", "result", "error",
)  # fmt: skip

_RUN_DETAIL = ("metadata", "policy", "data", "traceback", "hook_errors", "log")


def iso(instant: datetime) -> str:
    """Return the instant as ISO 8601 in UTC, ending in ``Z``."""
    return instant.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    return str(value)


def job_document(job: Job) -> dict[str, Any]:
    """Return everything about a job, in its words and those of its schedule."""
    document = {name: _plain(getattr(job, name)) for name in _JOB}
    return {**document, "tags": sorted(tag.name for tag in job.tags.all())}


def run_summary(run: Run) -> dict[str, Any]:
    """Return what is shown of a run among others."""
    return {name: _plain(getattr(run, name)) for name in _RUN}


def run_document(run: Run) -> dict[str, Any]:
    """Return everything about a run."""
    return {**run_summary(run), **{name: _plain(getattr(run, name)) for name in _RUN_DETAIL}}
