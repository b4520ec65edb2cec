"""What a run in a child process may do, and what is known of it afterwards (E5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections

from django_scheduler import registry
from django_scheduler.executors.process import child_process
from django_scheduler.registry import Definition
from tests.executors.process_kit import Kit, exists, pids_in, started
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with started() as kit:
        yield kit


def test_what_a_run_says_crosses_to_the_parent(kit):
    """X1 X2 P1 R8 R9"""
    end = kit.run("child.behaves", 7, "é", metadata={"team": "a"}, key="occurrence")
    result = end.result
    assert (end.status, end.error) == ("succeeded", "")
    assert result.pop("pid") not in (os.getpid(), None)
    assert result == {
        "current": str(end.run_id),
        "key": "occurrence",
        "metadata": {"team": "a"},
        "started_at": end.started_at.isoformat(),
        "stdin": "",
    }
    assert end.data == {"number": 7, "text": "é"}
    assert (end.progress["completed"], end.progress["message"]) == (1, "half way")
    assert end.run_again_in.total_seconds() == 90


def test_what_is_logged_and_printed_is_kept_once(kit, capfd):
    """R9: a record that goes to the console as well is no output of the run."""
    log = kit.run("child.behaves", 7, "é").log
    assert log.count("logged 7") == 1
    assert "WARNING tests.child: logged 7" in log
    assert [line for line in log.splitlines() if line.startswith("| ")] == [
        "| printed é",
        "| \ufffd written past Python",
    ]
    shown = capfd.readouterr().err
    assert "logged 7\n" in shown
    assert "printed é\n" in shown


def test_output_can_be_left_alone(capfd):
    with started(capture_output=False) as kit:
        log = kit.run("child.behaves", 7).log
    assert "printed" not in log
    assert log.count("logged 7") == 1
    assert "printed" in capfd.readouterr().err


def test_a_coroutine_function_is_awaited(kit):
    assert kit.run("child.awaits").result == "child.awaits"


def test_no_exception_of_a_function_is_more_than_a_failed_run(kit):
    """R3"""
    runs = {kind: kit.begin("child.raises", kind) for kind in ("value", "exit", "interrupt")}
    ends = {kind: kit.end_of(run) for kind, run in runs.items()}
    assert {(end.status, end.reason) for end in ends.values()} == {("failed", "exception")}
    assert {kind: end.error for kind, end in ends.items()} == {
        "value": "ValueError: bad value",
        "exit": "SystemExit: 4",
        "interrupt": "KeyboardInterrupt",
    }
    assert "raise errors[kind]\nValueError: bad value" in ends["value"].traceback
    assert "builtins.ValueError" in ends["value"].error_types


def test_a_function_that_only_the_parent_knows_is_not_registered(kit):
    registry.register(Definition("local", lambda: None))
    try:
        end = kit.run("local")
    finally:
        registry.unregister("local")
    assert (end.status, end.reason) == ("failed", "arguments")
    assert "FunctionNotRegistered" in end.error


def test_arguments_that_do_not_fit_fail_the_run_without_calling(kit):
    end = kit.run("child.awaits", "too many")
    assert (end.status, end.reason) == ("failed", "arguments")
    assert "InvalidArguments" in end.error


def test_a_child_that_dies_fails_its_own_run_only(kit):
    """R3: os._exit, a signal, a crash, all pipes closed."""
    ways = ("exit", "kill", "segfault", "close")
    with started(processes=5, grace=1) as kit:
        runs = {how: kit.begin("child.dies", how) for how in ways}
        beside = kit.begin("child.awaits")
        ends = {how: kit.end_of(run) for how, run in runs.items()}
        assert kit.end_of(beside).status == "succeeded"
    assert {(end.status, end.reason) for end in ends.values()} == {("failed", "exception")}
    said = "ChildDied: The child process {} before it told how the run ended."
    assert ends["exit"].error == said.format("ended with exit code 3")
    assert ends["kill"].error == said.format("was killed by SIGKILL")
    assert ends["segfault"].error == said.format("was killed by SIGSEGV")
    assert "was killed by SIGKILL" in ends["close"].error
    assert ends["exit"].log == "| about to die: exit"
    assert "| Fatal Python error: Segmentation fault" in ends["segfault"].log
    assert "django_scheduler.exceptions.ChildDied" in ends["kill"].error_types


def test_a_function_may_break_its_own_streams_and_threads(kit):
    end = kit.run("child.breaks")
    assert (end.status, end.result) == ("succeeded", None)
    assert "still heard" in end.log
    assert "not kept" in end.log


def test_output_of_megabytes_is_bounded_and_delays_no_outcome(kit, capfd):
    """R9"""
    end = kit.run("child.prints", 4, 1000)
    assert end.status == "succeeded"
    assert len(end.result) == 60_000
    assert len(end.log) <= 64 * 1024 + 100
    assert end.log.endswith("| the end")
    assert "\x00" not in end.log


def test_what_is_longer_than_a_pipe_holds_crosses_both_ways(kit):
    end = kit.run("child.saves", 900_000)
    assert len(end.data["text"]) == 900_000
    end = kit.run("child.behaves", 1, "a" * 900_000)
    assert len(end.data["text"]) == 900_000


def test_a_copy_that_a_function_forks_has_no_say_and_does_not_outlive_it(kit, tmp_path):
    end = kit.run("child.forks", str(tmp_path / "copy"))
    assert (end.status, end.result) == ("succeeded", "from the child")
    (copy,) = pids_in(tmp_path / "copy")
    wait_until(lambda: not exists(copy), seconds=2)


def test_settings_that_cannot_be_imported_fail_the_run_and_say_so(kit, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "nowhere.settings")
    end = kit.run("child.awaits")
    assert (end.status, end.reason) == ("failed", "exception")
    assert end.error == (
        "The child process could not set up Django: ModuleNotFoundError: No module named 'nowhere'"
    )
    assert "builtins.ModuleNotFoundError" in end.error_types


def test_settings_without_a_module_are_refused_with_the_remedy(kit, monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE")
    monkeypatch.setattr(child_process, "settings", SimpleNamespace(SETTINGS_MODULE=None))
    end = kit.run("child.awaits")
    assert end.status == "failed"
    assert "BackendUnsupported" in end.error
    assert "Put them into a module" in end.error


def test_a_database_in_memory_is_refused_with_the_remedy(kit, settings, monkeypatch):
    """D1: a child would find another, empty one."""
    memory = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
    }
    monkeypatch.setitem(connections.settings, "memory", memory)
    settings.DJANGO_SCHEDULER = {"DATABASE": "memory"}
    end = kit.run("child.awaits")
    assert end.status == "failed"
    assert "BackendUnsupported: The database 'memory' is SQLite in the memory" in end.error
    assert "Give it a file" in end.error


def test_a_spare_child_is_ready_before_its_run_and_is_used_once(tmp_path):
    with started(spare=1, processes=1) as kit:
        ready: Any = wait_until(lambda: list(kit.executor._spares))
        first = kit.run("child.behaves", 1).result["pid"]
        assert first == ready[0].pid
        second: Any = wait_until(lambda: list(kit.executor._spares))[0]
        assert second.pid != first
        os.kill(second.pid, 9)
        wait_until(second.has_ended)
        assert kit.run("child.behaves", 1).result["pid"] not in (first, second.pid)
        last: Any = wait_until(lambda: list(kit.executor._spares))[0]
    wait_until(lambda: not exists(last.pid), seconds=2)
