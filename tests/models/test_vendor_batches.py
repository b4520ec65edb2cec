"""What each way of writing many rows promises: the vendor's own, and the ORM's for all others."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from django.db import DatabaseError, connection, transaction

from django_scheduler.models import Job, JobClock, Run, uuid7
from django_scheduler.models.vendors import JSONText, lock_raw, vendor_of
from django_scheduler.models.vendors.batches import portions
from django_scheduler.models.vendors.generic import Generic

NOW = datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)
NAMES = ("id", "job_id", "job_name", "key", "scheduled_for", "queued_at", "args", "process")
AWKWARD = "a \"quoted\" \\ back\\\\slashed, {braced}, 'single', NULL, %s and ünïcödé ☃ text\n\ttab"

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["own", "generic"])
def vendor(request):
    """How this database writes a batch, and how one that nobody knows would."""
    return vendor_of("default") if request.param == "own" else Generic("default")


@pytest.fixture
def job():
    return Job.objects.create(name="batch", function="f", created_at=NOW, anchor=NOW)


def _row(job, key, **changed):
    values = {
        "id": uuid7(NOW),
        "job_id": job.pk,
        "job_name": job.name,
        "key": key,
        "scheduled_for": NOW,
        "queued_at": NOW,
        "args": JSONText("[1, 2]"),
        "process": uuid.uuid4(),
        **changed,
    }
    return tuple(values[name] for name in NAMES)


def _insert(vendor, rows):
    names = (*NAMES, "trigger", "status", "executor", "function")
    return vendor.insert(Run, names, [(*row, "schedule", "queued", "default", "f") for row in rows])


def test_all_rows_of_a_batch_go_in_with_the_defaults_of_what_is_not_said(vendor, job):
    rows = [_row(job, f"k{n}") for n in range(3)]
    assert _insert(vendor, rows) == {row[0] for row in rows}
    run = Run.objects.get(pk=rows[1][0])
    assert (run.key, run.scheduled_for, run.args, run.process) == ("k1", NOW, [1, 2], rows[1][-1])
    assert (run.number, run.attempt, run.epoch, run.data, run.result) == (1, 1, 0, {}, None)
    assert (run.reason, run.finished_at, run.completed) == ("", None, None)


def test_a_row_the_constraint_refuses_stays_out_and_the_others_go_in(vendor, job):
    """I1: a plain INSERT would roll the whole batch back, for ever."""
    first = _row(job, "twice")
    _insert(vendor, [first])
    second, other = _row(job, "twice"), _row(job, "once")
    assert _insert(vendor, [second, other]) == {other[0]}
    assert set(Run.objects.values_list("pk", flat=True)) == {first[0], other[0]}


def test_an_empty_batch_is_nothing(vendor):
    assert vendor.insert(Run, NAMES, []) == set()
    vendor.update(Run, ("status",), [])


def test_awkward_texts_come_back_as_they_were(vendor, job):
    row = _row(job, "awkward", job_name=AWKWARD, args=[AWKWARD, {"a": None}])
    _insert(vendor, [row])
    run = Run.objects.get()
    assert (run.job_name, run.args) == (AWKWARD, [AWKWARD, {"a": None}])
    vendor.update(Run, ("error", "data"), [(run.pk, AWKWARD, {AWKWARD: [1.5, True, ""]})])
    run.refresh_from_db()
    assert (run.error, run.data) == (AWKWARD, {AWKWARD: [1.5, True, ""]})


def test_each_row_of_an_update_gets_its_own_values(vendor, job):
    rows = [_row(job, f"k{n}") for n in range(4)]
    _insert(vendor, rows)
    spans = [timedelta(days=n, microseconds=n) for n in range(3)]
    vendor.update(
        Run,
        ("status", "started_at", "duration", "epoch", "process"),
        [
            (rows[n][0], "running", NOW + spans[n], spans[n], n, None if n else rows[n][-1])
            for n in range(3)
        ],
    )
    found = [Run.objects.get(pk=rows[n][0]) for n in range(4)]
    assert [run.status for run in found] == ["running"] * 3 + ["queued"]
    assert [run.started_at for run in found[:3]] == [NOW + span for span in spans]
    assert [run.duration for run in found[:3]] == spans
    assert [run.epoch for run in found] == [0, 1, 2, 0]
    assert [run.process for run in found[:3]] == [rows[0][-1], None, None]


def test_a_column_of_nothing_but_none_is_set_to_null(vendor, job):
    rows = [_row(job, f"k{n}") for n in range(2)]
    _insert(vendor, rows)
    Run.objects.update(due_at=NOW, result=1, duration=timedelta(1))
    names = ("due_at", "result", "duration", "process")
    vendor.update(Run, names, [(row[0], None, None, None, None) for row in rows])
    assert set(Run.objects.values_list(*names)) == {(None, None, None, None)}


def test_added_columns_are_raised(vendor, job):
    other = Job.objects.create(name="other", function="f", created_at=NOW, anchor=NOW)
    Job.objects.update(success_count=5)
    names = ("last_status", "success_count")
    rows = [(job.pk, "succeeded", 2), (other.pk, "failed", 0)]
    vendor.update(Job, names, rows, added={"success_count"})
    job.refresh_from_db()
    other.refresh_from_db()
    assert (job.last_status, job.success_count) == ("succeeded", 7)
    assert (other.last_status, other.success_count) == ("failed", 5)


def test_a_clock_is_advanced_with_its_flags(vendor, job):
    JobClock.objects.create(job=job, by_hand=True, planned_count=3)
    names = ("planned_until", "next_run_at", "planned_count", "by_hand", "catch_up")
    vendor.update(JobClock, names, [(job.pk, NOW, None, 4, False, "all")])
    assert JobClock.objects.values_list(*names).get() == (NOW, None, 4, False, "all")


def test_rows_are_locked_and_read_as_the_driver_gives_them(vendor, job):
    clock = JobClock.objects.create(job=job, next_run_at=NOW, planned_until=NOW)
    names = ("job_id", "next_run_at", "next_occurrence", "planned_until", "by_hand")
    rows = JobClock.objects.filter(job=job).values_list(*names, "job__name")
    with transaction.atomic():
        (found,) = lock_raw(rows, JobClock, Job)
    assert found[-1] == "batch"
    assert vendor.read(JobClock, names, found[:-1]) == [clock.job_id, NOW, None, NOW, False]


def test_a_question_nothing_can_answer_locks_nothing(job):
    none = JobClock.objects.filter(job_id__in=[]).values_list("job_id")
    with transaction.atomic():
        assert lock_raw(none, JobClock) == []


def test_a_value_that_does_not_fit_is_refused_and_not_cut(vendor, job):
    """INSERT IGNORE of MySQL would let it in, shortened."""
    # SQLite keeps a text of any length: there the check of the status has to do.
    key, status = ("k" * 101, "queued") if connection.vendor != "sqlite" else ("k", "nonsense")
    names = (*NAMES, "trigger", "status", "executor", "function")
    row = (*_row(job, key), "schedule", status, "default", "f")
    with pytest.raises(DatabaseError), transaction.atomic():
        vendor.insert(Run, names, [row])
    assert not Run.objects.exists()


def test_a_batch_longer_than_a_server_takes_goes_in_portions(job):
    """MariaDB takes statements of 16 MiB by default, and many runs may have much to say."""
    vendor = vendor_of("default")
    rows = [_row(job, f"k{n}", args=["é" * 500_000]) for n in range(7)]
    assert _insert(vendor, rows) == {row[0] for row in rows}
    said = {
        row[0]: ("x" * 1_300_000, {"n": n, "long": "y" * 1_300_000}) for n, row in enumerate(rows)
    }
    vendor.update(Run, ("log", "data"), [(pk, *values) for pk, values in said.items()])
    stored = Run.objects.values_list("pk", "log", "data")
    assert {pk: (log, data) for pk, log, data in stored} == said


def test_portions_keep_the_order_and_write_json_once():
    rows = [(1, {}, ""), (2, {"a": 1}, "x"), (3, None, None), (4, ["b" * 999_999], "y"), (5, 7, "")]
    first, second, third = portions(rows, (1, 2))
    assert [row[0] for row in (*first, *second, *third)] == [1, 2, 3, 4, 5]
    assert [len(first), len(second), len(third)] == [3, 1, 1]
    assert first[1][1] == '{"a": 1}'
    assert isinstance(first[1][1], JSONText)
    assert first[0] is rows[0], "what is short is not copied"
    assert list(portions([], (1,))) == []
