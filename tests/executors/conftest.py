"""A job whose runs go to Celery, and the worker's side within the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_scheduler import jobs, registry
from django_scheduler.executors.celery import worker
from django_scheduler.models import Job
from django_scheduler.registry import Definition
from tests.executors.celery_app import PATH

SHORT = {
    "LEASE": 1.5,
    "HEARTBEAT_INTERVAL": 0.3,
    "MONITOR_INTERVAL": 0.1,
    "POLL_INTERVAL": 0.1,
    "RECONCILE_INTERVAL": 0.3,
}
"""Settings under which a dead process is found out within two seconds."""

EXECUTORS = {
    "celery": {
        "BACKEND": "django_scheduler.executors.celery.CeleryExecutor",
        "OPTIONS": {"app": f"{PATH}.app"},
    }
}


class Calls:
    """A registered function that keeps its contexts and does what it is told."""

    def __init__(self) -> None:
        self.contexts: list[Any] = []
        self.behaviour: Any = None

    def __call__(self, context: Any) -> Any:
        """Note the call."""
        self.contexts.append(context)
        return self.behaviour() if self.behaviour is not None else "called"


@pytest.fixture
def calls() -> Iterator[Calls]:
    """The function registered as `remote`."""
    made = Calls()

    def remote(context: Any) -> Any:
        return made(context)

    registry.register(Definition("remote", remote, takes_context=True))
    yield made
    registry.unregister("remote")


@pytest.fixture
def celery_settings(settings: Any) -> None:
    """Short leases, and an executor called `celery`."""
    settings.DJANGO_SCHEDULER = {**SHORT, "EXECUTORS": EXECUTORS}


@pytest.fixture
def remote_job(celery_settings: None, calls: Calls, db: None) -> Job:
    """A job without a schedule whose runs go to Celery."""
    return jobs.add("remote", function="remote", executor="celery")


@pytest.fixture
def worker_side(transactional_db: None) -> Iterator[None]:
    """Leave the worker's side as a worker does when it ends."""
    yield
    worker.close()
