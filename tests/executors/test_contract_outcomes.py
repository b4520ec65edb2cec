"""What is recorded of a run, wherever it was carried out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group

from django_scheduler.lifecycle import Finished, Started
from tests.executors.contract_kit import CARRIERS, ELSEWHERE, Tried, trying

BAD = ["ValueError", "SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError", "Rude"]


@pytest.fixture(params=list(CARRIERS))
def tried(request: pytest.FixtureRequest) -> Iterator[Tried]:
    with trying(CARRIERS[request.param]) as tried:
        yield tried


def test_a_result_is_kept_after_the_start_was_told(tried):
    """R1 R8"""
    dispatch = tried.begin("contract.returns", {"rows": [1, None, "é"]})
    end = tried.end_of(dispatch)
    assert (end.status, end.reason, end.error) == ("succeeded", "", "")
    assert (end.result, end.left) == ({"rows": [1, None, "é"]}, True)
    (start,) = tried.recorder.of(Started)
    assert start.at == end.started_at >= dispatch.due_at
    assert end.duration.total_seconds() >= 0


def test_a_result_that_cannot_be_kept_fails_nothing(tried):
    """R8"""
    end = tried.run("contract.unkeepable")
    assert (end.status, end.result) == ("succeeded", None)
    assert "not kept" in end.log


@pytest.mark.parametrize("kind", BAD)
def test_whatever_is_raised_is_a_failed_run_and_harms_nobody(tried, kind):
    """R3"""
    bad, good = tried.begin("contract.raises", kind), tried.begin("contract.returns")
    end = tried.end_of(bad)
    assert (end.status, end.reason) == ("failed", "exception")
    assert end.error.startswith(kind)
    assert "contract_jobs.py" in end.traceback
    assert any(name.endswith(f".{kind}") for name in end.error_types)
    assert tried.end_of(good).status == "succeeded"
    assert tried.executor.stop(10)
    assert len(tried.recorder.of(Finished)) == 2


def test_an_exit_with_words_is_a_failed_run_with_these_words(tried):
    """R3"""
    assert tried.run("contract.raises", "sys.exit").error == "SystemExit: enough"


def test_a_stop_iteration_is_no_end_of_ours(tried):
    """R3: a generator, and a future, would take it for something else."""
    end = tried.run("contract.raises", "StopIteration")
    assert (end.status, end.reason) == ("failed", "exception")
    assert "StopIteration" in end.error


def test_a_function_may_say_that_there_was_nothing_to_do(tried):
    """Y2"""
    end = tried.run("contract.skips")
    assert (end.status, end.reason) == ("skipped", "nothing_new")


def test_a_function_may_ask_to_be_tried_again(tried):
    """Y2"""
    end = tried.run("contract.wants_later")
    assert (end.status, end.reason) == ("failed", "retry_later")
    assert end.retry_in.total_seconds() == 90


def test_arguments_that_do_not_fit_fail_the_run(tried):
    """J10"""
    end = tried.run("contract.returns", kwargs={"gone": 1})
    assert (end.status, end.reason) == ("failed", "arguments")
    assert "gone" in end.error


def test_an_unknown_function_fails_the_run_and_is_named(tried):
    end = tried.run("contract.nowhere")
    assert end.status == "failed"
    assert "contract.nowhere" in end.error


def test_a_function_and_its_hooks_know_their_run(tried, tmp_path):
    """X1"""
    end = tried.run("contract.sees", key="occurrence", kwargs={})
    run_id = str(end.run_id)
    assert end.result == {"here": run_id, "given": run_id, "key": "occurrence", "kwargs": {}}
    (tmp_path / "go").touch()
    end = tried.run("contract.hooked", str(tmp_path / "go"))
    assert end.data["knows"] == str(end.run_id)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("", ["on_start", "on_success", "on_finally"]),
        ("ValueError", ["on_start", "on_error ValueError", "on_finally"]),
    ],
)
def test_hooks_are_called_in_their_order(tried, tmp_path, kind, told):
    """H1"""
    (tmp_path / "go").touch()
    end = tried.run("contract.hooked", str(tmp_path / "go"), kind)
    assert end.status == ("failed" if kind else "succeeded")
    assert end.data["told"] == told
    assert end.hook_errors == {}


def test_what_was_said_and_logged_is_kept(tried, tmp_path):
    """P1 X2 R9"""
    (tmp_path / "go").touch()
    end = tried.run("contract.says", str(tmp_path / "go"))
    assert end.data["number"] == 7
    assert (end.progress["completed"], end.progress["total"]) == (1, 4)
    assert end.progress["message"] == "a quarter"
    assert "WARNING tests.contract: a quarter is done" in end.log


def test_what_another_run_logs_is_not_kept(tried, tmp_path):
    """R9"""
    (tmp_path / "go").touch()
    silent = tried.begin("contract.holds", str(tmp_path / "go"))
    tried.begin("contract.says", str(tmp_path / "go"))
    assert tried.end_of(silent).log == ""


@pytest.mark.django_db(transaction=True)
def test_a_transaction_left_open_fails_its_run_and_harms_no_other(tried):
    end = tried.run("contract.leaks", "lost")
    assert end.status == "failed"
    assert end.error.startswith("TransactionLeftOpen")
    assert tried.run("contract.writes", "kept").result is False
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("carrier", ELSEWHERE)
def test_a_broken_connection_harms_no_other_run(carrier):
    """Inline there is but the connection of whoever dispatches."""
    with trying(CARRIERS[carrier]) as tried:
        tried.run("contract.breaks")
        assert tried.executor.stop(10)
        end = tried.run("contract.writes", "kept")
    assert (end.status, end.error) == ("succeeded", "")
    assert list(Group.objects.values_list("name", flat=True)) == ["kept"]
