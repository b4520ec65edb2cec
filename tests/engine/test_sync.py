"""What the code declares becomes rows, and what people edit stays (J3, J12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import job as declare
from django_scheduler import jobs, registry
from django_scheduler.engine import sync as engine_sync
from django_scheduler.engine.sync import overrides, sync
from django_scheduler.models import Job

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def declared(scheduler_clock: Any, db: None) -> Iterator[Any]:
    """Declare the job `report` as a module would, and carry it into its row."""

    def report(region: str = "all") -> None:
        """Do nothing."""

    def declared(**options: Any) -> Any:
        declare("report", **options)(report)
        return sync("default", scheduler_clock)

    yield declared
    if registry.is_registered("report"):
        registry.unregister("report")


def test_a_declared_job_becomes_a_row(declared):
    result = declared(schedule="@every 1h", tags=["sales"], timeout=90)
    row = jobs.get("report")
    assert result.added == ["report"]
    assert (row.function, row.schedule, row.timeout) == ("report", "@every 1h", timedelta(0, 90))
    assert row.next_run_at == START + timedelta(hours=1)
    assert [tag.name for tag in row.tags.all()] == ["sales"]
    assert row.declared_in_code


def test_a_job_is_no_older_than_the_turn_its_process_waited_for(
    declared, scheduler_clock, monkeypatch
):
    """Another process syncs for 90 seconds: what came due meanwhile was never missed."""
    take_turn = engine_sync._take_turn

    def wait(using):
        scheduler_clock.advance(90)
        take_turn(using)

    monkeypatch.setattr(engine_sync, "_take_turn", wait)
    declared(schedule="@every 1m")
    row = jobs.get("report")
    waited = START + timedelta(seconds=90)
    assert (row.created_at, row.anchor) == (waited, waited)
    assert row.next_run_at == waited + timedelta(minutes=1)
    declared(schedule="@every 2m")
    assert jobs.get("report").updated_at == waited + timedelta(seconds=90)


def test_a_function_without_a_schedule_makes_no_row(declared):
    declared()
    assert not Job.objects.filter(name="report").exists()


def test_registering_again_moves_nothing(declared, scheduler_clock):
    declared(schedule="@every 1h")
    scheduler_clock.advance(600)
    result = declared(schedule="@every 1h")
    assert (result.added, result.changed) == ([], [])
    assert jobs.get("report").next_run_at == START + timedelta(hours=1)


def test_the_first_run_can_be_set_apart_from_the_schedule(declared):
    """J9"""
    declared(schedule="@every 1h", next_run_in=5)
    assert jobs.get("report").next_run_at == START + timedelta(seconds=5)


def test_a_changed_declaration_changes_its_field_alone(declared):
    declared(schedule="@every 1h", priority=1)
    result = declared(schedule="@every 1h", priority=2)
    row = jobs.get("report")
    assert (result.changed, row.priority) == (["report"], 2)
    assert row.next_run_at == START + timedelta(hours=1)


def test_an_edit_stays_when_the_code_changes(declared):
    declared(schedule="@every 1h", priority=1)
    jobs.update("report", schedule="@every 5m")
    declared(schedule="@every 2h", priority=7)
    row = jobs.get("report")
    assert (row.schedule, row.priority) == ("@every 5m", 7)
    assert overrides(row) == {"schedule": ("@every 2h", "@every 5m")}


def test_a_field_that_is_declared_no_more_goes_back_to_its_default(declared):
    declared(schedule="@every 1h", priority=4, timeout=30)
    jobs.update("report", timeout=99)
    declared(schedule="@every 1h")
    row = jobs.get("report")
    assert (row.priority, row.timeout) == (0, timedelta(seconds=99))


def test_a_field_declared_for_the_first_time_leaves_an_edit_alone(declared):
    declared(schedule="@every 1h")
    jobs.update("report", priority=3)
    declared(schedule="@every 1h", priority=8)
    row = jobs.get("report")
    assert row.priority == 3
    assert overrides(row) == {"priority": (8, 3)}


def test_a_declaration_that_vanished_sets_the_job_aside(declared):
    declared(schedule="@every 1h")
    result = declared()
    row = jobs.get("report")
    assert (result.set_aside, row.state) == (["report"], "broken")
    assert "vanished" in row.error
    assert row.next_run_at is None


def test_a_declaration_that_comes_back_brings_the_job_back(declared):
    declared(schedule="@every 1h")
    declared()
    declared(schedule="@every 1h")
    row = jobs.get("report")
    assert (row.state, row.error) == ("active", "")
    assert row.next_run_at == START + timedelta(hours=1)


def test_a_paused_job_stays_paused(declared):
    declared(schedule="@every 1h")
    jobs.pause("report")
    declared(schedule="@every 2h")
    row = jobs.get("report")
    assert (row.state, row.schedule, row.next_run_at) == ("paused", "@every 2h", None)


def test_a_declaration_that_does_not_suit_is_refused_alone(declared, caplog):
    def other() -> None:
        """Do nothing."""

    declare("other", schedule="@every 1h")(other)
    try:
        result = declared(schedule="@every 1h", executor="nowhere")
    finally:
        registry.unregister("other")
    assert list(result.refused) == ["report"]
    assert "nowhere" in result.refused["report"]
    assert "other" in result.added
    assert not Job.objects.filter(name="report").exists()


def test_a_job_added_by_hand_under_a_declared_name_keeps_its_values(declared):
    declared()
    jobs.add("report", schedule="@every 5m", priority=3)
    declared(schedule="@every 1h", priority=9)
    assert jobs.get("report").declared_in_code
