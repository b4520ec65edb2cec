"""`runscheduler` under the reloader ends in order all the same (W2, C4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from django_scheduler import jobs, runs
from django_scheduler.models import Process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reloading(subprocess_env, tmp_path):
    """A `runscheduler` with DEBUG on, in a process group of its own as in a terminal."""
    # Imported by every Python that starts with this path: a file of our own to be watched.
    (tmp_path / "sitecustomize.py").touch()
    paths = os.pathsep.join([str(tmp_path), subprocess_env["PYTHONPATH"]])
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "django", "runscheduler"],
            env={**subprocess_env, "TEST_DEBUG": "1", "PYTHONPATH": paths},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(lambda: "is running" in (tmp_path / "log").read_text())
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _press_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.parametrize("end", [_press_ctrl_c, subprocess.Popen.terminate])
def test_a_running_job_is_recorded_when_it_is_told_to_end(reloading, tmp_path, end):
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    run = jobs.trigger("held")
    wait_until(lambda: runs.get(run).status == "running")
    end(reloading)
    wait_until(lambda: Process.objects.get().state == "stopping")
    (tmp_path / "go").touch()
    assert reloading.wait(30) == 0
    assert runs.get(run).status == "succeeded"
    assert Process.objects.get().state == "stopped"


def test_a_changed_file_starts_it_anew(reloading, tmp_path):
    first = wait_until(lambda: Process.objects.filter(state="running").first())

    def started_anew():
        (tmp_path / "sitecustomize.py").touch()
        return Process.objects.filter(state="running").exclude(pk=first.pk).exists()

    wait_until(started_anew, interval=0.5)
    assert Process.objects.get(pk=first.pk).state == "stopped"


def test_a_start_that_cannot_succeed_ends_with_an_error(subprocess_env):
    done = subprocess.run(
        [sys.executable, "-m", "django", "runscheduler", "--threads", "0"],
        env={**subprocess_env, "TEST_DEBUG": "1"},
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "--threads must be 1 or more" in done.stderr
