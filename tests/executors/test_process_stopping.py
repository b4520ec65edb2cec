"""How a run in a child process is ended from outside, and that nothing of it is left (R4 C3 P3)."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from django_scheduler.executors.process import child_process
from django_scheduler.lifecycle import Finished, Paused, Resumed
from django_scheduler.states import Reason, RunStatus
from tests.executors.process_kit import exists, pids_in, started
from tests.waiting import wait_until


def _are_gone(pids: list[int]) -> bool:
    return not any(exists(pid) for pid in pids)


def test_a_function_told_to_stop_leaves_at_its_checkpoint(tmp_path):
    """C3: what it started is gone with it."""
    with started(grace=30) as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"))
        pids = pids_in(tmp_path / "pids")
        assert not _are_gone(pids)
        kit.order(run, RunStatus.STOPPED, "asked")
        end = kit.end_of(run)
        assert _are_gone(pids)
    assert (end.status, end.reason, end.left) == ("stopped", "asked", True)
    assert "killed" not in end.log


def test_a_function_that_ignores_the_stop_is_killed_after_the_grace(tmp_path):
    """C3: with all it started, whatever signals it ignores."""
    with started(grace=0.3) as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"), False)
        pids = pids_in(tmp_path / "pids")
        kit.order(run, RunStatus.STOPPED, "asked")
        end = kit.end_of(run)
        assert _are_gone(pids)
    assert (end.status, end.reason, end.left) == ("stopped", "asked", True)
    assert "did not end in time and is killed" in end.log


def test_a_run_over_its_timeout_is_killed_and_its_leaving_is_told(tmp_path):
    """R4: the run ends once, its process leaves the table, and only then has it left."""
    with started(grace=0.5) as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"), False, timeout=timedelta(seconds=3))
        pids = pids_in(tmp_path / "pids")
        (end,) = wait_until(kit.watch.overdue)
        assert isinstance(end, Finished)
        assert (end.status, end.left) == ("timed_out", False)
        assert end.progress["completed"] > 0
        assert not kit.has_left(run)
        assert not _are_gone(pids)
        wait_until(lambda: kit.has_left(run))
        assert _are_gone(pids)
        with pytest.raises(ProcessLookupError):
            os.kill(pids[0], 0)
    assert kit.recorder.of(Finished) == []


def test_progress_that_changes_in_the_child_is_life_and_repeating_is_a_stall(tmp_path):
    """P3"""
    with started(grace=0) as kit:
        stall = timedelta(seconds=1.5)
        moves = kit.begin("child.holds", str(tmp_path / "pids"), stall_timeout=stall)
        stands = kit.begin("child.stalls", stall_timeout=stall)
        wait_until(
            lambda: [each.context.said.changes > 0 for each in kit.watch.all()] == [True] * 2
        )
        (end,) = wait_until(kit.watch.overdue)
        assert (end.run_id, end.status) == (stands.run_id, "interrupted")
        wait_until(lambda: kit.has_left(stands))
        assert not kit.has_left(moves)


def test_what_waits_is_given_back_and_what_runs_is_stopped_at_shutdown(tmp_path, settings):
    """C4: within the budget after which the scheduler itself ends, however long the grace."""
    settings.DJANGO_SCHEDULER = {"FINAL_WRITE_BUDGET": 0.5}
    with started(processes=1, grace=600) as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"), False)
        waits = [kit.begin("child.awaits") for _ in range(2)]
        assert (kit.executor.waiting(), kit.executor.free_slots()) == (2, 0)
        pids = pids_in(tmp_path / "pids")
        assert kit.executor.withdraw() == waits
        kit.watch.ask_all_to_stop(RunStatus.STOPPED, Reason.SHUTDOWN)
        assert kit.executor.stop(5)
        end = kit.end_of(run)
        assert (end.status, end.reason) == ("stopped", "shutdown")
        assert _are_gone(pids)


def test_signals_to_everybody_are_the_parents_to_obey(tmp_path):
    """C4: a service manager that stops a service signals the children as well."""
    with started() as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"))
        child, _ = pids_in(tmp_path / "pids")
        os.kill(child, signal.SIGTERM)
        os.kill(child, signal.SIGINT)
        (watched,) = kit.watch.all()
        seen = watched.context.said.changes
        wait_until(lambda: watched.context.said.changes > seen + 5)
        kit.order(run, RunStatus.STOPPED, "asked")
        assert (kit.end_of(run).status, kit.end_of(run).error) == ("stopped", "")


def test_what_a_function_starts_obeys_signals_as_ever():
    with started() as kit:
        assert kit.run("child.terminates").result == [-signal.SIGTERM, -signal.SIGTERM]


def test_a_stop_that_comes_before_the_child_is_ready_is_not_lost(tmp_path):
    with started(grace=30) as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"))
        kit.order(run, RunStatus.STOPPED, "asked")
        assert (kit.end_of(run).status, kit.end_of(run).reason) == ("stopped", "asked")


def test_orders_to_pause_and_to_go_on_reach_the_function():
    """C2"""
    with started() as kit:
        run = kit.begin("child.pauses")
        (watched,) = wait_until(kit.watch.all)
        watched.context.orders.pause()
        wait_until(lambda: watched.context.data == {"seen": "pause"})
        watched.context.orders.go_on()
        assert kit.end_of(run).result == "went on"


def test_a_run_holds_at_its_checkpoint_and_its_parent_writes_that_down(tmp_path):
    """C2: what a child holds does not stall, and goes on when it is told to."""
    with started() as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"), pause_requested=True)
        wait_until(lambda: kit.recorder.of(Paused))
        (watched,) = kit.watch.all()
        wait_until(lambda: watched.is_held)
        assert (watched.context.said.changes, kit.recorder.of(Resumed)) == (0, [])
        watched.context.orders.go_on()
        wait_until(lambda: watched.context.said.changes > 0)
        assert not watched.is_held
        assert [fact.run_id for fact in kit.recorder.of(Resumed)] == [run.run_id]
        watched.context.orders.pause()
        wait_until(lambda: watched.is_held)
        kit.order(run, RunStatus.STOPPED, "asked")
        assert kit.end_of(run).status == "stopped"
    assert len(kit.recorder.of(Paused)) == 2
    assert [fact.to_end for fact in kit.recorder.of(Resumed)] == [False, True]


def test_a_run_whose_child_dies_while_it_holds_has_failed(tmp_path):
    """Of a paused run no failure is taken: it goes on first, if only to end."""
    path = tmp_path / "pids"
    with started() as kit:
        run = kit.begin("child.holds", str(path), pause_requested=True)
        wait_until(lambda: kit.recorder.of(Paused))
        (watched,) = kit.watch.all()
        wait_until(lambda: watched.is_held)
        os.kill(pids_in(path)[0], signal.SIGKILL)
        end = kit.end_of(run)
    assert (end.status, end.reason) == ("failed", "exception")
    assert [fact.to_end for fact in kit.recorder.of(Resumed)] == [True]


def test_importing_the_project_is_no_stall():
    """P3: the time counts from when the function begins."""
    with started(grace=0) as kit:
        kit.begin("child.pauses", stall_timeout=timedelta(seconds=60))
        (watched,) = wait_until(kit.watch.all)
        entered = watched.changed
        wait_until(lambda: watched.changed > entered)
        assert watched.context.said.changes == 0
        watched.context.orders.pause()
        wait_until(lambda: watched.context.data == {"seen": "pause"})


def test_time_to_heed_a_pause_counts_from_when_the_function_begins():
    """C2: importing a project may take longer than two monitor intervals."""
    with started(grace=0) as kit:
        kit.begin("child.pauses", pause_requested=True)
        (watched,) = wait_until(kit.watch.all)
        wait_until(lambda: watched.asked_to_pause is None)
        assert kit.watch.unheeded(0) == []
        wait_until(lambda: watched.context.data == {"seen": "pause"})
        assert kit.watch.unheeded(0) == [watched]


def test_a_pause_that_was_taken_back_meanwhile_holds_nothing(tmp_path):
    with started() as kit:
        run = kit.begin("child.holds", str(tmp_path / "pids"), pause_requested=True)
        (watched,) = wait_until(kit.watch.all)
        watched.context.orders.go_on()
        wait_until(lambda: watched.context.said.changes > 0)
        kit.order(run, RunStatus.STOPPED, "asked")
        assert kit.end_of(run).status == "stopped"


def test_a_thread_that_does_not_end_holds_the_child_back_no_longer_than_the_grace():
    with started(grace=0.5) as kit:
        end = kit.run("child.lingers")
        assert end.duration < timedelta(seconds=20)
    assert (end.status, end.result) == ("succeeded", "done")
    assert "did not end in time and is killed" in end.log


def test_without_a_grace_a_run_that_ends_by_itself_is_not_killed():
    with started(grace=0) as kit:
        end = kit.run("child.awaits")
    assert (end.status, end.log) == ("succeeded", "")


def test_a_process_that_left_the_group_keeps_nobody_waiting(tmp_path, monkeypatch):
    """What starts a session of its own outlives the run, and holds the run's output open."""
    monkeypatch.setattr(child_process, "GROUP_PATIENCE", 0.2)
    path = tmp_path / "pid"
    with started() as kit:
        assert kit.run("child.starts_a_session", str(path)).status == "succeeded"
    (pid,) = pids_in(path)
    assert exists(pid)
    Path(f"{path}.end").touch()
    wait_until(lambda: not exists(pid))
