"""What a run logs and prints is kept with it: bounded, streamed, and nobody else's (R9)."""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from django_scheduler import every, jobs, manual, runs
from django_scheduler.clock import SystemClock
from django_scheduler.context import current_run
from django_scheduler.exceptions import SchedulerError
from django_scheduler.executors import build_all
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.lifecycle import Finished
from django_scheduler.models import Run
from django_scheduler.runner import Runner, Watch
from django_scheduler.runner.capture import LogTail, _handler, capturing
from tests.executors.doubles import Recorder, make_dispatch
from tests.facades.fixed import registered

logger = logging.getLogger("tests.keeping")


@pytest.mark.parametrize("text", ["x", "é", "日", "😀", "\x00", "\ud800"])
def test_a_tail_is_bounded_in_bytes_as_they_are_stored(text):
    tail = LogTail(100)
    for _ in range(50):
        tail.add(text * 7)
    kept = tail.text()
    assert kept.startswith("… (older lines were cut)\n")
    assert len(kept.partition("\n")[2].encode()) <= 100
    assert len(kept.encode()) > 100


@pytest.mark.parametrize("text", ["x", "é", "日", "😀"])
def test_a_line_longer_than_the_bound_keeps_its_end_and_is_still_text(text):
    tail = LogTail(101)
    tail.add(f"begin {text * 200} end")
    head, kept = tail.text().split("\n")
    assert head == "… (older lines were cut)"
    assert kept.endswith(" end")
    assert 97 < len(kept.encode()) <= 101


def test_a_record_whose_arguments_do_not_fit_fails_nothing(capsys):
    alone = logging.getLogger("tests.alone")
    alone.propagate = False
    with capturing(1000) as tail:
        alone.handlers = [_handler]
        alone.warning("%d of them", "many")
        alone.warning("and on")
    assert tail.text().endswith("and on")
    assert "WARNING tests.alone: %d of them (its arguments do not fit: ('many',))" in tail.text()
    assert "Logging error" in capsys.readouterr().err


def test_a_record_that_cannot_even_be_shown_fails_nothing(capsys):
    class Bad:
        def __str__(self) -> str:
            raise ValueError("no text")

    alone = logging.getLogger("tests.alone")
    alone.propagate = False
    with capturing(1000) as tail:
        alone.handlers = [_handler]
        alone.warning(Bad())
    assert tail.text() == "WARNING tests.alone: (a record that cannot be shown)"
    assert "Logging error" in capsys.readouterr().err


def test_what_logging_leaves_out_is_not_kept():
    with capturing(1000) as tail:
        logging.disable(logging.CRITICAL)
        try:
            logger.error("left out")
        finally:
            logging.disable(logging.NOTSET)
        logger.error("kept")
    assert "left out" not in tail.text()
    assert "kept" in tail.text()


def _in_a_thread(target: Any) -> None:
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()


def test_a_thread_of_the_function_is_of_the_run_if_it_has_its_context(manual_scheduler, recorder):
    seen: list[Any] = []

    def ask() -> None:
        try:
            seen.append(current_run().job_name)
            logger.warning("from a thread")
        except SchedulerError as error:
            seen.append(str(error))

    def act(_context: Any) -> None:
        _in_a_thread(ask)
        copied = contextvars.copy_context()
        _in_a_thread(lambda: copied.run(ask))

    recorder.behaviour = act
    jobs.add("job", function="recorder", schedule=manual())
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    refused, name = seen
    assert refused.startswith("current_run() was called outside a run.")
    assert "contextvars.copy_context().run" in refused
    assert name == "job"
    assert runs.get(run).log.count("from a thread") == 1


def test_what_is_said_after_the_end_is_dropped(manual_scheduler, recorder):
    kept: list[Any] = []
    recorder.behaviour = kept.append
    jobs.add("job", function="recorder", schedule=every(minutes=1))
    manual_scheduler.advance(60)
    before = Run.objects.values().get()
    (context,) = kept
    context.progress(3, 4)
    context.save_data(late=True)
    context.state["late"] = True
    context.checkpoint()
    manual_scheduler.advance(30)
    assert Run.objects.values().get() == before
    assert jobs.get("job").carried_state is None


@contextmanager
def values_written() -> Iterator[list[str]]:
    """Collect what statements are given within the block, as texts."""
    values: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        rows = params if many else [params or ()]
        values.extend(str(value) for row in rows for value in row)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield values


def test_the_log_is_stored_while_the_run_goes_on(manual_scheduler, recorder):
    seen: list[str] = []

    def act(context: Any) -> None:
        for word in ("first", "second"):
            logger.warning(word)
            manual_scheduler.scheduler.session.heartbeat.step()
            seen.append(runs.get(context.run_id).log)

    recorder.behaviour = act
    jobs.add("job", function="recorder", schedule=manual(), on_lost="fail")
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    assert "first" in seen[0]
    assert "second" not in seen[0]
    assert "second" in seen[1]
    assert runs.get(run).log == seen[1]


def test_a_log_that_is_long_is_not_written_again_at_each_interval(manual_scheduler, recorder):
    """A run that logs without pause would write all of its tail each second, for ever."""
    seen: list[int] = []

    def act(context: Any) -> None:
        for second in range(21):
            logger.warning("x" * 40_000)
            context.progress(second)
            manual_scheduler.scheduler.session.heartbeat.step()
            row = Run.objects.get(pk=context.run_id)
            assert row.completed == second
            seen.append(len(row.log))
            manual_scheduler.clock.advance(1)
            logger.warning("said at %d", second)

    recorder.behaviour = act
    jobs.add("job", function="recorder", schedule=manual(), on_lost="fail")
    run = jobs.trigger("job")
    with values_written() as values:
        manual_scheduler.run_due()
    done = runs.get(run)
    assert (done.status, done.error) == ("succeeded", "")
    assert done.log.endswith("said at 20")
    assert seen[0] > 40_000
    assert len([value for value in values if "x" * 40_000 in value]) <= 2 + 21 // 4


def test_only_what_is_new_is_written(manual_scheduler, recorder):
    """A megabyte of data is not to be written each second because of a line in the log."""

    def act(context: Any) -> None:
        context.state["big"] = "s" * 9_000
        context.save_data(big="d" * 9_000)
        manual_scheduler.scheduler.session.heartbeat.step()
        context.run_again_in(90)
        manual_scheduler.scheduler.session.heartbeat.step()
        with values_written() as values:
            logger.warning("a line")
            context.progress(1)
            manual_scheduler.scheduler.session.heartbeat.step()
        assert [value for value in values if "a line" in value]
        assert not [value for value in values if "s" * 9_000 in value or "d" * 9_000 in value]

    recorder.behaviour = act
    jobs.add("job", function="recorder", schedule=manual(), on_lost="fail")
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    done = runs.get(run)
    assert (done.status, done.error, done.completed) == ("succeeded", "", 1)
    assert (len(done.data["big"]), len(done.carried_state["big"])) == (9_000, 9_000)
    assert jobs.get("job").next_run_at == done.finished_at + timedelta(seconds=90)


def test_logging_is_no_progress(manual_scheduler, recorder):
    """P3: a function that logs in an endless loop is stalled all the same."""

    def act(context: Any) -> None:
        for _ in range(4):
            logger.warning("still at it")
            manual_scheduler.clock.advance(10)
            manual_scheduler.scheduler.session.heartbeat.step()
        context.checkpoint()

    recorder.behaviour = act
    jobs.add("job", function="recorder", schedule=manual(), stall_timeout=30)
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    assert runs.get(run).status == "interrupted"


class Printed:
    """A pool that keeps what is printed, and what it said of its runs."""

    def __init__(self, **options: Any) -> None:
        self.recorder = Recorder()
        self.pool = ThreadPoolExecutor("pool", threads=4, **options)
        clock = SystemClock()
        self.pool.start(Runner(clock, self.recorder, Watch(clock)), self.recorder, clock)

    def logs(self, *functions: Any) -> list[str]:
        """Carry the functions out, one run each, side by side, and return the logs, sorted."""
        with ExitStack() as known:
            for number, function in enumerate(functions):
                known.enter_context(registered(f"printing-{number}", function))
                self.pool.submit(make_dispatch(function=f"printing-{number}"))
            assert self.pool.stop(10)
        self.pool.withdraw()
        assert self.pool.stop(10)
        return sorted(fact.log for fact in self.recorder.of(Finished))


def _print_some() -> None:
    print("one\ntwo")
    print("half", end="")
    print("to the other", file=sys.stderr)
    logger.warning("logged")
    print(" a line", end="")


def test_what_is_printed_is_kept_where_it_is_asked_for(capsys):
    (log,) = Printed(capture_output=True).logs(_print_some)
    lines = log.splitlines()
    assert lines[:2] == ["| one", "| two"]
    assert lines[2] == "| halfto the other"
    assert lines[3].endswith("logged")
    assert lines[4] == "|  a line"
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("one\ntwo\nhalf a line", "to the other\n")


def test_a_record_that_goes_to_the_console_as_well_is_kept_once(monkeypatch, capsys):
    """Python prints warnings of a project that configures no logging."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    (log,) = Printed(capture_output=True).logs(lambda: logger.warning("once"))
    assert log.count("once") == 1
    assert not log.startswith("| ")
    assert capsys.readouterr().err == "once\n"


def test_what_is_printed_is_not_kept_unasked(capsys):
    (log,) = Printed().logs(_print_some)
    assert "one" not in log
    assert "logged" in log
    assert capsys.readouterr().out.startswith("one\ntwo")


def test_only_the_run_that_prints_keeps_it_and_the_streams_come_back():
    before = sys.stdout, sys.stderr
    first, second = Printed(capture_output=True), Printed(capture_output=True)
    assert sys.stdout is not before[0]
    print("nobody's")
    logs = first.logs(lambda: print("a"), lambda: print("b"))
    assert logs == ["| a", "| b"]
    assert sys.stdout is not before[0]
    assert second.logs(lambda: print("c")) == ["| c"]
    assert (sys.stdout, sys.stderr) == before


def test_runs_that_print_at_once_keep_their_own_lines():
    together = threading.Barrier(2)

    def act(name: str) -> None:
        for _ in range(50):
            together.wait(10)
            print(name, end="")
            together.wait(10)
            print("!")
        copied = contextvars.copy_context()
        _in_a_thread(lambda: copied.run(print, f"{name} in a thread"))

    logs = Printed(capture_output=True).logs(lambda: act("a"), lambda: act("b"))
    whole = [[f"| {name}!"] * 50 + [f"| {name} in a thread"] for name in "ab"]
    assert logs == ["\n".join(lines) for lines in whole]


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_a_wish_that_is_none_is_refused(value, settings):
    backend = "django_scheduler.executors.thread_pool.ThreadPoolExecutor"
    options = {"capture_output": value}
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"p": {"BACKEND": backend, "OPTIONS": options}}}
    with pytest.raises(ImproperlyConfigured) as told:
        build_all(threads=1)
    assert str(told.value) == (
        "DJANGO_SCHEDULER['EXECUTORS']['p']['OPTIONS'] do not suit it: "
        f"capture_output must be True or False, not {value!r}."
    )
