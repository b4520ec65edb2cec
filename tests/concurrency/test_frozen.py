"""What real processes do that are killed, frozen, or stopped in the middle (P5, P6, I3-I6, I8)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from django_scheduler import every, jobs, manual, runs
from django_scheduler.clock import SystemClock
from django_scheduler.models import Process, Run
from django_scheduler.models.vendors import writing
from django_scheduler.runner import Identity
from tests.concurrency.children import SHORT_LEASE, scheduler_process
from tests.waiting import wait_until as _wait_until

pytestmark = pytest.mark.django_db(transaction=True)

wait_until = partial(_wait_until, seconds=60)

# After the lock each has 1.5 beats, 6 s, to get its turn on a busy machine before it is judged.
SLOW_BEATS = {"LEASE": 8, "HEARTBEAT_INTERVAL": 4, "POLL_INTERVAL": 0.5, "RECONCILE_INTERVAL": 5}
LONG_LEASE = {"LEASE": 60, "HEARTBEAT_INTERVAL": 20}


def _status(run):
    return runs.get(run).status


def _lines(path):
    return path.read_text().splitlines() if path.exists() else []


def _only_once(name):
    """Each attempt at an occurrence has one row, and no occurrence succeeded twice."""
    made = Counter(Run.objects.filter(job_name=name).values_list("key", "number"))
    done = Run.objects.filter(job_name=name, status="succeeded")
    return max(made.values()) == 1 and max(Counter(done.values_list("key")).values()) == 1


def _freeze(child):
    """Stop it, but never inside SQLite's write lock: this transaction has it meanwhile."""
    with writing("default"):
        child.send(signal.SIGSTOP)
        os.waitpid(child.process.pid, os.WUNTRACED)


@pytest.mark.skipif(Identity.own() is None, reason="this system does not tell who has ended")
def test_what_a_killed_process_held_goes_on_at_its_restart(subprocess_env, tmp_path):
    """P5: though its lease is a minute long."""
    args = [str(tmp_path / "notes"), str(tmp_path / "go")]
    jobs.add("held", function="tests.hold", args=args)
    with scheduler_process(subprocess_env, tmp_path, "one", overrides=LONG_LEASE) as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        child.kill()
    dead = Process.objects.get()
    assert dead.state == "running"
    (tmp_path / "go").touch()
    with scheduler_process(subprocess_env, tmp_path, "one again", overrides=LONG_LEASE):
        assert Process.objects.get(pk=dead.pk).state == "dead"
        again = wait_until(lambda: Run.objects.filter(key=run.key, number=2).first())
        assert runs.wait(again, timeout=60).status == "succeeded"
    assert _status(run) == "lost"
    assert runs.get(run).finished_at < dead.lease_until


def test_a_process_frozen_past_its_lease_begins_nothing_and_starts_over(subprocess_env, tmp_path):
    """P6, I3, I4, I6"""
    jobs.add("held", function="tests.hold", args=[str(tmp_path / "notes"), str(tmp_path / "go")])
    with scheduler_process(subprocess_env, tmp_path, "frozen") as child:
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        old = Process.objects.get()
        jobs.add(
            "tick", function="tests.note", args=[str(tmp_path / "ticks")], schedule=every(seconds=1)
        )
        wait_until(lambda: Run.objects.filter(job_name="tick", status="succeeded").exists())
        _freeze(child)
        with scheduler_process(subprocess_env, tmp_path, "other"):
            wait_until(lambda: _status(run) == "lost")
            lost = runs.get(run)
            (tmp_path / "go").touch()
            again = Run.objects.get(key=run.key, number=2)
            assert runs.wait(again, timeout=60).status == "succeeded"
            child.send(signal.SIGCONT)
            anew = wait_until(
                lambda: Process.objects.filter(name="frozen", state="running").first()
            )
            # Its function has returned by now, or soon will: too late to be told.
            wait_until(lambda: Run.objects.filter(process=anew.pk, status="succeeded").exists())
    assert anew.pk != old.pk
    assert Process.objects.get(pk=old.pk).state == "dead"
    _assert_its_late_words_changed_nothing(lost, old)
    assert _only_once("tick")


def _assert_its_late_words_changed_nothing(lost, old):
    found = runs.get(lost)
    assert (found.status, found.finished_at, found.result) == ("lost", lost.finished_at, None)
    assert Run.objects.filter(key=lost.key).count() == 2
    begun_late = Run.objects.filter(process=old.pk, started_at__gte=lost.finished_at)
    assert begun_late.count() == 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="servers lock rows")
def test_a_locked_file_costs_nobody_its_life(subprocess_env, tmp_path):
    """I4: all beats fail together; nobody gives up its runs, nor judges others."""
    jobs.add("held", function="tests.hold", args=[str(tmp_path / "notes"), str(tmp_path / "go")])
    with (
        scheduler_process(subprocess_env, tmp_path, "one", overrides=SLOW_BEATS) as one,
        scheduler_process(subprocess_env, tmp_path, "two", overrides=SLOW_BEATS) as two,
    ):
        run = jobs.trigger("held")
        wait_until(lambda: _status(run) == "running")
        before = set(Process.objects.values_list("pk", flat=True))
        clock, beat = SystemClock(), timedelta(seconds=SLOW_BEATS["HEARTBEAT_INTERVAL"])
        with writing("default"):
            Process.objects.filter(name="nobody").update(name="nothing")
            # No lease holds any more: were it judged by leases alone, both would be dead.
            wait_until(lambda: not Process.objects.filter(lease_until__gt=clock.now()).exists())
        # Who has beaten for so long has judged the other one in the meantime.
        judged = clock.now() + 2.5 * beat
        alive = Process.objects.filter(state="running")
        wait_until(lambda: not alive.filter(heartbeat_at__lt=judged).exists())
        (tmp_path / "go").touch()
        assert runs.wait(run, timeout=60).status == "succeeded"
        assert set(Process.objects.filter(state="running").values_list("pk", flat=True)) == before
        assert [one.terminate(), two.terminate()] == [0, 0]
    assert Run.objects.count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks the file: see databases.md")
def test_a_claimer_stopped_in_its_transaction_holds_its_rows_for_a_moment_only(
    subprocess_env, tmp_path
):
    """I8: a second scheduler claims them although the first one's lease goes on."""
    lease = {**SHORT_LEASE, "LEASE": 12, "HEARTBEAT_INTERVAL": 3}
    env = {**subprocess_env, "TEST_DJANGO_SCHEDULER": json.dumps(lease)}
    jobs.add("tick", function="tests.note", args=[str(tmp_path / "ticks")], schedule=manual())
    jobs.update("tick", schedule=every(seconds=1))
    stopped = subprocess.Popen(
        [sys.executable, "-m", "tests.concurrency.stopped_claimer", str(tmp_path / "stopped")],
        env=env,
    )
    try:
        wait_until((tmp_path / "stopped").exists)
        since = Process.objects.get(name="stopped").heartbeat_at
        with scheduler_process(subprocess_env, tmp_path, "other", overrides=lease):
            done = wait_until(lambda: Run.objects.filter(status="succeeded").first())
            assert done.finished_at - since < timedelta(seconds=10)
            assert Process.objects.get(name="stopped").state == "running"
            os.kill(stopped.pid, signal.SIGCONT)
            seen = Run.objects.count()
            wait_until(lambda: Run.objects.filter(status="succeeded").count() > seen + 2)
        assert _only_once("tick")
    finally:
        stopped.kill()
        stopped.wait()
