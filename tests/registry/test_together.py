"""Options that make no sense together are refused where they are written (C5, S8)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from django_scheduler import cron, every, job, jobs, once, registry
from django_scheduler.exceptions import InvalidJob, InvalidWindow
from django_scheduler.models import Job

NOON = datetime(2026, 5, 5, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)

ENDS_FIRST = {"schedule": "@hourly", "start_at": NOON, "end_at": NOON}
TOO_EARLY = {"schedule": once(NOON), "start_at": NOON + HOUR}
TOO_LATE = {"schedule": once(NOON), "end_at": NOON - HOUR}
BETWEEN = {
    "schedule": cron("0 9 * * *", timezone="Europe/Paris"),
    "start_at": NOON,
    "end_at": NOON + HOUR,
}
OVERLAPS = {"schedule": every(minutes=5, after="finish"), "overlap": "allow"}


@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        (ENDS_FIRST, InvalidWindow, "end_at"),
        (TOO_EARLY, InvalidWindow, "start_at"),
        (TOO_LATE, InvalidWindow, "end_at"),
        (OVERLAPS, InvalidJob, "overlap"),
    ],
)
def test_a_declaration_is_refused_at_import(options, error, field):
    with pytest.raises(error) as raised:
        job("together", **options)
    assert raised.value.field == field
    assert not registry.is_registered("together")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        (ENDS_FIRST, InvalidWindow, "end_at"),
        (TOO_EARLY, InvalidWindow, "start_at"),
        (TOO_LATE, InvalidWindow, "end_at"),
        (BETWEEN, InvalidWindow, "end_at"),
        (OVERLAPS, InvalidJob, "overlap"),
    ],
)
def test_a_job_is_refused_by_the_facade(options, error, field):
    with pytest.raises(error) as raised:
        jobs.add("plain", **options)
    assert raised.value.field == field
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": once(NOON), "start_at": NOON, "end_at": NOON + HOUR},
        {"schedule": once(NOON), "end_at": NOON},
        {"schedule": "@hourly", "end_at": NOON},
        # Its zone and its anchor are not known before there is a job.
        {**BETWEEN, "schedule": "0 9 * * *"},
        {"schedule": every(days=1), "start_at": NOON, "end_at": NOON + HOUR},
        {"schedule": every(minutes=5, after="finish"), "overlap": "queue"},
    ],
)
def test_what_makes_sense_is_accepted(options, monkeypatch):
    monkeypatch.setattr(registry, "_definitions", dict(registry._definitions))
    job("together", **options)(lambda: None)
    assert registry.is_registered("together")
