"""The numbers that pages show are counted in one place, cheaply."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import reports
from tests.faces.admin_rows import MINUTE, NOW, make_job, make_process, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]


def test_recent_outcomes_are_the_newest_of_each_job_oldest_first():
    few, many, none = (make_job(name) for name in ("few", "many", "none"))
    for n in range(30):
        make_run(many, "failed" if n == 0 else "succeeded", NOW - n * MINUTE)
    make_run(few, "lost", NOW)
    make_run(None, "succeeded", NOW)
    found = reports.recent_outcomes([few.pk, many.pk, none.pk], each=20)
    assert [outcome.status for outcome in found[few.pk]] == ["lost"]
    assert [o.scheduled_for for o in found[many.pk]] == [
        NOW - n * MINUTE for n in range(19, -1, -1)
    ]
    assert found[many.pk][-1].status == "failed"
    assert found[none.pk] == []


def test_recent_outcomes_cost_the_same_for_any_number_of_jobs():
    rows = [make_job(f"job-{n}") for n in range(30)]
    for n in range(3):
        make_run(rows[n])
    with CaptureQueriesContext(connection) as captured:
        reports.recent_outcomes([row.pk for row in rows], each=2)
    assert len(captured) == 2
    with CaptureQueriesContext(connection) as captured:
        assert reports.recent_outcomes([]) == {}
    assert len(captured) == 0


def test_counts_by_status_since_an_instant_and_of_one_job():
    job, other = make_job("nightly"), make_job("other")
    make_run(job, "failed", NOW - 10 * MINUTE)
    make_run(job, "succeeded", NOW - 5 * MINUTE)
    make_run(other, "succeeded", NOW)
    assert reports.counts_by_status() == {"failed": 1, "succeeded": 2}
    assert reports.counts_by_status(job) == {"failed": 1, "succeeded": 1}
    assert reports.counts_by_status(job, since=NOW - 5 * MINUTE) == {"succeeded": 1}


def test_open_runs_are_those_that_still_move():
    job = make_job("nightly")
    for status in ("queued", "running", "succeeded", "skipped"):
        make_run(job, status)
    assert reports.open_runs(job) == 2


def test_process_names_are_of_those_that_still_have_a_row():
    known = make_process("app-7")
    other = make_run(make_job("nightly"), "running").process
    assert reports.process_names([known.pk, other, None]) == {known.pk: "app-7"}
    assert reports.process_names([None]) == {}
