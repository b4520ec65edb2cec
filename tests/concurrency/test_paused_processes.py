"""Paused runs whose processes end, one way or the other (C2, C4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_scheduler import jobs, runs
from django_scheduler.models import Run
from tests.concurrency.children import Child, scheduler_process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = {
    "told to end": (Child.terminate, ("stopped", "shutdown"), 1),
    "killed": (Child.kill, ("lost", "worker_lost"), 2),
}
"""How a process ends: its run's status and reason, and the attempt of the run that follows."""


@pytest.mark.parametrize("how", ENDS)
def test_a_run_stays_paused_in_the_next_process_until_it_is_resumed(subprocess_env, tmp_path, how):
    end, outcome, attempt = ENDS[how]
    go: Path = tmp_path / "go"
    jobs.add("held", function="tests.hold", args=[str(tmp_path / "notes"), str(go)])
    with scheduler_process(subprocess_env, tmp_path, "one") as child:
        run = jobs.trigger("held")
        wait_until((tmp_path / "notes").exists)
        wait_until(lambda: runs.get(run).status == "running")
        runs.pause(run)
        wait_until(lambda: runs.get(run).status == "paused")
        end(child)
    with scheduler_process(subprocess_env, tmp_path, "two") as other:
        after = wait_until(lambda: Run.objects.filter(number=2).first())
        wait_until(lambda: runs.get(after).status == "paused")
        found = runs.get(run)
        assert (found.status, found.reason) == outcome
        runs.resume(after)
        go.touch()
        done = runs.wait(after, 20)
        assert (done.status, done.result, done.attempt) == ("succeeded", "done", attempt)
        assert other.terminate() == 0
    assert Run.objects.count() == 2
