"""``manage.py scheduler``: what it shows; tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from django_scheduler import every, jobs
from django_scheduler.models import Job
from tests.facades.fixed import (
    MINUTE,
    NOW,
    SECOND,
    fixed_clock,
    make_row,
    plain,
    registered,
    report,
)
from tests.faces.cli import ask, say

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(settings):
    settings.TIME_ZONE = "Europe/Paris"
    with fixed_clock() as clock, registered("report", report), registered("plain", plain):
        yield clock


def columns(text):
    """Where each column of a table begins, by its header line."""
    header = text.splitlines()[0]
    return [i for i, c in enumerate(header) if c != " " and header[max(0, i - 2) : i].strip() == ""]


def test_list_shows_jobs_in_aligned_columns_with_local_times():
    """O3"""
    jobs.add("daily", "report", "0 9 * * *", timezone="Europe/Paris")
    jobs.add("plain")
    text = say("list")
    header, *rows = text.splitlines()
    assert header.split() == ["NAME", "STATE", "SCHEDULE", "NEXT", "RUN", "LAST", "LAST", "FINISH"]
    assert "2026-03-03 09:00:00 CET" in rows[0]
    starts = columns(text)
    assert len(starts) == 6
    assert all(row[start - 1] == " " != row[start] for row in rows for start in starts if start)


def test_list_filters_by_state_function_and_tag():
    jobs.add("a", "plain", tags=["night"])
    jobs.add("b", "report", "@hourly")
    jobs.pause("b")
    assert [job["name"] for job in ask("list")] == ["a", "b"]
    assert [job["name"] for job in ask("list", "--state", "paused")] == ["b"]
    assert [job["name"] for job in ask("list", "--function", "plain")] == ["a"]
    assert [job["name"] for job in ask("list", "--tag", "night")] == ["a"]


def test_list_as_json_has_utc_instants_seconds_and_lists():
    jobs.add("plain", schedule=every(hours=1), timeout=90, tags=["b", "a"], metadata={"k": 1})
    (document,) = ask("list")
    assert document["next_run_at"] == "2026-03-02T13:00:00Z"
    assert (document["timeout"], document["tags"], document["metadata"]) == (
        90.0,
        ["a", "b"],
        {"k": 1},
    )
    assert (document["schedule"], document["last_finished_at"]) == ("@every 1h", None)


def test_list_costs_the_same_for_many_jobs(django_assert_num_queries):
    for number in range(5):
        jobs.add(f"job-{number}", "plain", "@hourly", tags=["t"])
    with django_assert_num_queries(2):
        say("list")


def test_nothing_is_said_in_words_and_as_an_empty_document():
    assert say("list") == "No jobs.\n"
    assert ask("list") == []
    assert say("runs") == "No runs.\n"
    assert say("next") == "Nothing is scheduled.\n"


def test_table_survives_line_breaks_and_wide_characters():
    jobs.add("日本", "plain", "@hourly")
    jobs.add("plain", schedule="@hourly")
    Job.objects.update(last_status="succeeded")
    lines = {line.split()[0]: line.index("active") for line in say("list").splitlines()[1:]}
    # Two wide characters take four cells: the rest of the line begins two letters earlier.
    assert lines["plain"] - lines["日本"] == 2
    make_row(None, "failed", reason="first\nsecond\x1b[2J")
    assert "\x1b" not in say("runs")
    assert len(say("runs").splitlines()) == 2


def test_next_merges_all_jobs_by_due_time():
    """S13"""
    jobs.add("slow", "plain", every(minutes=50))
    jobs.add("fast", "plain", every(minutes=20))
    jobs.add("asleep", "plain", every(minutes=1))
    jobs.pause("asleep")
    found = ask("next", "--count", "4")
    minutes = [(each["job"], each["due_at"][11:16]) for each in found]
    assert minutes == [
        ("fast", "12:20"),
        ("fast", "12:40"),
        ("slow", "12:50"),
        ("fast", "13:00"),
    ]


def test_next_of_one_job_follows_what_was_brought_forward():
    """T4"""
    jobs.add("plain", schedule=every(hours=1))
    jobs.run_within("plain", 60)
    found = ask("next", "plain", "--count", "3")
    assert [each["due_at"] for each in found] == [
        "2026-03-02T12:01:00Z",
        "2026-03-02T14:00:00Z",
        "2026-03-02T15:00:00Z",
    ]
    assert found[0]["scheduled_for"] == "2026-03-02T13:00:00Z"
    assert "2026-03-02 13:01:00 CET" in say("next", "plain")


def test_next_knows_limits_and_fixed_delays():
    jobs.add("limited", "plain", every(hours=1), max_runs=2)
    jobs.add("delayed", "plain", every(hours=1, after="finish"))
    assert len(ask("next", "limited", "--count", "9")) == 2
    assert len(ask("next", "delayed", "--count", "9")) == 1


def test_explain_needs_no_job():
    """S13"""
    document = ask("explain", "0 9 * * 1-5", "--tz", "Asia/Tokyo", "--count", "2")
    assert (document["schedule"], document["timezone"]) == ("0 9 * * 1-5", "Asia/Tokyo")
    assert document["upcoming"] == ["2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"]
    text = say("explain", "0 9 * * 1-5")
    assert document["description"] and "Tue 2026-03-03 09:00:00 CET" in text


def test_runs_are_filtered_ordered_and_paged():
    """D2"""
    job = jobs.add("plain")
    for minute, status in enumerate(("succeeded", "failed", "succeeded"), start=1):
        at = NOW + minute * MINUTE
        times = {"queued_at": at, "started_at": at, "finished_at": at + SECOND}
        make_row(job, status, duration=minute * SECOND, **times)
    make_row(jobs.add("report"), "queued")

    def minutes(*words):
        return [run["started_at"] and run["started_at"][14:16] for run in ask("runs", *words)]

    assert minutes("--order-by=-started_at") == ["03", "02", "01", None]
    assert minutes("--job", "plain", "--limit", "1", "--offset", "1") == ["02"]
    assert minutes("--status", "failed") == ["02"]
    assert minutes("--since", "2026-03-02T12:02:00Z", "--until", "2026-03-02T12:03:00Z") == ["02"]
    assert minutes("--order-by", "duration", "--limit", "2") == ["01", "02"]
    assert minutes("--offset", "50") == []
    assert "2026-03-02 13:00:00 CET  13:03:00 " in say("runs")


def test_runs_show_the_newest_first_also_those_that_never_started():
    """D2"""
    job = jobs.add("plain")
    began = NOW + MINUTE
    make_row(job, "succeeded", started_at=began, duration=SECOND, queued_at=began)
    make_row(job, "succeeded", started_at=NOW + 86400 * SECOND, queued_at=NOW)
    missed = {"scheduled_for": NOW + MINUTE, "missed": 5, "queued_at": NOW + 2 * MINUTE}
    make_row(job, "skipped", reason="missed", trigger="catch_up", **missed)
    text = say("runs")
    header, record, same_day, later_day = text.splitlines()
    assert header.split()[1:7] == ["JOB", "STATUS", "TRIGGER", "TRY", "MISSED", "SCHEDULED"]
    assert "skipped (missed)  catch_up  1    5       2026-03-02 13:01:00 CET  -" in record
    assert "2026-03-02 13:00:00 CET  13:01:00 " in same_day
    assert "2026-03-02 13:00:00 CET  2026-03-03 13:00:00 CET " in later_day
    assert ask("runs", "--limit", "1")[0]["missed"] == 5


def test_runs_of_an_unknown_job_are_told_from_runs_that_do_not_exist():
    jobs.add("plain")
    make_row(None)
    assert say("runs", "--job", "plain") == "No runs.\n"
    assert say("runs", "--job", "gone", "--status", "failed") == "No runs.\n"
    assert say("runs", "--job", "nope") == "No runs: no job and no history is called 'nope'.\n"
    assert ask("runs", "--job", "nope") == []


def test_run_shows_its_key_and_what_a_record_stands_for():
    job = jobs.add("plain", timezone="UTC")
    key = "missed:2026-03-01T03:00:00Z/2026-03-01T07:00:00Z"
    text = say("run", str(make_row(job, "skipped", reason="missed", missed=5, key=key).pk))
    assert f"  {key}\n" in text
    told = "2026-03-01 04:00:00 CET to 2026-03-01 08:00:00 CET (5)\n"
    assert f"occurrences:    {told}" in text
    assert "occurrences" not in say("run", str(make_row(job).pk))


def test_run_shows_everything_kept():
    run = make_row(
        jobs.add("plain"),
        "failed",
        error="no paper",
        traceback="Traceback:\n  line 1\nValueError: no paper",
        log="starting\nending",
        data={"last": 7},
        completed=3,
        total=10,
    )
    text = say("run", str(run.pk))
    for shown in ("no paper", "    ValueError: no paper", "    ending", '{"last": 7}', "3 of 10"):
        assert shown in text
    document = ask("run", str(run.pk))
    assert (document["log"], document["data"], document["completed"]) == (
        "starting\nending",
        {"last": 7},
        3,
    )


def test_show_tells_what_is_next_and_what_was():
    job = jobs.add("plain", schedule=every(hours=1), timeout=timedelta(minutes=2), description="d")
    make_row(job, "succeeded", started_at=NOW, finished_at=NOW, duration=SECOND)
    document = ask("show", "plain")
    assert [each["due_at"] for each in document["upcoming"]][:2] == [
        "2026-03-02T13:00:00Z",
        "2026-03-02T14:00:00Z",
    ]
    assert [run["status"] for run in document["recent_runs"]] == ["succeeded"]
    text = say("show", "plain")
    assert "0:02:00" in text and "@every 1h" in text and "2026-03-02 15:00:00 CET" in text


def test_job_that_cannot_be_read_is_shown_all_the_same():
    """T10"""
    jobs.add("plain", schedule="@hourly")
    Job.objects.update(schedule="nonsense")
    assert "nonsense" in say("list")
    assert "nonsense" in say("show", "plain")
    assert say("next") == "Nothing is scheduled.\n"


def test_command_works_in_a_pipe_and_exits_with_one_on_errors(subprocess_env):
    jobs.add("plain", schedule=every(hours=1))
    manage = [sys.executable, "-m", "django", "scheduler"]

    def run(*words):
        return subprocess.run(
            [*manage, *words], env=subprocess_env, capture_output=True, text=True, check=False
        )

    listed = run("list", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [job["name"] for job in json.loads(listed.stdout)] == ["plain"]
    failed = run("show", "nobody")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.strip() == "CommandError: There is no job called 'nobody'."
