"""Coroutines in the event loop of a real scheduler process (E4 C3 C4 P5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_scheduler import jobs, runs
from django_scheduler.models import Process, Run
from tests.concurrency.children import scheduler_process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OVERRIDES = {
    "EXECUTORS": {
        "asyncio": {
            "BACKEND": "django_scheduler.executors.event_loop.AsyncioExecutor",
            "OPTIONS": {"grace": 0.3},
        }
    }
}


def _begun(run: Run, notes: Path) -> bool:
    return notes.exists() and runs.get(run).status == "running"


def test_a_coroutine_that_does_not_look_is_stopped_and_cleans_up(subprocess_env, tmp_path):
    """C3: the alias exists without being declared; here only its grace is shorter."""
    notes = tmp_path / "notes"
    jobs.add("waiting", function="tests.awaits", args=[str(notes)], executor="asyncio")
    with scheduler_process(subprocess_env, tmp_path, overrides=OVERRIDES):
        run = jobs.trigger("waiting")
        wait_until(lambda: _begun(run, notes))
        runs.stop(run)
        ended = runs.wait(run, timeout=20)
    assert (ended.status, ended.reason, ended.error) == ("stopped", "asked", "")
    assert notes.read_text().splitlines()[1:] == ["cleaned up"]
    assert ended.left_at == ended.finished_at


def test_a_timeout_is_recorded_and_the_coroutine_leaves_at_once(subprocess_env, tmp_path):
    """R4"""
    notes = tmp_path / "notes"
    jobs.add("slow", function="tests.awaits", args=[str(notes)], executor="asyncio", timeout=0.5)
    with scheduler_process(subprocess_env, tmp_path, overrides=OVERRIDES):
        run = jobs.trigger("slow")
        wait_until(lambda: runs.get(run).left_at is not None)
    ended = runs.get(run)
    assert ended.status == "timed_out"
    assert ended.left_at >= ended.finished_at
    assert "cleaned up" in notes.read_text()


def test_a_shutdown_cancels_what_runs_and_leaves_it_to_run_again(subprocess_env, tmp_path):
    """C4: an orderly shutdown burns no attempt."""
    notes = tmp_path / "notes"
    jobs.add("waiting", function="tests.awaits", args=[str(notes)], executor="asyncio")
    with scheduler_process(subprocess_env, tmp_path, "one", "--shutdown-grace", "0") as child:
        run = jobs.trigger("waiting")
        wait_until(lambda: _begun(run, notes))
        assert child.terminate() == 0
    ended = runs.get(run)
    assert (ended.status, ended.reason) == ("stopped", "shutdown")
    assert notes.read_text().splitlines()[1:] == ["cleaned up"]
    again = Run.objects.exclude(pk=run.pk).get()
    assert (again.status, again.attempt, again.process) == ("queued", ended.attempt, None)


def test_a_process_whose_loop_is_held_lives_on(subprocess_env, tmp_path):
    """P5: longer than its lease, in sight of another one that would take it for dead."""
    notes = tmp_path / "notes"
    jobs.add("holding", function="tests.blocks", args=[str(notes), 4.0], executor="asyncio")
    with scheduler_process(subprocess_env, tmp_path, "one") as child:
        run = jobs.trigger("holding")
        wait_until(lambda: _begun(run, notes))
        with scheduler_process(subprocess_env, tmp_path, "two"):
            ended = runs.wait(run, timeout=30)
        log = child.log.read_text()
    assert (ended.status, ended.result, ended.attempt) == ("succeeded", "let go", 1)
    assert Process.objects.filter(state="dead").count() == 0
    named = f"Run {run.pk} of holding has held the event loop"
    assert log.count(named) == 1
    assert named in ended.log
