"""Values at the ends of what types hold: a typed error that names the field, nothing written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import jobs, runs
from django_scheduler.exceptions import InvalidData, SchedulerError
from django_scheduler.models import Job

pytestmark = pytest.mark.django_db

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
NEST: list[Any] = []
for _ in range(40):
    NEST = [NEST]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", timedelta.max),
        ("catch_up_window", timedelta(days=3_650_000)),
        ("start_deadline", timedelta(days=3_650_000)),
        ("jitter", 10**12),
        ("next_run_in", timedelta.max),
        ("start_at", datetime.min.replace(tzinfo=timezone.utc)),
        ("end_at", datetime.max.replace(tzinfo=WEST)),
        ("schedule", "@at 0001-01-01T00:00:00+14:00"),
        ("schedule", "@at 9999-12-31T23:59:59-12:00"),
        ("schedule", "@every 1d from 0001-01-01T00:00:00+14:00"),
        ("timezone", None),
        ("args", ["\x00"]),
        ("args", ["\ud800"]),
        ("metadata", {"\x00": 1}),
        ("metadata", {"a": NEST}),
        ("description", "\ud800"),
        ("queue", "\ud800"),
        ("tags", ["\x00"]),
        ("tags", ["\ud800"]),
    ],
)
def test_value_no_database_can_keep_is_refused(field: str, value: Any) -> None:
    fields = {"schedule": "@every 1h", field: value}
    jobs.add("kept", "plain")

    with pytest.raises(SchedulerError) as refused_new:
        jobs.add("extreme", "plain", **fields)
    assert refused_new.value.field == field
    assert not Job.objects.filter(name="extreme").exists()
    if field != "next_run_in":
        with pytest.raises(SchedulerError):
            jobs.update("kept", **fields)
        assert jobs.get("kept").version == 1


def test_run_is_not_brought_forward_beyond_the_calendar() -> None:
    jobs.add("far", "plain", schedule="@every 1h")
    with pytest.raises(SchedulerError):
        jobs.run_within("far", timedelta.max)


@pytest.mark.parametrize("words", [{"reason": None}, {"reason": "\x00"}, {"by": 5}])
def test_pause_wants_texts(words: dict[str, Any]) -> None:
    jobs.add("wordy", "plain")
    with pytest.raises(SchedulerError):
        jobs.pause("wordy", **words)
    with pytest.raises(SchedulerError):
        jobs.pause_all(**words)


def test_page_beyond_what_databases_count_is_refused() -> None:
    with pytest.raises(InvalidData):
        runs.query(limit=10**30)
