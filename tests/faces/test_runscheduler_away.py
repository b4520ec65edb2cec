"""`runscheduler` and a database that is away for a moment while it starts (P9, W2)."""

from __future__ import annotations

import io

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from django_scheduler import jobs
from django_scheduler.engine import Scheduler
from django_scheduler.management.commands import runscheduler

pytestmark = pytest.mark.django_db


@pytest.fixture
def command(monkeypatch):
    """The command, with the test's own connection left open."""
    monkeypatch.setattr(
        "django.db.backends.base.base.BaseDatabaseWrapper.close", lambda _self: None
    )
    return runscheduler.Command(stdout=io.StringIO(), stderr=io.StringIO(), no_color=True)


def _away(times: int):
    left = [None] * times

    def ask(_database: str) -> bool:
        if left:
            left.pop()
            raise OperationalError("connection refused")
        return True

    return ask


def test_a_start_waits_for_the_database_and_says_so_once(command, scheduler_clock):
    before = scheduler_clock.now()
    assert command._when_reached("default", _away(3)) is True
    assert command.stderr.getvalue().count("waiting for it: connection refused") == 1
    assert (scheduler_clock.now() - before).total_seconds() == 3 * runscheduler.AWAY_PAUSE


def test_a_start_does_not_wait_for_ever(command, scheduler_clock):
    with pytest.raises(CommandError, match="cannot be reached: connection refused"):
        command._when_reached("default", _away(10_000))
    assert scheduler_clock.monotonic() == pytest.approx(runscheduler.START_TIMEOUT, abs=1)


def test_hints_that_cannot_be_had_end_nothing(command, monkeypatch):
    """The database may go away between the start and the look for what a person forgot."""

    def gone(**_filters):
        raise OperationalError("server has gone away")

    asked = [1]  # told to stop at once
    for name in ("start", "wait_until_running", "stop"):
        monkeypatch.setattr(Scheduler, name, lambda *_args: None)
    monkeypatch.setattr(jobs, "all", gone)
    monkeypatch.setattr(command, "_on_signals", lambda: asked)
    command._until_stopped(Scheduler(), {"ready_file": None, "shutdown_grace": None})
    assert "The scheduler has stopped." in command.stdout.getvalue()
