"""Runs held by a living process, and what that process says of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from django_scheduler import lifecycle
from django_scheduler.lifecycle import Applied, Fact, Finished, Started
from django_scheduler.models import Job, Run
from django_scheduler.states import RunStatus
from tests.facades.fixed import NOW, SECOND, make_process, make_row

EPOCH = 3


def held(job: Job, status: str = "running", **values: Any) -> Run:
    """A run of the job in the hands of a living process; begun unless its status says not."""
    started = None if status in ("queued", "dispatched", "skipped") else NOW
    return make_row(
        job,
        status,
        **{
            "process": make_process().pk,
            "epoch": EPOCH,
            "started_at": started,
            "policy": {"on_lost": job.on_lost, "retry": job.retry},
            **values,
        },
    )


def owner(run: Run) -> dict[str, Any]:
    """By what a fact shows that its speaker holds the run."""
    assert run.process is not None
    return {
        "run_id": run.pk,
        "job_id": run.job_id,
        "process": run.process,
        "epoch": run.epoch,
    }


def finished(run: Run, status: str = "succeeded", **values: Any) -> Finished:
    """The word that the run has ended, a second after its start."""
    said = {"started_at": run.started_at or NOW, "due_at": NOW, "duration": SECOND, "at": NOW}
    return Finished(**{**owner(run), "status": RunStatus(status), **said, **values})


def started(run: Run, **values: Any) -> Started:
    """The word that the function of the run is about to be called."""
    return Started(**{**owner(run), "at": NOW + SECOND, "due_at": NOW, **values})


def tell(*facts: Fact, now: Any = NOW) -> Applied:
    """Apply the facts in a transaction of their own."""
    with transaction.atomic():
        return lifecycle.apply(facts, now=now, using="default")


def end(run: Run, status: str = "succeeded", *, now: Any = NOW, **values: Any) -> Run:
    """End the run, make sure that it was heard, and return it as stored."""
    fact = finished(run, status, **values)
    assert tell(fact, now=now).won == [fact]
    run.refresh_from_db()
    return run
