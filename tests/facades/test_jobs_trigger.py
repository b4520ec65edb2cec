"""``jobs.trigger``: a run at once, beside the schedule."""

from __future__ import annotations

import pytest

from django_scheduler import every, jobs
from django_scheduler.exceptions import FunctionNotRegistered, InvalidArguments
from django_scheduler.models import Job, Run
from django_scheduler.signals import run_queued, run_skipped
from tests.facades.fixed import HOUR, NOW, make_row

pytestmark = pytest.mark.django_db


def test_triggered_run_is_due_now_and_the_schedule_does_not_move():
    """T3"""
    job = jobs.add("daily", "report", every(hours=1), args=["north"], priority=4)
    run = jobs.trigger("daily")
    stored = Run.objects.get(pk=run.pk)
    assert (stored.status, stored.trigger, stored.attempt) == ("queued", "manual", 1)
    assert stored.due_at == stored.scheduled_for == stored.queued_at == NOW
    assert (stored.job_id, stored.job_name, stored.priority) == (job.pk, "daily", 4)
    assert (stored.args, stored.kwargs) == (["north"], {})
    assert jobs.get("daily").next_run_at == NOW + HOUR


def test_arguments_given_replace_the_jobs_own():
    """T3, J10"""
    jobs.add("report", args=["north"], kwargs={"day": "mon"})
    run = jobs.trigger("report", args=("south",), kwargs={})
    assert (Run.objects.get().args, run.kwargs) == (["south"], {})
    assert jobs.get("report").args == ["north"]


def test_paused_job_can_be_triggered():
    """T3, C1"""
    jobs.add("plain", schedule="@hourly")
    jobs.pause("plain")
    assert jobs.trigger("plain").status == "queued"
    assert jobs.get("plain").state == "paused"


@pytest.mark.parametrize("status", ["queued", "dispatched", "running", "paused"])
def test_run_beside_an_active_one_is_recorded_as_skipped(status):
    """T6"""
    make_row(jobs.add("plain"), status, due_at=NOW)
    run = jobs.trigger("plain")
    stored = Run.objects.get(pk=run.pk)
    assert (stored.status, stored.reason, stored.finished_at) == ("skipped", "overlap", NOW)
    assert (stored.due_at, stored.is_final) == (None, True)


def test_force_runs_beside_an_active_one():
    """T3"""
    make_row(jobs.add("plain"), "running")
    run = jobs.trigger("plain", force=True)
    assert (run.status, run.due_at) == ("queued", NOW)


def test_final_run_is_no_overlap():
    make_row(jobs.add("plain"), "succeeded")
    assert jobs.trigger("plain").status == "queued"


def test_queue_lets_one_wait_and_skips_the_second():
    """T6"""
    make_row(jobs.add("plain", overlap="queue"), "running")
    first, second = jobs.trigger("plain"), jobs.trigger("plain")
    assert (first.status, first.reason, first.due_at) == ("queued", "waiting", None)
    assert (second.status, second.reason) == ("skipped", "overlap")


def test_queue_all_lets_as_many_wait_as_the_buffer_holds():
    """T6"""
    make_row(jobs.add("plain", overlap="queue_all", buffer_limit=2), "running")
    runs = [jobs.trigger("plain") for _ in range(3)]
    assert [(run.status, run.reason) for run in runs] == [
        ("queued", "waiting"),
        ("queued", "waiting"),
        ("skipped", "buffer_full"),
    ]


def test_replace_asks_the_active_to_stop_and_keeps_the_newest_waiting():
    """T6"""
    active = make_row(jobs.add("plain", overlap="replace"), "running")
    older, newer = jobs.trigger("plain"), jobs.trigger("plain")
    for run in (active, older, newer):
        run.refresh_from_db()
    assert (active.status, active.stop_requested_at) == ("running", NOW)
    assert (older.status, older.reason, older.finished_at) == ("skipped", "superseded", NOW)
    assert (newer.status, newer.reason) == ("queued", "waiting")


def test_allow_runs_side_by_side_up_to_max_running():
    """T12"""
    make_row(jobs.add("plain", overlap="allow", max_running=2), "running")
    assert [jobs.trigger("plain").status for _ in range(2)] == ["queued", "skipped"]


@pytest.mark.parametrize(
    ("args", "kwargs", "field"),
    [
        (["a", "b"], None, "args"),
        (None, {"colour": "red"}, "kwargs"),
        ([object()], None, "args"),
        (None, {"day": {1, 2}}, "kwargs"),
        ("north", None, "args"),
        (None, {1: "x"}, "kwargs"),
    ],
)
def test_arguments_that_do_not_fit_make_no_run(args, kwargs, field):
    """J10"""
    jobs.add("report")
    with pytest.raises(InvalidArguments) as raised:
        jobs.trigger("report", args=args, kwargs=kwargs)
    assert raised.value.field == field
    assert not Run.objects.exists()


def test_function_that_is_not_here_makes_no_run():
    jobs.add("plain")
    Job.objects.update(function="elsewhere.work")
    with pytest.raises(FunctionNotRegistered) as raised:
        jobs.trigger("plain")
    assert raised.value.field == "function"
    assert not Run.objects.exists()


def test_run_keeps_the_snapshot_it_was_made_with():
    """J5: an edit is never retroactive."""
    jobs.add("report", args=["north"], metadata={"v": 1}, timeout=60)
    run = jobs.trigger("report")
    jobs.update("report", args=["south"], metadata={"v": 2}, timeout=5)
    stored = Run.objects.get(pk=run.pk)
    assert (stored.args, stored.metadata) == (["north"], {"v": 1})
    assert stored.policy["timeout"] == 60


def test_start_deadline_dates_the_run():
    jobs.add("plain", start_deadline=3600)
    assert jobs.trigger("plain").expires_at == NOW + HOUR


def test_what_became_of_a_trigger_is_told(django_capture_on_commit_callbacks):
    """H3"""
    seen = []

    def queued(run, **_kwargs):
        seen.append(("queued", run.status))

    def skipped(run, **_kwargs):
        seen.append(("skipped", run.status))

    jobs.add("plain")
    run_queued.connect(queued)
    run_skipped.connect(skipped)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            jobs.trigger("plain")
            jobs.trigger("plain")
    finally:
        run_queued.disconnect(queued)
        run_skipped.disconnect(skipped)
    assert seen == [("queued", "queued"), ("skipped", "skipped")]
