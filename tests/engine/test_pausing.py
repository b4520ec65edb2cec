"""A running run is paused, resumed, stopped meanwhile, or goes on unheeding (C2).

With real threads: a function that holds can only be let go on from another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from django_scheduler import Hook, jobs, manual, registry, runs
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler
from django_scheduler.exceptions import InvalidRunState, RunStopped
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from tests.facades.fixed import NOW
from tests.waiting import wait_until

MONITOR = 1.0
"""Long, so that a slow machine does not take an order back before it can be heeded. It is heard at
once all the same."""


class Steps:
    """A function in steps: it does one each time it is let, with a checkpoint before each."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.seen: list[str] = []
        self.hooks: dict[str, Hook] = {}
        self._may = threading.Semaphore(0)
        self.deaf = threading.Event()

    def let(self, count: int = 1) -> None:
        """Let it do so many more steps."""
        self._may.release(count)

    def work(self, context: Any) -> int:
        """Do three steps."""
        for step in range(3):
            self._may.acquire(timeout=20)
            if not self.deaf.is_set():
                self._check(context)
            self.done.append(step)
        return len(self.done)

    def _check(self, context: Any) -> None:
        try:
            context.checkpoint()
        except RunStopped as error:
            self.seen.append(type(error).__name__)
            raise

    def note(self, name: str) -> Callable[..., None]:
        """Return a hook that notes that it was called."""

        def hook(_context: Any, _error: BaseException | None = None) -> None:
            self.seen.append(name)

        return hook


@pytest.fixture
def steps() -> Iterator[Steps]:
    made = Steps()
    names = ("on_pause", "on_resume", "on_stop", "on_success", "on_finally")
    hooks = {name: Hook(made.note(name)) for name in names}
    made.hooks = hooks
    registry.register(Definition("steps", made.work, takes_context=True, hooks=hooks))
    yield made
    made.let(10)
    registry.unregister("steps")


@pytest.fixture
def scheduler(transactional_db: None, settings: Any) -> Iterator[Scheduler]:
    yield from _lively(settings, MONITOR)


@pytest.fixture
def impatient(transactional_db: None, settings: Any) -> Iterator[Scheduler]:
    """A scheduler that takes orders back soon."""
    yield from _lively(settings, 0.1)


def _lively(settings: Any, monitor: float) -> Iterator[Scheduler]:
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "MONITOR_INTERVAL": monitor}
    made = _started()
    yield made
    if made.is_running:
        made.stop(0)


def _started() -> Scheduler:
    made = Scheduler(threads=4, sync_code=False, poll_interval=timedelta(milliseconds=200))
    made.start()
    made.wait_until_running(20)
    return made


def _running(steps: Steps, **fields: Any) -> Run:
    jobs.add("job", function="steps", schedule=manual(), **fields)
    run = jobs.trigger("job")
    wait_until(lambda: runs.get(run).status == "running")
    return run


def _status(run: Run, status: str) -> Run:
    return wait_until(lambda: found if (found := runs.get(run)).status == status else None)


def _pass_on(steps: Steps, scheduler: Scheduler) -> None:
    """Return once the function would see an order to pause."""
    assert scheduler.session is not None
    watch = scheduler.session.watch
    wait_until(lambda: any(one.context.pause_requested for one in watch.all()))


def _paused(steps: Steps, scheduler: Scheduler, **fields: Any) -> Run:
    run = _running(steps, **fields)
    runs.pause(run)
    _pass_on(steps, scheduler)
    steps.let()
    return _status(run, "paused")


def test_a_paused_run_holds_until_it_is_resumed(scheduler, steps):
    run = _paused(steps, scheduler)
    assert steps.done == []
    assert run.pause_requested_at is not None
    assert run.finished_at is None
    runs.resume(run)
    running = _status(run, "running")
    assert running.pause_requested_at is None
    steps.let(2)
    done = runs.wait(run, 20)
    assert (done.status, done.result, done.reason) == ("succeeded", 3, "")
    assert steps.seen == ["on_pause", "on_resume", "on_success", "on_finally"]


def test_a_run_that_reaches_no_checkpoint_goes_on_and_that_is_said(impatient, steps):
    run = _running(steps)
    runs.pause(run)
    said = wait_until(lambda: found if (found := runs.get(run)).reason else None)
    assert (said.status, said.reason) == ("running", "pause_not_seen")
    assert said.pause_requested_at is None
    steps.let(3)
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("succeeded", "")
    assert "on_pause" not in steps.seen


def test_a_stop_frees_a_paused_run(scheduler, steps):
    run = _paused(steps, scheduler)
    runs.stop(run, "enough")
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("stopped", "enough")
    assert steps.seen == ["on_pause", "RunStopped", "on_stop", "on_finally"]


def test_a_timeout_frees_a_paused_run(scheduler, steps):
    run = _paused(steps, scheduler, timeout=1)
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("timed_out", "timeout")
    left = wait_until(lambda: runs.get(run).left_at)
    assert left >= done.finished_at
    assert steps.seen[:2] == ["on_pause", "RunTimedOut"]


def test_a_paused_run_does_not_stall(scheduler, steps):
    run = _paused(steps, scheduler, stall_timeout=0.3)
    SystemClock().wait(threading.Event(), 0.4)
    assert scheduler.session is not None
    assert scheduler.session.watch.overdue() == []
    assert runs.get(run).status == "paused"
    runs.resume(run)
    steps.let(2)
    assert runs.wait(run, 20).status == "succeeded"


def test_an_order_to_pause_can_be_taken_back_before_it_is_seen(scheduler, steps):
    run = _running(steps)
    runs.pause(run)
    resumed = runs.resume(run)
    assert (resumed.status, resumed.pause_requested_at) == ("running", None)
    assert scheduler.session is not None
    watch = scheduler.session.watch
    wait_until(lambda: all(not one.context.pause_requested for one in watch.all()))
    steps.let(3)
    assert runs.wait(run, 20).status == "succeeded"
    assert "on_pause" not in steps.seen


def test_pausing_twice_is_once(scheduler, steps):
    run = _running(steps)
    first = runs.pause(run).pause_requested_at
    assert runs.pause(run).pause_requested_at == first


def test_a_paused_run_stays_paused_when_its_scheduler_is_started_anew(scheduler, steps):
    run = _paused(steps, scheduler)
    scheduler.stop(20)
    before = runs.get(run)
    assert (before.status, before.reason) == ("stopped", "shutdown")
    again = _started()
    try:
        after = wait_until(lambda: Run.objects.exclude(pk=run.pk).first())
        assert after.attempt == before.attempt
        steps.let()
        held = _status(after, "paused")
        assert steps.done == []
        runs.resume(held)
        steps.let(2)
        assert runs.wait(held, 20).status == "succeeded"
    finally:
        again.stop(0)


def test_a_hook_that_fails_at_a_pause_fails_the_run_when_it_is_over(scheduler, steps):
    def fail(_context: Any, _error: BaseException | None = None) -> None:
        raise ValueError("no")

    steps.hooks["on_pause"] = Hook(fail)
    run = _paused(steps, scheduler)
    runs.resume(run)
    steps.let(2)
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("failed", "hook")
    assert done.hook_errors == {"on_pause": "ValueError: no"}
    assert steps.done == [0, 1, 2]


def test_a_hook_whose_errors_are_ignored_fails_nothing_at_a_resume(scheduler, steps):
    def fail(_context: Any, _error: BaseException | None = None) -> None:
        raise ValueError("no")

    steps.hooks["on_resume"] = Hook(fail, ignore_error=True)
    run = _paused(steps, scheduler)
    runs.resume(run)
    steps.let(2)
    done = runs.wait(run, 20)
    assert (done.status, done.hook_errors) == ("succeeded", {"on_resume": "ValueError: no"})


def test_on_a_clock_that_stands_still_nobody_could_resume(manual_scheduler, recorder):
    """The function would wait for ever in the one thread there is; it is told so instead."""

    def pause(context: Any) -> None:
        runs.pause(context.run_id)
        manual_scheduler.scheduler.session.heartbeat.step()
        context.checkpoint()

    recorder.behaviour = pause
    jobs.add("job", function="recorder", schedule=manual(), on_lost="fail", timeout=60)
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    done = runs.get(run)
    assert done.status == "failed"
    assert "manual clock" in done.error


def test_a_queued_run_cannot_be_paused(manual_scheduler, recorder):
    jobs.add("job", function="recorder", schedule=manual())
    run = jobs.trigger("job")
    with pytest.raises(InvalidRunState, match="stop it, or pause its job"):
        runs.pause(run)
    assert runs.get(run).pause_requested_at is None
    with pytest.raises(InvalidRunState, match="neither is paused"):
        runs.resume(run)


def test_nobody_holds_in_a_transaction(scheduler, steps):
    """Its locks would stay; and in SQLite it locks everybody out, the word `paused` as well."""
    inside, outside = threading.Event(), threading.Event()

    def work(context: Any) -> None:
        with transaction.atomic():
            Run.objects.filter(pk=context.run_id).update(message="inside")
            context.checkpoint()
            inside.set()
        outside.wait(20)
        context.checkpoint()

    registry.register(Definition("careful", work, takes_context=True))
    try:
        jobs.add("careful", schedule=manual())
        with transaction.atomic():
            Run.objects.filter(pk=jobs.trigger("careful").pk).update(pause_requested_at=NOW)
        assert inside.wait(20)
        outside.set()
        run = wait_until(lambda: Run.objects.filter(status="paused").first())
        assert run.message == "inside"
        runs.resume(run)
        assert runs.wait(run, 20).status == "succeeded"
    finally:
        registry.unregister("careful")
