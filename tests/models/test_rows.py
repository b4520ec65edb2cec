"""What rows know of themselves: ids in order of time, saves that undo nobody, migrations."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from uuid import RFC_4122

import pytest
from django.core.management import call_command

from django_scheduler import Retry, jobs
from django_scheduler.models import Job, JobClock, Run, uuid7
from tests.facades.fixed import HOUR, NOW, SECOND, make_row

MILLISECOND = timedelta(milliseconds=1)


def test_uuid7_is_of_version_7():
    value = uuid7(NOW)
    assert (value.version, value.variant) == (7, RFC_4122)


def test_uuid7_begins_with_the_milliseconds():
    instant = datetime(2022, 2, 22, 19, 22, 22, tzinfo=timezone.utc)
    assert uuid7(instant).int >> 80 == 0x017F22E279B0, "the example of RFC 9562"


def test_uuid7_sorts_by_time():
    instants = [NOW + n * MILLISECOND for n in range(50)] + [NOW + 50 * 365 * 24 * HOUR]
    ids = [uuid7(instant) for instant in instants]
    assert sorted(ids) == ids
    assert sorted(map(str, ids)) == [str(each) for each in ids]


def test_uuid7_differs_within_a_millisecond():
    assert len({uuid7(NOW) for _ in range(100)}) == 100


@pytest.mark.django_db
def test_run_takes_its_id_from_its_queued_instant():
    run = make_row(None, queued_at=NOW + HOUR)
    assert run.pk.int >> 80 == uuid7(NOW + HOUR).int >> 80


@pytest.mark.django_db
def test_migrations_are_complete():
    out = io.StringIO()
    call_command("makemigrations", "django_scheduler", "--check", "--dry-run", stdout=out)
    assert "No changes detected" in out.getvalue()


@pytest.mark.django_db
def test_stale_save_does_not_undo_anothers_edit():
    """J5"""
    jobs.add("plain", description="old")
    mine, theirs = Job.objects.get(), Job.objects.get()
    theirs.description = "theirs"
    theirs.save()
    mine.priority = 5
    mine.save()
    stored = Job.objects.get()
    assert (stored.description, stored.priority) == ("theirs", 5)


@pytest.mark.django_db
def test_stale_save_does_not_undo_a_pause_or_a_counter():
    jobs.add("plain", schedule="@hourly")
    form = Job.objects.get()
    jobs.pause("plain", "stocktaking")
    Job.objects.update(success_count=9)
    form.description = "new"
    form.save()
    stored = Job.objects.get()
    assert (stored.state, stored.success_count, stored.description) == ("paused", 9, "new")


@pytest.mark.django_db
def test_save_without_a_change_writes_nothing(django_assert_num_queries):
    jobs.add("plain")
    job = Job.objects.get()
    with django_assert_num_queries(0):
        job.save()


@pytest.mark.django_db
def test_change_inside_a_json_value_is_seen():
    jobs.add("plain", metadata={"a": [1]})
    job = Job.objects.get()
    job.metadata["a"].append(2)
    assert job.changed_fields() == ["metadata"]
    job.save()
    assert Job.objects.get().metadata == {"a": [1, 2]}
    assert job.changed_fields() == []


@pytest.mark.django_db
def test_reloaded_job_has_no_changes():
    jobs.add("plain")
    job = Job.objects.get()
    job.priority = 5
    job.refresh_from_db()
    assert (job.priority, job.changed_fields()) == (0, [])


@pytest.mark.django_db
def test_new_job_is_dated_by_the_database():
    job = Job(name="raw", function="plain")
    job.save()
    assert job.created_at == job.anchor == job.updated_at == NOW


@pytest.mark.django_db
def test_next_run_of_a_job_is_read_with_it_or_afresh(django_assert_num_queries):
    jobs.add("plain", schedule="@hourly")
    jobs.add("report")
    JobClock.objects.filter(job__name="report").delete()
    with django_assert_num_queries(1):
        found = {job.name: job.next_run_at for job in Job.objects.select_related("clock")}
    assert found == {"plain": NOW + HOUR, "report": None}
    with django_assert_num_queries(2):
        assert Job.objects.get(name="plain").next_run_at == NOW + HOUR


@pytest.mark.django_db
def test_retry_policy_round_trips_through_its_column():
    """Y1"""
    policy = Retry(max_attempts=5, delay=90, backoff="exponential", retry_on=(OSError,))
    jobs.add("plain", retry=policy)
    assert Job.objects.get().retry_policy() == policy
    jobs.update("plain", retry=None)
    assert Job.objects.get().retry_policy() is None


@pytest.mark.django_db
def test_instants_and_spans_come_back_to_the_microsecond():
    instant = NOW + timedelta(microseconds=123456)
    make_row(None, started_at=instant, duration=timedelta(microseconds=1))
    run = Run.objects.get()
    assert (run.started_at, run.duration) == (instant, timedelta(microseconds=1))
    assert run.started_at.utcoffset() == timedelta(0)


@pytest.mark.django_db
def test_texts_of_any_script_are_kept():
    make_row(None, error="日本語 🐘 é", log="\t|\n" * 3, data={"k": "🐘"})
    run = Run.objects.get()
    assert (run.error, run.log, run.data) == ("日本語 🐘 é", "\t|\n" * 3, {"k": "🐘"})


@pytest.mark.parametrize(
    ("completed", "total", "percent"),
    [(None, None, None), (3, None, None), (0, 0, None), (3, 12, 25.0), (0, 5, 0.0)],
)
def test_progress_as_a_percentage(completed, total, percent):
    """P1"""
    assert Run(completed=completed, total=total).progress_percent == percent


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, False), ({"error": "x"}, True), ({"hook_errors": {"on_start": "x"}}, True)],
)
def test_run_has_errors_of_its_own_or_of_its_hooks(values, expected):
    """H2"""
    assert Run(duration=SECOND, **values).has_errors is expected
