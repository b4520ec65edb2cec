"""How a run ends, whatever its function and hooks do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from django_scheduler import Hook, current_run, jobs, registry, runs
from django_scheduler.exceptions import InvalidData, SchedulerError
from django_scheduler.models import Run
from django_scheduler.registry import Definition


@pytest.fixture
def perform(manual_scheduler: Any) -> Iterator[Any]:
    """Run a function once as a job and return its run as recorded."""
    names = []

    def perform(function: Any, *, hooks: dict[str, Hook] | None = None, **fields: Any) -> Run:
        name = f"function {len(names)}"
        registry.register(Definition(name, function, hooks=hooks or {}))
        names.append(name)
        jobs.add(name, **fields)
        run = jobs.trigger(name)
        manual_scheduler.run_due()
        return runs.get(run)

    yield perform
    for name in names:
        registry.unregister(name)


def test_a_result_is_kept(perform):
    """R8"""
    assert perform(lambda: {"rows": [1, 2]}).result == {"rows": [1, 2]}


@pytest.mark.parametrize("value", [object(), float("nan"), {1: object()}, "x" * 70_000])
def test_a_result_that_cannot_be_kept_does_not_fail_the_run(perform, value):
    """R8"""
    run = perform(lambda: value)
    assert (run.status, run.result) == ("succeeded", None)
    assert "not kept" in run.log


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError])
def test_no_exception_leaves_the_run(perform, error):
    """R3"""

    def fail():
        raise error("bad")

    run = perform(fail)
    assert (run.status, run.reason) == ("failed", "exception")
    assert error.__name__ in run.error


def test_an_error_whose_message_fails_is_recorded(perform):
    """R3"""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail():
        raise Unprintable

    assert "cannot be shown" in perform(fail).error


def test_text_that_databases_refuse_is_recorded_without_it(perform):
    """engine 1: one NUL must not lose an outcome."""

    def fail():
        logging.getLogger("shop").warning("a\x00b")
        current_run().save_data(note="a\x00b")
        current_run().progress(1, 2, "a\x00b")
        raise ValueError("a\x00b\ud800")

    run = perform(fail)
    assert run.status == "failed"
    assert "\x00" not in run.error + run.log + run.message + run.data["note"]


def test_arguments_that_no_longer_fit_fail_the_run_without_calling(perform, manual_scheduler):
    """semantics 2: the code changed between the claim's commit and the call."""
    called = []
    perform(lambda: called.append(1))
    run = jobs.trigger("function 0")
    Run.objects.filter(pk=run.pk).update(kwargs={"gone": 1})
    manual_scheduler.run_due()
    assert (runs.get(run).status, runs.get(run).reason) == ("failed", "arguments")
    assert called == [1]


def test_a_coroutine_function_is_awaited(perform):
    """E1"""

    async def work():
        await asyncio.sleep(0)
        return current_run().job_name

    assert perform(work).result == "function 0"


def test_log_records_of_the_run_are_kept_with_it(perform):
    """R9"""

    def work():
        logging.getLogger("shop.orders").error("order %d is odd", 7)

    assert "ERROR shop.orders: order 7 is odd" in perform(work).log


def test_an_endless_log_keeps_its_newest_lines(perform):
    """R9"""

    def work():
        for number in range(5000):
            logging.getLogger("shop").error("line %d", number)

    log = perform(work).log
    assert len(log) <= 66_000
    assert "line 4999" in log
    assert "older lines were cut" in log


def test_saved_data_and_progress_are_recorded(perform):
    """X2, P1"""

    def work():
        context = current_run()
        context.save_data(a=1)
        context.save_data(b=[2])
        list(context.track([1, 2, 3]))

    run = perform(work)
    assert run.data == {"a": 1, "b": [2]}
    assert (run.completed, run.total) == (3, 3)


def test_impossible_progress_is_refused_and_the_run_goes_on(perform):
    """P1"""
    refused = []

    def work():
        context = current_run()
        context.progress(1, 2)
        for wrong in ((-1, 2), (3, 2), (True, 2), (1.5, 2)):
            try:
                context.progress(*wrong)
            except InvalidData as error:
                refused.append(error.field)

    run = perform(work)
    assert refused == ["completed"] * 4
    assert (run.status, run.completed, run.total) == ("succeeded", 1, 2)


def test_data_that_is_not_json_is_refused_whole(perform):
    """X2"""

    def work():
        with pytest.raises(InvalidData):
            current_run().save_data(good=1, bad=object())

    run = perform(work)
    assert (run.status, run.data) == ("succeeded", {})


def test_current_run_outside_a_run_says_so():
    """X1"""
    with pytest.raises(SchedulerError, match="outside a run"):
        current_run()


def _hooks(story: list[str], **failing: bool) -> dict[str, Hook]:
    """Hooks that note their names; those in `failing` raise, ignored if the value is True."""

    def make(name: str) -> Hook:
        def hook(context: Any, error: Any = None) -> None:
            story.append(f"{name}({error})" if error else name)
            if name in failing:
                raise RuntimeError(name)

        return Hook(hook, ignore_error=failing.get(name, False))

    return {n: make(n) for n in ("on_start", "on_success", "on_error", "on_finally")}


def test_hooks_are_called_in_order(perform):
    """H1"""
    story: list[str] = []
    run = perform(lambda: story.append("function"), hooks=_hooks(story))
    assert story == ["on_start", "function", "on_success", "on_finally"]
    assert (run.status, run.hook_errors) == ("succeeded", {})


def test_on_error_is_given_the_error(perform):
    """H1"""
    story: list[str] = []
    run = perform(lambda: 1 / 0, hooks=_hooks(story))
    assert story == ["on_start", "on_error(division by zero)", "on_finally"]
    assert run.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("hook", "calls"),
    [
        ("on_start", ["on_start", "on_finally"]),
        ("on_success", ["on_start", "on_success", "on_finally"]),
        ("on_finally", ["on_start", "on_success", "on_finally"]),
    ],
)
def test_a_failing_hook_fails_the_run(perform, hook, calls):
    """H2"""
    story: list[str] = []
    run = perform(lambda: None, hooks=_hooks(story, **{hook: False}))
    assert story == calls
    assert (run.status, run.reason) == ("failed", "hook")
    assert run.hook_errors == {hook: f"RuntimeError: {hook}"}


@pytest.mark.parametrize("hook", ["on_start", "on_success", "on_finally"])
def test_an_ignored_hook_error_is_kept_and_changes_nothing(perform, hook):
    """H2"""
    run = perform(lambda: "result", hooks=_hooks([], **{hook: True}))
    assert (run.status, run.result) == ("succeeded", "result")
    assert run.has_errors
    assert list(run.hook_errors) == [hook]


def test_a_failing_error_hook_leaves_the_original_error(perform):
    """H2"""
    run = perform(lambda: 1 / 0, hooks=_hooks([], on_error=False, on_finally=False))
    assert (run.reason, run.error) == ("exception", "ZeroDivisionError: division by zero")
    assert set(run.hook_errors) == {"on_error", "on_finally"}


def test_a_management_command_can_be_a_job(manual_scheduler):
    """J11"""
    jobs.add("tidy", function="command:clearsessions")
    run = jobs.trigger("tidy")
    manual_scheduler.run_due()
    assert runs.get(run).status == "succeeded"


def test_a_project_without_logging_still_sees_its_warnings(perform, capsys, monkeypatch):
    """R9: the run's own handler must not silence what Python would have printed."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])

    def work():
        logging.getLogger("shop").warning("out of stock")
        logging.getLogger("shop").info("not for the terminal")

    run = perform(work)
    printed = capsys.readouterr().err
    assert "out of stock" in run.log
    assert printed.count("out of stock") == 1
    assert "not for the terminal" not in printed


def test_a_transaction_left_open_within_another_is_rolled_back_alone(perform):
    """A test's own transaction is around everything: it is not the function's, and stays."""

    def leak():
        transaction.atomic().__enter__()
        Run.objects.update(message="never kept")

    run = perform(leak)
    assert (run.status, run.message) == ("failed", "")
    assert "TransactionLeftOpen" in run.error
    assert perform(lambda: transaction.get_connection().in_atomic_block).result is True
