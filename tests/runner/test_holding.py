"""A checkpoint at which a run is to pause: who speaks, who waits, and what ends it (C2)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from django_scheduler.exceptions import RunStopped, RunTimedOut
from django_scheduler.states import RunStatus
from tests.runner.holding_kit import HeldRun
from tests.waiting import wait_until


@pytest.fixture
def run() -> Iterator[HeldRun]:
    made = HeldRun()
    yield made
    made.orders.go_on()


@contextmanager
def in_thread(call: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Call it in a thread of its own, which has ended after the block; yield what it raised."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield raised
    thread.join(20)
    assert not thread.is_alive()


def paused(run: HeldRun) -> Callable[[], bool]:
    return lambda: run.row.status == "paused" and "on_pause" in run.called


def test_a_checkpoint_without_an_order_asks_nothing(run):
    run.context.checkpoint()
    assert run.row.asked == []


def test_it_is_on_record_as_running_before_its_function_goes_on(run):
    run.orders.pause()
    seen = []

    def function():
        run.context.checkpoint()
        seen.append(run.row.status)

    with in_thread(function):
        wait_until(paused(run))
        assert (seen, run.watched.is_held) == ([], True)
        run.orders.go_on()
    assert (seen, run.watched.is_held) == (["running"], False)
    assert run.row.words == ["Paused", "Resumed"]
    assert run.called == ["on_pause", "on_resume"]


def test_a_hook_of_the_resume_finds_the_run_running(run):
    found = []
    run.hooks["on_pause"] = lambda _context: found.append(run.row.status)
    run.hooks["on_resume"] = lambda _context: found.append(run.row.status)
    run.orders.pause()
    with in_thread(run.context.checkpoint):
        wait_until(paused(run))
        run.orders.go_on()
    assert found == ["paused", "running"]


def test_an_order_that_was_taken_back_holds_nobody(run):
    run.orders.pause()
    run.row.pause_stands = False
    run.context.checkpoint()
    assert (run.row.words, run.called) == (["Paused"], [])


def test_who_is_told_to_end_may_end_as_it_likes(run):
    """Ends are told of running runs: it must be one again, whatever the function does then."""
    run.orders.pause()
    with in_thread(run.context.checkpoint) as raised:
        wait_until(paused(run))
        run.orders.stop(RunStatus.STOPPED, "asked")
    assert [type(error) for error in raised] == [RunStopped]
    assert run.row.words == ["Paused", "Resumed to end"]
    assert run.called == ["on_pause"]


def test_a_run_that_is_over_is_not_said_to_go_on():
    run = HeldRun(timeout=timedelta(seconds=5))
    run.orders.pause()
    with in_thread(run.context.checkpoint) as raised:
        wait_until(paused(run))
        run.clock.seconds += 5
        [fact] = run.watch.overdue()
    assert (fact.status, [type(error) for error in raised]) == ("timed_out", [RunTimedOut])
    assert run.row.words == ["Paused"]


def test_a_stop_before_the_hold_is_heeded_at_once(run):
    run.orders.pause()
    run.orders.stop(RunStatus.STOPPED, "asked")
    with pytest.raises(RunStopped):
        run.context.checkpoint()
    assert run.row.asked == []


def test_a_stop_while_the_pause_is_written_is_heeded(run):
    run.orders.pause()
    run.row.before_answer = lambda _fact: run.orders.stop(RunStatus.STOPPED, "asked")
    with pytest.raises(RunStopped):
        run.context.checkpoint()
    assert run.row.status == "running"


def test_a_resume_while_the_pause_is_written_is_heeded(run):
    run.orders.pause()
    run.row.before_answer = lambda _fact: run.orders.go_on()
    run.context.checkpoint()
    assert run.row.words == ["Paused", "Resumed"]
    assert run.called == ["on_pause", "on_resume"]


def test_an_error_thrown_into_the_hold_leaves_no_paused_run_behind(run):
    """As a signal handler does in the main thread: Celery's soft time limit, a Ctrl-C."""

    class SoftTimeLimit(Exception):
        pass

    def wait(_event, _timeout):
        raise SoftTimeLimit

    run.context.holder._clock.wait = wait
    run.orders.pause()
    with pytest.raises(SoftTimeLimit):
        run.context.checkpoint()
    assert run.row.words == ["Paused", "Resumed"]


def test_an_error_thrown_while_the_pause_is_written_leaves_no_paused_run_behind(run):
    def write_and_be_interrupted(fact):
        if run.row.words == []:
            run.row.asked.append(fact)
            run.row.status = "paused"
            raise KeyboardInterrupt

    run.row.before_answer = write_and_be_interrupted
    run.orders.pause()
    with pytest.raises(KeyboardInterrupt):
        run.context.checkpoint()
    assert (run.row.words, run.row.status) == (["Paused", "Resumed"], "running")


def test_of_several_threads_one_speaks_for_the_run(run):
    run.orders.pause()
    with in_thread(run.context.checkpoint) as first:
        wait_until(paused(run))
        with in_thread(run.context.checkpoint) as second:
            wait_until(lambda: len(run.orders._listeners) == 2)
            run.orders.go_on()
    assert (first, second) == ([], [])
    assert run.row.words == ["Paused", "Resumed"]
    assert run.called == ["on_pause", "on_resume"]


def test_a_stop_frees_every_thread(run):
    run.orders.pause()
    with in_thread(run.context.checkpoint) as first:
        wait_until(paused(run))
        with in_thread(run.context.checkpoint) as second:
            wait_until(lambda: len(run.orders._listeners) == 2)
            run.orders.stop(RunStatus.STOPPED, "asked")
    assert [type(error) for error in (*first, *second)] == [RunStopped, RunStopped]


def test_a_hook_that_comes_to_a_checkpoint_itself_waits_there(run):
    run.hooks["on_pause"] = lambda context: context.checkpoint()
    run.orders.pause()
    with in_thread(run.context.checkpoint):
        wait_until(paused(run))
        wait_until(lambda: run.orders._listeners)
        run.orders.go_on()
    assert run.called == ["on_pause", "on_resume"]


def test_it_can_be_paused_again(run):
    for _ in range(2):
        run.orders.pause()
        run.called.clear()
        with in_thread(run.context.checkpoint):
            wait_until(paused(run))
            run.orders.go_on()
    assert run.row.words == ["Paused", "Resumed"] * 2


def test_the_time_of_a_pause_is_no_stall_and_the_clock_starts_anew():
    run = HeldRun(stall_timeout=timedelta(seconds=5))
    run.clock.seconds += 4
    run.orders.pause()
    with in_thread(run.context.checkpoint):
        wait_until(paused(run))
        run.clock.seconds += 60
        assert run.watch.overdue() == []
        run.orders.go_on()
    run.clock.seconds += 4
    assert run.watch.overdue() == []
    run.clock.seconds += 1
    [fact] = run.watch.overdue()
    assert fact.status == "interrupted"


def test_a_hold_that_is_being_written_is_heeded_already():
    """A database that is away for a while makes it neither stalled nor unheeding."""
    run = HeldRun(stall_timeout=timedelta(seconds=5), pause_requested=True)
    run.clock.seconds += 1
    assert run.watch.unheeded(1) == [run.watched]

    def be_slow(_fact):
        run.clock.seconds += 60
        assert (run.watch.unheeded(1), run.watch.overdue()) == ([], [])

    run.row.before_answer = be_slow
    run.row.pause_stands = False
    run.context.checkpoint()
    assert (run.watch.unheeded(1), run.watch.overdue()) == ([], [])
    run.clock.seconds += 1
    assert run.watch.unheeded(1) == [run.watched]
