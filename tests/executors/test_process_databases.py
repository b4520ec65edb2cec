"""Runs in child processes of a real scheduler, on the test's own database (E5 D1)."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from django_scheduler import Retry, jobs, runs
from django_scheduler.models import Process, Run
from tests.concurrency.children import Child, scheduler_process
from tests.executors.process_kit import exists, pids_in, started
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OVERRIDES = {
    "EXECUTORS": {
        "process": {
            "BACKEND": "django_scheduler.executors.process.ProcessExecutor",
            "OPTIONS": {"processes": 3, "grace": 0.5},
        }
    }
}


@pytest.fixture
def scheduler(subprocess_env: Any, tmp_path: Path) -> Callable[..., AbstractContextManager[Child]]:
    """Start a scheduler whose children are killed half a second after they are told to stop."""
    return lambda *options: scheduler_process(
        subprocess_env, tmp_path, "one", *options, overrides=OVERRIDES
    )


def _is_over(run: Run) -> bool:
    return runs.get(run).is_final


def test_a_child_works_on_the_database_its_parent_works_on():
    """Its settings name another one, as in every test; a transaction it leaves open is undone."""
    jobs.add("one", function="child.awaits", description="as it was")
    with started() as kit:
        end = kit.run("child.leaks", "changed")
    assert (end.status, end.reason) == ("failed", "exception")
    assert "TransactionLeftOpen" in end.error
    assert jobs.get("one").description == "as it was"
    assert jobs.update("one", description="free").description == "free"


def test_progress_is_seen_while_a_child_runs_and_a_stop_reaches_it(scheduler, tmp_path):
    """P1 C3"""
    jobs.add("held", function="child.holds", args=[str(tmp_path / "pids")], executor="process")
    with scheduler():
        run = jobs.trigger("held")
        wait_until(lambda: (runs.get(run).completed or 0) > 0)
        assert runs.get(run).status == "running"
        runs.stop(run)
        wait_until(lambda: _is_over(run))
        assert not any(map(exists, pids_in(tmp_path / "pids")))
    found = runs.get(run)
    assert (found.status, found.reason) == ("stopped", "asked")
    assert found.left_at == found.finished_at


def test_a_run_is_paused_resumed_and_freed_by_a_stop(scheduler, tmp_path):
    """C2"""
    jobs.add("held", function="child.holds", args=[str(tmp_path / "pids")], executor="process")
    with scheduler():
        run = jobs.trigger("held")
        pids_in(tmp_path / "pids")
        runs.pause(run)
        wait_until(lambda: runs.get(run).status == "paused")
        stands_at = runs.get(run).completed
        runs.resume(run)
        wait_until(lambda: runs.get(run).status == "running")
        wait_until(lambda: (runs.get(run).completed or 0) > (stands_at or 0))
        runs.pause(run)
        wait_until(lambda: runs.get(run).status == "paused")
        runs.stop(run)
        wait_until(lambda: _is_over(run))
    assert (runs.get(run).status, runs.get(run).reason) == ("stopped", "asked")


def test_a_run_over_its_timeout_has_left_when_its_process_is_gone(scheduler, tmp_path):
    """R4"""
    args = [str(tmp_path / "pids"), False]
    jobs.add("held", function="child.holds", args=args, executor="process", timeout=5)
    with scheduler():
        run = jobs.trigger("held")
        pids = pids_in(tmp_path / "pids")
        wait_until(lambda: runs.get(run).left_at is not None)
        assert not any(map(exists, pids))
    found = runs.get(run)
    assert (found.status, found.reason) == ("timed_out", "timeout")
    assert found.left_at > found.finished_at


def test_a_child_that_dies_is_a_failure_that_is_tried_again(scheduler):
    """Y1"""
    retry = Retry(max_attempts=2, delay=0, retry_on=("django_scheduler.exceptions.ChildDied",))
    jobs.add("dies", function="child.dies", args=["exit"], executor="process", retry=retry)
    with scheduler():
        run = jobs.trigger("dies")
        wait_until(lambda: Run.objects.filter(key=run.key, status="failed").count() == 2)
    last = Run.objects.get(key=run.key, attempt=2)
    assert "exit code 3" in last.error
    assert last.log == "| about to die: exit"
    assert Run.objects.count() == 2


def test_a_killed_scheduler_takes_its_children_along(scheduler, tmp_path):
    """P5: a child whose parent is gone ends at once, with all it started."""
    args = [str(tmp_path / "pids"), False]
    jobs.add("held", function="child.holds", args=args, executor="process")
    with scheduler() as parent:
        jobs.trigger("held")
        pids = pids_in(tmp_path / "pids")
        assert all(map(exists, pids))
        parent.kill()
        wait_until(lambda: not any(map(exists, pids)), seconds=2)


def test_a_second_signal_leaves_no_child_behind(scheduler, tmp_path):
    """C4"""
    args = [str(tmp_path / "pids"), False]
    jobs.add("held", function="child.holds", args=args, executor="process")
    with scheduler() as parent:
        jobs.trigger("held")
        pids = pids_in(tmp_path / "pids")
        parent.send(signal.SIGTERM)
        wait_until(lambda: Process.objects.get().state == "stopping")
        parent.send(signal.SIGTERM)
        assert parent.process.wait(10) == 1
        wait_until(lambda: not any(map(exists, pids)), seconds=2)


def test_a_child_that_outlives_the_grace_is_stopped_and_runs_again(scheduler, tmp_path):
    """C4: an orderly shutdown burns no attempt."""
    args = [str(tmp_path / "pids"), False]
    jobs.add("held", function="child.holds", args=args, executor="process")
    with scheduler("--shutdown-grace", "0") as parent:
        run = jobs.trigger("held")
        pids = pids_in(tmp_path / "pids")
        assert parent.terminate() == 0
        assert not any(map(exists, pids))
    stopped = runs.get(run)
    assert (stopped.status, stopped.reason) == ("stopped", "shutdown")
    assert stopped.left_at is not None
    again = Run.objects.get(key=run.key, number=2)
    assert (again.status, again.attempt) == ("queued", 1)
