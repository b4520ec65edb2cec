"""What real processes do when they are stopped, killed and started again (C4, P5, T1)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from django_scheduler import every, jobs, runs
from django_scheduler.models import Process, Run
from django_scheduler.states import OPEN, RunStatus
from tests.concurrency.children import scheduler_process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def _status(run: Run) -> str:
    return runs.get(run).status


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_triggered_job_runs_in_the_scheduler_process(subprocess_env, tmp_path):
    """T3, R1"""
    jobs.add("noted", function="tests.note", args=[str(tmp_path / "notes")])
    with scheduler_process(subprocess_env, tmp_path) as child:
        run = runs.wait(jobs.trigger("noted"), timeout=20)
        process = Process.objects.get(pk=run.process)
        assert (run.status, process.pid) == ("succeeded", child.process.pid)
        assert child.terminate() == 0
        assert _lines(child.log)[-2:] == ["Stopping.", "The scheduler has stopped."]
    assert Process.objects.get(pk=run.process).state == "stopped"


def test_sigterm_lets_a_running_job_end_and_records_it(subprocess_env, tmp_path):
    """C4"""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    with scheduler_process(subprocess_env, tmp_path) as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        child.process.terminate()
        waits = "Stopping: waiting up to 30 s for 1 run; a second signal stops at once."
        wait_until(lambda: waits in _lines(child.log))
        (tmp_path / "go").touch()
        assert child.process.wait(30) == 0
    found = runs.get(run)
    assert (found.status, found.result) == ("succeeded", "done")


def test_sigterm_gives_back_what_has_not_begun(subprocess_env, tmp_path):
    """C4"""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args, overlap="allow")
    with scheduler_process(subprocess_env, tmp_path, "one", "--threads", "1") as child:
        first = jobs.trigger("held")
        wait_until(lambda: _status(first) == "running")
        second = jobs.trigger("held")
        child.process.terminate()
        wait_until(lambda: Process.objects.get().state == "stopping")
        (tmp_path / "go").touch()
        assert child.process.wait(30) == 0
    waiting = runs.get(second)
    assert (waiting.status, waiting.process) == ("queued", None)
    assert waiting.due_at is not None


def test_a_job_that_outlives_the_grace_is_stopped_and_runs_again(subprocess_env, tmp_path):
    """C4: an orderly shutdown burns no attempt."""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    with scheduler_process(subprocess_env, tmp_path, "one", "--shutdown-grace", "0") as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        assert child.terminate() == 0
    stopped = runs.get(run)
    assert (stopped.status, stopped.reason) == ("stopped", "shutdown")
    again = Run.objects.get(key=run.key, number=2)
    assert (again.status, again.attempt) == ("queued", 1)


def test_a_second_signal_ends_the_process_at_once(subprocess_env, tmp_path):
    """C4"""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    with scheduler_process(subprocess_env, tmp_path) as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        child.process.terminate()
        wait_until(lambda: Process.objects.get().state == "stopping")
        child.process.terminate()
        assert child.process.wait(10) == 1


def test_a_killed_processs_run_is_lost_and_retried_by_another(subprocess_env, tmp_path):
    """P5"""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    with scheduler_process(subprocess_env, tmp_path, "one") as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        # Its start is told before it is called.
        wait_until((tmp_path / "notes").exists)
        child.kill()
    (tmp_path / "go").touch()
    with scheduler_process(subprocess_env, tmp_path, "two") as other:
        wait_until(lambda: _status(run) == "lost")
        again = Run.objects.get(key=run.key, number=2)
        assert runs.wait(again, timeout=20).status == "succeeded"
        assert other.terminate() == 0
    assert _lines(tmp_path / "notes") == [f"{run.key} 1", f"{run.key} 2"]


def test_a_job_that_must_not_repeat_stays_lost(subprocess_env, tmp_path):
    """semantics 1: at most once."""
    jobs.add("fatal", function="tests.die", args=[str(tmp_path / "notes")], on_lost="fail")
    with scheduler_process(subprocess_env, tmp_path, "one") as child:
        run = jobs.trigger("fatal")
        child.process.wait(20)
    with scheduler_process(subprocess_env, tmp_path, "two"):
        wait_until(lambda: _status(run) == "lost")
    assert Run.objects.filter(key=run.key).count() == 1
    assert _lines(tmp_path / "notes") == ["called"]


def test_kills_and_restarts_leave_one_row_an_occurrence_and_attempt(subprocess_env, tmp_path):
    """T1, I1: two schedulers at once, one of them killed again and again."""
    for number in range(5):
        jobs.add(
            f"noted {number}",
            function="tests.note",
            schedule=every(seconds=1),
            args=[str(tmp_path / "notes")],
            misfire_grace=0,
            catch_up="all",
            overlap="allow",
        )
    with scheduler_process(subprocess_env, tmp_path, "steady"):
        for round_number in range(4):
            with scheduler_process(subprocess_env, tmp_path, f"killed {round_number}") as child:
                before = Run.objects.count()
                wait_until(lambda seen=before: Run.objects.count() > seen + 10)
                child.kill()
        for number in range(5):
            jobs.pause(f"noted {number}")
        wait_until(lambda: not Run.objects.filter(status__in=[s.value for s in OPEN]).exists())
    made = Counter(Run.objects.values_list("job_name", "key", "number"))
    assert max(made.values()) == 1
    succeeded = Run.objects.filter(status=RunStatus.SUCCEEDED.value)
    once = Counter(succeeded.values_list("job_name", "key"))
    assert max(once.values()) == 1
    _assert_every_second_is_accounted_for("noted 1")


def _assert_every_second_is_accounted_for(name: str) -> None:
    """Each nominal instant between the first and the last run has its row."""
    instants = sorted(
        set(Run.objects.filter(job_name=name).values_list("scheduled_for", flat=True))
    )
    steps = {later - sooner for sooner, later in pairwise(instants)}
    assert steps == {timedelta(seconds=1)}


def test_once_runs_what_is_due_and_ends(subprocess_env, tmp_path):
    """W2"""
    jobs.add("noted", function="tests.note", args=[str(tmp_path / "notes")])
    run = jobs.trigger("noted")
    done = subprocess.run(
        [sys.executable, "-m", "django", "runscheduler", "--once"],
        env=subprocess_env,
        timeout=60,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, _status(run)) == (0, "succeeded"), done.stderr
