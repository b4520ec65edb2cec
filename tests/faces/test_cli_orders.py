"""``manage.py scheduler``: what it does, and what it refuses."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from django_scheduler import every, jobs, runs
from django_scheduler.models import Job, Run
from tests.facades.fixed import (
    MINUTE,
    NOW,
    fixed_clock,
    make_row,
    plain,
    registered,
    report,
)
from tests.faces.cli import ask, refused, say

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(settings):
    settings.TIME_ZONE = "Europe/Paris"
    with fixed_clock() as clock, registered("report", report), registered("plain", plain):
        yield clock


def test_trigger_makes_a_run_with_the_arguments_given():
    """T3"""
    jobs.add("report", args=["north"])
    document = ask("trigger", "report", "--args", '["south"]', "--kwargs", '{"day": "mon"}')
    run = Run.objects.get()
    assert (run.args, run.kwargs, run.trigger) == (["south"], {"day": "mon"}, "manual")
    assert (document["id"], document["status"]) == (str(run.pk), "queued")


def test_trigger_tells_a_skip_and_can_be_forced():
    make_row(jobs.add("plain"), "running")
    assert "skipped (overlap)" in say("trigger", "plain")
    assert ask("trigger", "plain", "--force")["status"] == "queued"


def end_as(status, **values):
    def end():
        Run.objects.update(status=status, **values)

    return end


def test_trigger_waits_for_success(clock):
    jobs.add("plain")
    clock.on_wait = end_as("succeeded")
    assert ask("trigger", "plain", "--wait", "60")["status"] == "succeeded"


def test_trigger_that_waited_for_a_failure_prints_it_and_fails(clock):
    jobs.add("plain")
    clock.on_wait = end_as("failed", error="no paper")
    out = io.StringIO()
    with pytest.raises(CommandError, match="no paper"):
        call_command("scheduler", "trigger", "plain", "--wait", "60", "--json", stdout=out)
    assert json.loads(out.getvalue())["status"] == "failed"


def test_trigger_stops_waiting_in_time():
    jobs.add("plain")
    assert "still queued" in refused("trigger", "plain", "--wait", "5")
    assert Run.objects.get().status == "queued"


def test_pause_and_resume():
    """C1"""
    jobs.add("plain", schedule=every(hours=1))
    document = ask("pause", "plain", "--reason", "stocktaking", "--until", "2026-03-03T08:00:00")
    job = jobs.get("plain")
    assert (job.state, job.pause_reason) == ("paused", "stocktaking")
    assert job.paused_until == NOW.replace(day=3, hour=7), "read in TIME_ZONE"
    assert document["paused_until"] == "2026-03-03T07:00:00Z"
    assert "next run 2026-03-02 14:00:00 CET" in say("resume", "plain")
    assert jobs.get("plain").state == "active"


def test_run_within_brings_forward():
    """T4"""
    jobs.add("plain", schedule=every(hours=1))
    assert ask("run-within", "plain", "90")["next_run_at"] == "2026-03-02T12:01:30Z"


def test_resume_catches_up_when_asked(clock):
    """C1"""
    jobs.add("plain", schedule=every(hours=1))
    jobs.pause("plain")
    clock.advance(210 * MINUTE)
    told = say("resume", "plain", "--mode", "latest")
    assert told == "plain: active, catching up from 2026-03-02 14:00:00 CET\n"
    assert jobs.get("plain").clock.catch_up == "latest"
    jobs.pause("plain")
    assert say("resume", "plain") == "plain: active, next run 2026-03-02 17:00:00 CET\n"


def test_skip_next_tells_what_it_left_out():
    """C6"""
    jobs.add("plain", schedule=every(hours=1))
    told = say("skip-next", "plain")
    assert "skipped 2026-03-02 14:00:00 CET, next run 2026-03-02 15:00:00 CET" in told
    document = ask("skip-next", "plain")
    assert (document["skipped"]["status"], document["skipped"]["reason"]) == ("skipped", "asked")
    assert document["job"]["next_run_at"] == "2026-03-02T15:00:00Z"


def test_stop_of_a_run():
    """C3"""
    jobs.add("plain")
    run = jobs.trigger("plain")
    assert "stopped (enough)" in say("stop", str(run.pk), "--reason", "enough")
    assert runs.get(run).status == "stopped"


def test_pause_and_resume_of_a_run():
    """C2"""
    run = make_row(jobs.add("plain"), "running")
    assert f"Run {run.pk} of plain: running, asked to pause" in say("pause-run", str(run.pk))
    assert ask("pause-run", str(run.pk))["pause_requested_at"] == "2026-03-02T12:00:00Z"
    assert "running, not to pause any more" in say("resume-run", str(run.pk))
    Run.objects.update(status="paused", pause_requested_at=NOW)
    assert "paused, asked to go on" in say("resume-run", str(run.pk))
    assert ask("resume-run", str(run.pk))["pause_requested_at"] is None


@pytest.mark.parametrize("order", ["pause-run", "resume-run"])
def test_a_run_that_is_over_is_neither_paused_nor_resumed(order):
    run = make_row(jobs.add("plain"), "succeeded")
    before = list(Run.objects.values())
    assert "succeeded" in refused(order, str(run.pk))
    assert list(Run.objects.values()) == before


def test_retry_runs_it_again():
    """C6"""
    run = make_row(jobs.add("report"), "failed", function="report", args=["north"])
    again = ask("retry", str(run.pk))
    assert (again["status"], again["attempt"], again["args"]) == ("queued", 2, ["north"])
    runs.stop(again["id"])
    other = ask("retry", str(run.pk), "--args", '["west"]', "--kwargs", '{"day": "mon"}')
    assert (other["trigger"], other["args"], other["kwargs"]) == (
        "manual",
        ["west"],
        {"day": "mon"},
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nobody"], "nobody"),
        (["show", ""], "name"),
        (["next", "nobody"], "nobody"),
        (["next", "--count", "0"], "--count"),
        (["trigger", "nobody"], "nobody"),
        (["trigger", "plain"], "no job calls yet"),
        (["trigger", "report", "--args", "north"], "--args"),
        (["trigger", "report", "--args", '{"a": 1}'], "--args"),
        (["trigger", "report", "--kwargs", '{"colour": 1}'], "colour"),
        (["resume", "report"], "active"),
        (["resume", "report", "--mode", "sometimes"], "sometimes"),
        (["skip-next", "nobody"], "nobody"),
        (["pause", "report", "--until", "soon"], "--until"),
        (["pause", "report", "--until", "2020-01-01"], "until"),
        (["run-within", "report", "-5"], "give 0 or more seconds"),
        (["run-within", "report", "nan"], "span"),
        (["runs", "--status", "done"], "done"),
        (["runs", "--since", "2026-13-01"], "--since"),
        (["runs", "--order-by", "colour"], "colour"),
        (["runs", "--limit", "-1"], "limit"),
        (["run", "nonsense"], "nonsense"),
        (["stop", "00000000-0000-0000-0000-000000000007"], "no run"),
        (["pause-run", "00000000-0000-0000-0000-000000000007"], "no run"),
        (["resume-run", "nonsense"], "nonsense"),
        (["retry", "nonsense"], "nonsense"),
        (["explain", "61 * * * *"], "61"),
        (["explain", "@daily", "--tz", "Mars/Olympus"], "Mars"),
        (["list", "--state", "asleep"], "asleep"),
    ],
)
def test_bad_input_ends_with_the_typed_error_alone(words, said):
    jobs.add("report", schedule="@hourly")
    before = list(Job.objects.values())
    assert said in refused(*words)
    assert list(Job.objects.values()) == before
    assert not Run.objects.exists()


def test_sync_carries_declarations_into_rows():
    """J12"""
    declared = {"schedule": "@hourly", "timezone": "UTC", "priority": 2}
    with registered("declared", plain, declared=declared):
        printed, message = refused_after_printing("sync", "--check")
        assert "would change" in message
        assert "declared  would be added" in printed
        assert not Job.objects.filter(name="declared").exists()
        assert "declared" in ask("sync")["added"]
        assert jobs.get("declared").priority == 2
        assert ask("sync", "--check")["added"] == []
        jobs.update("declared", priority=9)
        assert ask("sync")["differs"] == {"declared": ["priority"]}
        assert jobs.get("declared").priority == 9


def refused_after_printing(*words):
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("scheduler", *words, stdout=out)
    return out.getvalue(), str(raised.value)
