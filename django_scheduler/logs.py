"""Every log line about jobs and runs, as receivers of signals: one place for their wording."""

from __future__ import annotations

import logging
from typing import Any

from . import signals
from .models import Job, Run

__all__ = ["connect"]

logger = logging.getLogger("django_scheduler")


def connect() -> None:
    """Connect the log lines; calling it again changes nothing."""
    for signal, receiver in (
        (signals.run_started, _started),
        (signals.run_finished, _finished),
        (signals.run_retry_planned, _retry),
        (signals.job_broken, _broken),
        (signals.rescheduling_failed, _not_rescheduled),
        (signals.process_lost, _process_lost),
        (signals.scheduler_started, _scheduler_started),
        (signals.scheduler_stopped, _scheduler_stopped),
    ):
        signal.connect(receiver, dispatch_uid=f"django_scheduler.logs.{receiver.__name__}")
    signals.gate(signals.run_started, lambda _facts: logger.isEnabledFor(logging.INFO))
    signals.gate(signals.run_finished, lambda facts: logger.isEnabledFor(_level(facts["run"])))


def _about(run: Run) -> dict[str, Any]:
    return {
        "job": run.job_name,
        "run_id": str(run.pk),
        "scheduler_process": str(run.process) if run.process else None,
        "attempt": run.attempt,
    }


def _started(run: Run, **_kwargs: Any) -> None:
    logger.info("%s started (run %s)", run.job_name, run.pk, extra=_about(run))


def _level(run: Run) -> int:
    return logging.INFO if run.status in ("succeeded", "skipped") else logging.WARNING


def _finished(run: Run, **_kwargs: Any) -> None:
    seconds = run.duration.total_seconds() if run.duration is not None else 0.0
    about = {**_about(run), "status": run.status, "duration": seconds}
    why = f", {run.reason}" if run.reason else ""
    logger.log(
        _level(run),
        "%s %s%s after %.3f s (run %s)%s",
        run.job_name,
        run.status,
        why,
        seconds,
        run.pk,
        f": {run.error}" if run.error else "",
        extra=about,
    )


def _retry(run: Run, next_run: Run, **_kwargs: Any) -> None:
    logger.info(
        "%s will be tried again at %s (attempt %d)",
        run.job_name,
        next_run.due_at,
        next_run.attempt,
        extra=_about(next_run),
    )


def _broken(job: Job, error: str, **_kwargs: Any) -> None:
    logger.error("%s is broken and set aside: %s", job.name, error, extra={"job": job.name})


def _not_rescheduled(job: Job, error: str, **_kwargs: Any) -> None:
    logger.error("%s has no next run: %s", job.name, error, extra={"job": job.name})


def _process_lost(process: Any, **_kwargs: Any) -> None:
    logger.warning("The process %s is dead", process, extra={"scheduler_process": str(process.pk)})


def _scheduler_started(name: str, process: Any, **_kwargs: Any) -> None:
    logger.info("Scheduler %s is running", name, extra={"scheduler_process": str(process)})


def _scheduler_stopped(name: str, process: Any, **_kwargs: Any) -> None:
    logger.info("Scheduler %s has stopped", name, extra={"scheduler_process": str(process)})
