"""What a job carries from run to run, and the result before (X3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import SkipRun, every, jobs, manual, runs
from django_scheduler.context import Facts, RunContext
from django_scheduler.exceptions import InvalidData
from django_scheduler.models import Job, Run
from django_scheduler.states import Reason
from tests.facades.fixed import make_process, make_row


@pytest.fixture
def counting(recorder: Any) -> Any:
    """A job whose runs count in their state, and do what they are told after that."""
    told: dict[str, Any] = {}

    def count(context: Any) -> Any:
        context.state["runs"] = context.state.get("runs", 0) + 1
        context.progress(1, 2)
        context.state["after the checkpoint"] = True
        act = told.get("act")
        return act(context) if act else context.state["runs"]

    recorder.behaviour = count
    jobs.add("job", function="recorder", schedule=manual(), on_lost="retry")
    return told


def _run(manual_scheduler: Any) -> Run:
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    return runs.get(run)


def _raise(error: BaseException) -> Any:
    def act(_context: Any) -> None:
        raise error

    return act


def test_state_goes_from_run_to_run(manual_scheduler, counting):
    results = [_run(manual_scheduler).result for _ in range(3)]
    assert results == [1, 2, 3]
    assert jobs.get("job").carried_state == {"runs": 3, "after the checkpoint": True}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_state_is_carried_on_from_a_run_that_failed(manual_scheduler, counting, error):
    counting["act"] = _raise(error)
    failed = _run(manual_scheduler)
    assert failed.status == "failed"
    assert failed.carried_state == {"runs": 1, "after the checkpoint": True}
    counting.clear()
    assert _run(manual_scheduler).result == 2


def test_a_run_given_up_leaves_what_it_had_at_its_last_checkpoint(manual_scheduler, counting):
    """A function is in the middle of something when it is given up: that would be half a state."""

    def take_too_long(context: Any) -> None:
        manual_scheduler.clock.advance(100)
        manual_scheduler.scheduler.session.heartbeat.step()
        context.state["too late"] = True

    jobs.update("job", timeout=60)
    counting["act"] = take_too_long
    run = _run(manual_scheduler)
    assert (run.status, run.carried_state) == ("timed_out", {"runs": 1})
    assert jobs.get("job").carried_state == {"runs": 1}


def test_the_run_after_a_crash_goes_on_from_what_was_written_last(manual_scheduler, counting):
    dead = make_process(state="dead").pk
    now = manual_scheduler.clock.now()
    crashed = make_row(
        jobs.get("job"), process=dead, epoch=1, started_at=now, scheduled_for=now, queued_at=now,
        function="recorder", carried_state={"runs": 7},
    )  # fmt: skip
    manual_scheduler.advance(timedelta(minutes=1))
    lost, again = Run.objects.filter(key=crashed.key).order_by("number")
    assert (lost.status, lost.carried_state) == ("lost", {"runs": 7})
    assert (again.status, again.result) == ("succeeded", 8)


def test_who_does_not_ask_for_state_carries_none(manual_scheduler, recorder):
    jobs.add("job", function="recorder", schedule=manual())
    run = _run(manual_scheduler)
    assert run.carried_state is None
    assert jobs.get("job").carried_state is None


def test_state_that_is_only_read_is_not_written_again(manual_scheduler, recorder):
    recorder.behaviour = lambda context: context.state.get("from")
    jobs.add("job", function="recorder", schedule=manual(), carried_state={"from": 7})
    run = _run(manual_scheduler)
    assert (run.result, run.carried_state) == (7, None)
    assert jobs.get("job").carried_state == {"from": 7}


def test_state_can_be_set_and_forgotten(manual_scheduler, counting):
    _run(manual_scheduler)
    jobs.update("job", carried_state={"runs": 40})
    assert _run(manual_scheduler).result == 41
    jobs.update("job", carried_state=None)
    assert _run(manual_scheduler).result == 1


@pytest.mark.parametrize("value", [[1], "text", {"a": object()}, {"a": float("nan")}])
def test_state_that_cannot_be_carried_is_refused(value, manual_scheduler, counting):
    with pytest.raises(InvalidData) as told:
        jobs.update("job", carried_state=value)
    assert told.value.field == "carried_state"
    assert jobs.get("job").carried_state is None


def test_a_checkpoint_refuses_what_is_not_json_and_keeps_what_was(manual_scheduler, counting):
    seen = []

    def spoil(context: Any) -> None:
        context.state["bad"] = object()
        for say in (
            context.checkpoint,
            lambda: context.progress(2),
            lambda: context.save_data(a=1),
        ):
            with pytest.raises(InvalidData) as told:
                say()
            seen.append(told.value.field)
        del context.state["bad"]

    counting["act"] = spoil
    run = _run(manual_scheduler)
    assert (run.status, seen, run.data, run.completed) == ("succeeded", ["state"] * 3, {}, 1)
    assert run.carried_state == {"runs": 1, "after the checkpoint": True}


@pytest.mark.parametrize("bad", [object(), "x" * 2_000_000], ids=["not JSON", "too long"])
def test_a_state_that_is_bad_at_the_end_fails_nothing_and_is_said(manual_scheduler, counting, bad):
    counting["act"] = lambda context: context.state.update(bad=bad)
    run = _run(manual_scheduler)
    assert run.status == "succeeded"
    assert run.carried_state == {"runs": 1}
    assert "The state at the end of the run was not kept" in run.log


def test_the_last_to_end_leaves_the_state_where_runs_overlap(manual_scheduler, recorder):
    names = iter(["first", "second"])
    recorder.behaviour = lambda context: context.state.update(by=next(names))
    job = jobs.add("job", function="recorder", schedule=manual(), overlap="allow")
    for _ in range(2):
        jobs.trigger(job)
    manual_scheduler.run_due()
    assert Run.objects.filter(status="succeeded").count() == 2
    assert jobs.get("job").carried_state == {"by": "second"}


def test_the_result_before_is_that_of_the_newest_success(manual_scheduler, recorder):
    seen = []
    jobs.add("job", function="recorder", schedule=every(minutes=1))
    for behaviour in (lambda c: 1, lambda c: 2, _raise(ValueError()), lambda c: c.previous_result):
        recorder.behaviour = lambda c, act=behaviour: (seen.append(c.previous_result), act(c))[1]
        manual_scheduler.advance(60)
    assert seen == [None, 1, 2, 2]


def test_a_context_of_a_test_has_an_empty_past(scheduler_clock):
    now = scheduler_clock.now()
    facts = Facts("job", "1", "k", "manual", 1, (), {}, {}, "", now, now)
    context = RunContext(facts)
    context.state["a"] = 1
    context.checkpoint()
    assert (context.state, context.previous_result) == ({"a": 1}, None)


def test_a_job_that_was_removed_meanwhile_carries_nothing(manual_scheduler, recorder):
    def remove(context: Any) -> Any:
        Job.objects.all().delete()
        return [context.state, context.previous_result]

    recorder.behaviour = remove
    jobs.add("job", function="recorder", schedule=manual())
    assert _run(manual_scheduler).result == [{}, None]


def _stopped(manual_scheduler: Any, context: Any) -> None:
    runs.stop(context.run_id)
    manual_scheduler.scheduler.session.heartbeat.step()
    context.checkpoint()


def _interrupted(manual_scheduler: Any, context: Any) -> None:
    manual_scheduler.scheduler.session.heartbeat.step()
    manual_scheduler.clock.advance(100)
    manual_scheduler.scheduler.session.heartbeat.step()


def _skipped(_manual_scheduler: Any, _context: Any) -> None:
    raise SkipRun("nothing to do")


def _interrupted_and_told(manual_scheduler: Any, context: Any) -> None:
    _interrupted(manual_scheduler, context)
    context.checkpoint()


@pytest.mark.parametrize(
    ("end", "status", "left"),
    [
        (_stopped, "stopped", {"runs": 1, "after the checkpoint": True}),
        (_skipped, "skipped", {"runs": 1, "after the checkpoint": True}),
        (_interrupted, "interrupted", {"runs": 1}),
        (_interrupted_and_told, "interrupted", {"runs": 1}),
    ],
)
def test_however_a_run_ends_the_next_one_goes_on(manual_scheduler, counting, end, status, left):
    jobs.update("job", stall_timeout=60, on_lost="fail")
    counting["act"] = lambda context: end(manual_scheduler, context)
    run = _run(manual_scheduler)
    assert (run.status, run.carried_state) == (status, left)
    assert jobs.get("job").carried_state == left
    counting.clear()
    assert _run(manual_scheduler).result == 2


def test_a_run_that_a_shutdown_gives_up_leaves_its_state_to_its_follower(
    manual_scheduler, counting
):
    def give_up(context: Any) -> None:
        counting.clear()  # its follower is due at once
        session = manual_scheduler.scheduler.session
        for fact in session.watch.give_up_all(Reason.SHUTDOWN):
            session.outbox.tell(fact)
        context.state["too late"] = True

    counting["act"] = give_up
    first = _run(manual_scheduler)
    assert (first.status, first.reason, first.carried_state) == ("stopped", "shutdown", {"runs": 1})
    again = Run.objects.get(key=first.key, number=2)
    assert (again.status, again.attempt, again.result) == ("succeeded", 1, 2)


def test_a_retry_goes_on_where_the_attempt_before_it_was(manual_scheduler, counting):
    jobs.update("job", retry=3)
    counting["act"] = _raise(ValueError("no"))
    first = _run(manual_scheduler)
    counting.clear()
    manual_scheduler.advance(timedelta(minutes=5))
    again = Run.objects.get(key=first.key, number=2)
    assert (again.trigger, again.status, again.result) == ("retry", "succeeded", 2)
