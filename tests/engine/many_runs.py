"""Many runs that go on in one process, without a thread for any of them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import jobs
from django_scheduler.context import Facts, RunContext
from django_scheduler.models import Job, Run, uuid7
from django_scheduler.runner import Dispatch
from tests.facades.fixed import NOW

EPOCH = 1


class Room:
    """The process, whose heartbeat a test makes beat."""

    def __init__(self, manual_scheduler: Any) -> None:
        self.session = manual_scheduler.scheduler.session
        self.clock = manual_scheduler.clock
        self.job: Job = jobs.add("many", function="recorder", overlap="allow")

    def enter(self, count: int = 1) -> list[RunContext]:
        """Let so many runs go on here, and return their contexts."""
        made = [self._row() for _ in range(count)]
        Run.objects.bulk_create(made)
        return [self._context(run) for run in made]

    def _row(self) -> Run:
        return Run(
            id=uuid7(NOW),
            job=self.job,
            job_name="many",
            function="recorder",
            key=f"m:{uuid.uuid4()}",
            trigger="manual",
            status="running",
            scheduled_for=NOW,
            queued_at=NOW,
            started_at=NOW,
            executor="default",
            process=self.session.membership.id,
            epoch=EPOCH,
        )

    def _context(self, run: Run) -> RunContext:
        dispatch = Dispatch.of(run, NOW)
        context = RunContext(_facts(dispatch), lambda: None)
        self.session.watch.enter(dispatch, context, NOW)
        return context

    def beat(self) -> list[str]:
        """Let the heartbeat do what it does each interval; return its statements."""
        with CaptureQueriesContext(connection) as statements:
            self.session.heartbeat.step()
        return [each["sql"] for each in statements]


def _facts(dispatch: Dispatch) -> Facts:
    return Facts(
        "many", str(dispatch.run_id), dispatch.key, "manual", 1, (), {}, {}, "", NOW, started_at=NOW
    )


@pytest.fixture
def room(manual_scheduler: Any, recorder: Any) -> Room:
    manual_scheduler.run_due()
    return Room(manual_scheduler)
