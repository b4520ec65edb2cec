"""Carried state that is bad, big, asked for in odd places or edited by hand (X3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_scheduler import jobs, manual, runs
from django_scheduler.exceptions import InvalidData, RunStopped
from django_scheduler.lifecycle import Finished
from django_scheduler.models import Job, Run
from django_scheduler.states import RunStatus
from tests.executors.doubles import make_dispatch


@pytest.fixture
def job(recorder: Any, scheduler_clock: Any, db: None) -> Job:
    # So that its start is on record before it is called, and its reports are stored meanwhile.
    return jobs.add("job", function="recorder", schedule=manual(), on_lost="fail")


def _run(manual_scheduler: Any, recorder: Any, behaviour: Any) -> Run:
    recorder.behaviour = behaviour
    run = jobs.trigger("job")
    manual_scheduler.run_due()
    return runs.get(run)


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_nested_deeper_than_every_database_takes_is_refused(
    manual_scheduler, recorder, job
):
    """MariaDB takes 32 levels: neither the progress nor the outcome could be stored."""

    def act(context: Any) -> Any:
        context.state["fits"] = _nested(29)
        context.save_data(fits=_nested(29))
        context.progress(1)
        manual_scheduler.scheduler.session.heartbeat.step()
        assert Run.objects.get().carried_state == {"fits": _nested(29)}
        with pytest.raises(InvalidData, match="30 levels"):
            context.save_data(deep=_nested(30))
        context.state["deep"] = _nested(30)
        with pytest.raises(InvalidData, match="30 levels") as told:
            context.progress(2)
        assert told.value.field == "state"
        return _nested(31)

    run = _run(manual_scheduler, recorder, act)
    assert (run.status, run.error, run.completed) == ("succeeded", "", 1)
    assert run.carried_state == run.data == {"fits": _nested(29)}
    assert "The state at the end of the run was not kept" in run.log
    assert "The result of the run was not kept" in run.log


def test_an_outcome_whose_state_cannot_be_stored_is_told_without_it():
    fact = Finished(
        **make_dispatch().guard, status=RunStatus.SUCCEEDED, carried_state={"bad": 1}
    )  # fmt: skip
    assert fact.bare(ValueError("refused")).carried_state is None


@pytest.mark.parametrize("inside", ["{}", "[{}]", "({},)"])
@pytest.mark.parametrize("key", [7, None, True, 1.5])
def test_keys_that_are_no_texts_are_refused(manual_scheduler, recorder, job, key, inside):
    """The next run would find the text "7" where this one had the number, and begin anew."""

    def act(context: Any) -> None:
        context.state["seen"] = {"{}": {key: 1}, "[{}]": [{key: 1}], "({},)": ({key: 1},)}[inside]
        with pytest.raises(InvalidData, match=r"use str\(\)") as told:
            context.checkpoint()
        assert told.value.field == "state"
        context.state["seen"] = (1, 2)
        context.checkpoint()

    run = _run(manual_scheduler, recorder, act)
    assert (run.status, run.error) == ("succeeded", "")
    assert run.carried_state == {"seen": [1, 2]}


def test_the_same_key_as_a_number_and_as_a_text_loses_neither(manual_scheduler, recorder, job):
    jobs.update("job", carried_state={"1": "text"})

    def act(context: Any) -> None:
        context.state[1] = "text"
        context.checkpoint()

    run = _run(manual_scheduler, recorder, act)
    assert (run.status, run.carried_state) == ("failed", None)
    assert jobs.get("job").carried_state == {"1": "text"}


@pytest.mark.parametrize("waits", [False, True], ids=["checkpoint", "acheckpoint"])
def test_a_state_that_cannot_be_kept_holds_up_no_end(manual_scheduler, recorder, job, waits):
    def act(context: Any) -> None:
        context.state["bad"] = object()
        runs.stop(context.run_id)
        manual_scheduler.scheduler.session.heartbeat.step()
        try:
            asyncio.run(context.acheckpoint()) if waits else context.checkpoint()
        except InvalidData:
            pytest.fail("a function that catches this would go on for ever")
        except RunStopped:
            raise

    run = _run(manual_scheduler, recorder, act)
    assert (run.status, run.reason, run.error) == ("stopped", "asked", "")


def test_progress_that_is_refused_keeps_the_state_all_the_same(manual_scheduler, recorder, job):
    def act(context: Any) -> None:
        context.state["at"] = 5
        with pytest.raises(InvalidData):
            context.progress(2, 1)
        context.state["at"] = object()

    assert _run(manual_scheduler, recorder, act).carried_state == {"at": 5}


def test_state_edited_into_no_dict_is_left_alone_and_said(manual_scheduler, recorder, job):
    Job.objects.filter(pk=job.pk).update(carried_state=["by", "hand"])
    run = _run(manual_scheduler, recorder, lambda context: dict(context.state))
    assert run.result == {}
    assert "The job job carries ['by', 'hand'], which is no dict" in run.log
    assert jobs.get("job").carried_state == ["by", "hand"]


def test_who_asks_for_nothing_reads_nothing_and_who_asks_reads_once(
    manual_scheduler, recorder, job
):
    def count(ask: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            ask()
            ask()
        return len(queries)

    def act(context: Any) -> list[int]:
        asks = (context.checkpoint, lambda: context.state, lambda: context.previous_result)
        return [count(ask) for ask in asks]

    assert _run(manual_scheduler, recorder, act).result == [0, 1, 1]


def test_the_past_can_be_asked_for_in_an_event_loop(manual_scheduler, recorder, job):
    """Django refuses queries there; and a transaction that is open here is seen as from here."""

    async def ask(context: Any) -> Any:
        context.state["times"] = context.state.get("times", 0) + 1
        return [context.state["times"], context.previous_result]

    def act(context: Any) -> Any:
        return asyncio.run(ask(context))

    assert _run(manual_scheduler, recorder, act).result == [1, None]
    assert _run(manual_scheduler, recorder, act).result == [2, [1, None]]
    assert jobs.get("job").carried_state == {"times": 2}


@pytest.mark.django_db(transaction=True)
def test_the_past_asked_for_in_an_event_loop_leaves_no_connection_open(
    manual_scheduler, recorder, job
):
    jobs.update("job", carried_state={"from": "before"})
    run = _run(manual_scheduler, recorder, lambda context: asyncio.run(_from(context)))
    assert run.result == "before"
    assert connection._thread_sharing_count == 0


async def _from(context: Any) -> Any:
    return context.state["from"]


def test_state_set_while_a_run_goes_on_is_that_of_who_writes_last(manual_scheduler, recorder, job):
    def only_read(context: Any) -> None:
        assert context.state == {}
        jobs.update("job", carried_state={"by": "a person"})

    def change(context: Any) -> None:
        context.state["by"] = "the run"
        jobs.update("job", carried_state={"by": "another person"})

    _run(manual_scheduler, recorder, only_read)
    assert jobs.get("job").carried_state == {"by": "a person"}
    _run(manual_scheduler, recorder, change)
    assert jobs.get("job").carried_state == {"by": "the run"}


@pytest.mark.parametrize(
    "wrong",
    [(-1,), (1, -1), (2, 1), (1.5,), (True,), ("1",), (None,), (1, 2.5), (1, 2, "", -1), (2**63,)],
)
def test_progress_that_is_none_is_refused_by_name(manual_scheduler, recorder, job, wrong):
    def act(context: Any) -> None:
        context.progress(1, 4)
        with pytest.raises(InvalidData) as told:
            context.progress(*wrong)
        assert told.value.field == "completed"

    run = _run(manual_scheduler, recorder, act)
    assert (run.status, run.error, run.completed, run.total) == ("succeeded", "", 1, 4)
