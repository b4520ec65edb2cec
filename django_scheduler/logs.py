"""Every log line about jobs and runs, as receivers of signals: one place for their wording.

A line about a run carries its job, its id and its process as ``extra``, whatever is formatted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from django.dispatch import Signal

from . import signals
from .models import Job, Run

__all__ = ["connect"]

logger = logging.getLogger("django_scheduler")


def connect() -> None:
    """Connect the log lines; calling it again changes nothing."""
    for signal, (receiver, level) in _lines().items():
        signal.connect(receiver, dispatch_uid=f"django_scheduler.logs.{receiver.__name__}")
        # A line that no handler wants is not worth a way through a queue.
        signals.gate(signal, partial(_is_wanted, level))


Level = Callable[[dict[str, Any]], int]


def _is_wanted(level: Level, facts: dict[str, Any]) -> bool:
    return logger.isEnabledFor(level(facts))


def _always(level: int) -> Level:
    return lambda _facts: level


def _lines() -> dict[Signal, tuple[Callable[..., None], Level]]:
    """Return the receiver of each signal that has a line, and the level of the line."""
    lines: dict[Signal, tuple[Callable[..., None], int]] = {
        signals.run_started: (_started, logging.INFO),
        signals.run_skipped: (_skipped, logging.INFO),
        signals.run_paused: (_held, logging.INFO),
        signals.run_resumed: (_let_go, logging.INFO),
        signals.run_retry_planned: (_retry, logging.INFO),
        signals.job_added: (_added, logging.INFO),
        signals.job_changed: (_changed, logging.INFO),
        signals.job_paused: (_paused, logging.INFO),
        signals.job_resumed: (_resumed, logging.INFO),
        signals.job_removed: (_removed, logging.INFO),
        signals.job_ended: (_ended, logging.INFO),
        signals.job_broken: (_broken, logging.ERROR),
        signals.rescheduling_failed: (_not_rescheduled, logging.ERROR),
        signals.process_lost: (_process_lost, logging.WARNING),
        signals.scheduler_started: (_scheduler_started, logging.INFO),
        signals.scheduler_stopped: (_scheduler_stopped, logging.INFO),
    }
    fixed = {signal: (receiver, _always(level)) for signal, (receiver, level) in lines.items()}
    return {**fixed, signals.run_finished: (_finished, lambda facts: _level(facts["run"]))}


def _about(run: Run) -> dict[str, Any]:
    return {
        "job": run.job_name,
        "run_id": str(run.pk),
        "scheduler_process": str(run.process) if run.process else None,
        "attempt": run.attempt,
    }


def _started(run: Run, **_kwargs: Any) -> None:
    logger.info("%s started (run %s)", run.job_name, run.pk, extra=_about(run))


def _held(run: Run, **_kwargs: Any) -> None:
    logger.info("%s is paused (run %s)", run.job_name, run.pk, extra=_about(run))


def _let_go(run: Run, **_kwargs: Any) -> None:
    logger.info("%s goes on (run %s)", run.job_name, run.pk, extra=_about(run))


def _level(run: Run) -> int:
    return logging.INFO if run.status in ("succeeded", "skipped") else logging.WARNING


def _finished(run: Run, **_kwargs: Any) -> None:
    if run.status == "skipped":
        return  # run_skipped follows, as it does for a record that is born so and never finishes
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


def _skipped(run: Run, **_kwargs: Any) -> None:
    about = {**_about(run), "status": run.status, "missed": run.missed}
    many = f", {run.missed} occurrences" if run.missed else ""
    why = f", {run.reason}" if run.reason else ""
    logger.info("%s skipped%s%s (run %s)", run.job_name, why, many, run.pk, extra=about)


def _retry(run: Run, next_run: Run, **_kwargs: Any) -> None:
    logger.info(
        "%s will be tried again at %s (attempt %d, run %s)",
        run.job_name,
        next_run.due_at,
        next_run.attempt,
        next_run.pk,
        extra={**_about(next_run), "retry_of": str(run.pk)},
    )


def _said(job: Job) -> dict[str, Any]:
    return {"job": job.name}


def _added(job: Job, **_kwargs: Any) -> None:
    logger.info("%s was added: %s", job.name, job.schedule, extra=_said(job))


def _changed(job: Job, **_kwargs: Any) -> None:
    logger.info("%s was changed", job.name, extra=_said(job))


def _paused(job: Job, **_kwargs: Any) -> None:
    why = f": {job.pause_reason}" if job.pause_reason else ""
    logger.info("%s was paused%s", job.name, why, extra=_said(job))


def _resumed(job: Job, **_kwargs: Any) -> None:
    logger.info("%s is planned again", job.name, extra=_said(job))


def _removed(job: Job, **_kwargs: Any) -> None:
    logger.info("%s was removed", job.name, extra=_said(job))


def _ended(job: Job, **_kwargs: Any) -> None:
    logger.info("%s has no occurrence left", job.name, extra=_said(job))


def _broken(job: Job, error: str, **_kwargs: Any) -> None:
    logger.error("%s is broken and set aside: %s", job.name, error, extra=_said(job))


def _not_rescheduled(job: Job, error: str, **_kwargs: Any) -> None:
    logger.error("%s has no next run: %s", job.name, error, extra=_said(job))


def _process_lost(process: Any, **_kwargs: Any) -> None:
    logger.warning("The process %s is dead", process, extra={"scheduler_process": str(process.pk)})


def _scheduler_started(name: str, process: Any, **_kwargs: Any) -> None:
    logger.info("Scheduler %s is running", name, extra={"scheduler_process": str(process)})


def _scheduler_stopped(name: str, process: Any, **_kwargs: Any) -> None:
    logger.info("Scheduler %s has stopped", name, extra={"scheduler_process": str(process)})
