"""Asking whether a fact held, from where nobody may wait."""

from __future__ import annotations

import asyncio
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from django_scheduler import jobs, runs
from django_scheduler.clock import SystemClock
from django_scheduler.engine.outbox import Letter, Outbox
from django_scheduler.lifecycle import Fact, GivenBack, Paused
from django_scheduler.runner import DirectReporter
from django_scheduler.runner.asking import ask_in_loop
from tests.waiting import wait_until

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


def _fact() -> Fact:
    return GivenBack(run_id=uuid.uuid4(), job_id=1, process=uuid.uuid4(), epoch=1, due_at=AT)


def _nothing(_letters: list[Letter]) -> None:
    raise AssertionError("written in the thread that asks")


@pytest.mark.parametrize("won", [True, False])
def test_a_loop_goes_on_while_it_waits_for_the_answer(won):
    outbox = Outbox(lambda: None, _nothing)
    seen: list[bool] = []

    async def both() -> bool:
        asked = asyncio.create_task(ask_in_loop(outbox, _fact()))
        await asyncio.sleep(0)
        seen.append(asked.done())
        (letter,) = outbox.take(10)
        threading.Thread(target=letter.answer, args=(won,)).start()
        return await asked

    assert asyncio.run(both()) is won
    assert seen == [False]


def test_who_was_cancelled_meanwhile_is_not_told():
    outbox, complaints = Outbox(lambda: None, _nothing), []

    async def gives_up() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        asked = asyncio.create_task(ask_in_loop(outbox, _fact()))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        outbox.take(1)[0].answer(True)
        await asyncio.sleep(0.01)

    asyncio.run(gives_up())
    assert complaints == []


def test_an_answer_for_a_loop_that_was_closed_harms_nobody():
    outbox = Outbox(lambda: None, _nothing)

    async def leaves() -> None:
        asked = asyncio.create_task(ask_in_loop(outbox, _fact()))
        await asyncio.sleep(0)
        asked.cancel()

    asyncio.run(leaves())
    outbox.take(1)[0].answer(True)


def test_an_outbox_that_is_closed_answers_at_once():
    outbox = Outbox(lambda: None, _nothing)

    async def asks() -> bool:
        return await ask_in_loop(outbox, _fact())

    outbox.close()
    assert asyncio.run(asks()) is False


def test_what_waits_when_an_outbox_closes_is_answered():
    outbox, told = Outbox(lambda: None, _nothing), []
    outbox.ask_then(_fact(), told.append)
    outbox.close()
    assert told == [False]


def test_the_thread_that_writes_does_not_wait_for_itself():
    outbox = Outbox(lambda: None, _nothing)
    outbox.write_from_here()

    async def asks() -> bool:
        return await ask_in_loop(outbox, _fact())

    assert asyncio.run(asks()) is False
    assert len(outbox) == 0


@pytest.mark.django_db(transaction=True)
def test_a_reporter_that_writes_itself_does_so_beside_the_loop(recorder_job):
    """The worker's: it asks the database, which a loop may not."""
    reporter = DirectReporter(SystemClock(), "default", timedelta(seconds=5))
    run = jobs.trigger(recorder_job)
    fact = Paused(run_id=run.pk, job_id=run.job_id, process=uuid.uuid4(), epoch=run.epoch)

    async def asks() -> bool:
        return await ask_in_loop(reporter, fact)

    assert asyncio.run(asks()) is False
    assert runs.get(run).status == "queued"
    wait_until(lambda: not [t for t in threading.enumerate() if t.name == "scheduler-ask"])


@pytest.fixture
def recorder_job():
    return jobs.add("one", function="tests.note", args=["nowhere"])
