"""Every executor hands runs what earlier ones left, and keeps what they leave (X3)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from django_scheduler import jobs, runs
from django_scheduler.clock import SystemClock
from django_scheduler.executors import Executor
from django_scheduler.executors.celery import worker
from django_scheduler.executors.inline import InlineExecutor
from django_scheduler.executors.process import ProcessExecutor
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.lifecycle import Finished
from django_scheduler.models import Job
from django_scheduler.runner import Runner, Watch
from django_scheduler.states import RunStatus
from tests.executors.doubles import Recorder, make_dispatch
from tests.executors.process_kit import started
from tests.facades.fixed import make_row
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": lambda: InlineExecutor("tried"),
    "thread_pool": lambda: ThreadPoolExecutor("tried", threads=1),
    "process": lambda: ProcessExecutor("tried", processes=1),
}


@pytest.fixture
def job() -> Job:
    """A job whose fifth run comes next."""
    job = jobs.add("carries", function="child.carries", carried_state={"runs": 4})
    make_row(job, status="succeeded", result="before", key="1")
    make_row(job, status="failed", result=None, key="2")
    return job


@pytest.mark.parametrize("name", list(MAKERS))
def test_a_run_has_what_was_left_and_leaves_its_own(job, name):
    executor, recorder, clock = MAKERS[name](), Recorder(), SystemClock()
    executor.start(Runner(clock, recorder, Watch(clock)), recorder, clock)
    executor.submit(make_dispatch(function="child.carries", job_id=job.pk))
    wait_until(lambda: recorder.of(Finished))
    executor.withdraw()
    assert executor.stop(10)
    (end,) = recorder.of(Finished)
    assert (end.status, end.error) == ("succeeded", "")
    assert end.result == [{"runs": 4}, "before"]
    assert end.carried_state == {"runs": 5}


def test_a_child_that_is_killed_leaves_what_it_had_at_its_last_checkpoint(job, tmp_path):
    with started() as kit:
        run = kit.begin("child.carries", str(tmp_path / "never"), job_id=job.pk)
        (watched,) = wait_until(kit.watch.all)
        wait_until(lambda: watched.context.said.report().state)
        os.kill(watched.context.data["pid"], signal.SIGKILL)
        end = kit.end_of(run)
    assert end.status == RunStatus.FAILED
    assert end.carried_state == {"runs": 5}


@pytest.mark.usefixtures("worker_side")
def test_a_celery_worker_carries_state_from_run_to_run(remote_job, calls):
    """E2"""

    def count() -> int:
        state = calls.contexts[-1].state
        state["runs"] = state.get("runs", 0) + 1
        return state["runs"]

    calls.behaviour = count
    results = []
    for _ in range(2):
        run = jobs.trigger("remote")
        worker.carry_out(str(run.pk))
        results.append(runs.get(run.pk).result)
    assert results == [1, 2]
    assert jobs.get("remote").carried_state == {"runs": 2}
