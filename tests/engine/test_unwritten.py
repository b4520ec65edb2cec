"""What a run came to and the database does not take: said once, kept, and never run again (R6)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import jobs
from django_scheduler.models import Run
from django_scheduler.signals import run_record_failed
from tests.broken import anything, failing
from tests.engine.stories import MINUTE, START, add

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What `run_record_failed` was sent with."""
    found: list[dict[str, Any]] = []

    def receiver(signal: Any, sender: Any, **facts: Any) -> None:
        found.append(facts)

    run_record_failed.connect(receiver)
    yield found
    run_record_failed.disconnect(receiver)


def _statuses():
    return [run.status for run in Run.objects.order_by("scheduled_for", "job_name")]


def test_after_the_budget_it_is_said_once_with_all_that_is_known(
    manual_scheduler, recorder, heard, caplog
):
    job = add()
    manual_scheduler.run_due()
    recorder.behaviour = lambda context: manual_scheduler.clock.advance(2) and 1 / 0
    with failing(), caplog.at_level(logging.ERROR, logger="django_scheduler.runs"):
        manual_scheduler.advance(MINUTE + 6 * SECOND)
        assert heard == []
        manual_scheduler.advance(10 * SECOND)
    (told,) = heard
    run = Run.objects.get()
    began = START + MINUTE
    exception = told.pop("exception")
    assert str(exception) == "no space left on device"
    assert told == {
        "run_id": run.pk,
        "job_id": job.pk,
        "job_name": "job",
        "process": run.process,
        "status": "failed",
        "reason": "exception",
        "started_at": began,
        "finished_at": began + 2 * SECOND,
        "duration": 2 * SECOND,
        "error": "ZeroDivisionError: division by zero",
    }
    (record,) = caplog.records
    assert (record.job, record.run_id) == ("job", str(run.pk))
    assert record.scheduler_process == str(run.process)
    assert "no space left on device" in record.getMessage()
    assert "division by zero" in record.getMessage()


def test_later_occurrences_go_on_and_nothing_is_run_again(
    manual_scheduler, recorder, heard, caplog
):
    add(overlap="allow")
    manual_scheduler.run_due()
    with failing():
        manual_scheduler.advance(3 * MINUTE + 30 * SECOND)
        assert recorder.times == 3
        assert _statuses() == ["queued"] * 3
        assert len({told["run_id"] for told in heard}) == len(heard) == 3
    with caplog.at_level(logging.WARNING, logger="django_scheduler.runs"):
        manual_scheduler.advance(6 * SECOND)
    assert _statuses() == ["succeeded"] * 3
    assert sum("recorded after all" in record.getMessage() for record in caplog.records) == 3
    manual_scheduler.advance(2 * MINUTE)
    assert (recorder.times, _statuses()) == (5, ["succeeded"] * 5)
    assert set(Run.objects.values_list("attempt", "number")) == {(1, 1)}
    assert len(heard) == 3


def test_an_outcome_that_cannot_be_written_holds_up_no_other(manual_scheduler, recorder, heard):
    """One row is locked, say, by a session that somebody forgot."""
    for number in range(9):
        add(f"job {number}")
    manual_scheduler.run_due()
    manual_scheduler.clock.advance(MINUTE)
    bad: list[str] = []

    def begin(context):
        if context.job_name == "job 4":
            bad.extend([context.run_id, context.run_id.replace("-", "")])

    recorder.behaviour = begin
    with failing(about=lambda values: any(each in repr(values) for each in bad)) as refused:
        manual_scheduler.advance(10 * SECOND)
        # It is tried ever more seldom.
        assert 5 < len(refused) < 30
        ended = Run.objects.exclude(status="succeeded").values_list("job_name", flat=True)
        assert list(ended) == ["job 4"]
        assert [told["job_name"] for told in heard] == ["job 4"]
        manual_scheduler.advance(MINUTE)
    assert Run.objects.filter(status="succeeded").count() == 16
    manual_scheduler.advance(10 * SECOND)
    assert Run.objects.get(job_name="job 4", scheduled_for=START + MINUTE).status == "succeeded"
    assert recorder.times == 17


@pytest.fixture
def from_now_on() -> Iterator[ExitStack]:
    """Holds what begins within a function and ends with the test, or sooner."""
    with ExitStack() as stack:
        yield stack


def test_a_database_that_is_away_altogether_is_waited_for(
    manual_scheduler, recorder, heard, from_now_on
):
    add()
    manual_scheduler.run_due()
    session = manual_scheduler.scheduler.session
    recorder.behaviour = lambda context: from_now_on.enter_context(failing(anything)) and None
    manual_scheduler.clock.advance(MINUTE)
    session.turn.look_soon()
    waits = []
    while sum(waits, timedelta(0)) <= 6 * SECOND:
        waits.append(session.step())
        manual_scheduler.clock.advance(waits[-1])
        assert len(heard) == (sum(waits[:-1], timedelta(0)) >= 5 * SECOND)
    from_now_on.close()
    recorder.behaviour = None
    manual_scheduler.advance(6 * SECOND)
    assert (_statuses(), recorder.times) == (["succeeded"], 1)


def test_a_shutdown_ends_the_wait_and_says_so(manual_scheduler, recorder, heard, from_now_on):
    add()
    manual_scheduler.run_due()
    scheduler = manual_scheduler.scheduler
    recorder.behaviour = lambda context: from_now_on.enter_context(failing()) and None
    manual_scheduler.clock.advance(MINUTE)
    while not recorder.times:
        scheduler.tick()
    before = manual_scheduler.clock.now()
    scheduler.close()
    waited = manual_scheduler.clock.now() - before
    assert not scheduler.complete
    assert 5 * SECOND <= waited <= 6 * SECOND
    assert [told["status"] for told in heard] == ["succeeded"]


def test_a_shutdown_says_nothing_twice(manual_scheduler, recorder, heard):
    add()
    manual_scheduler.run_due()
    with failing():
        manual_scheduler.advance(MINUTE + 10 * SECOND)
        assert len(heard) == 1
        manual_scheduler.scheduler.close()
    assert not manual_scheduler.scheduler.complete
    assert len(heard) == 1


def test_after_that_on_lost_decides(manual_scheduler, recorder, heard, from_now_on):
    add(on_lost="fail")
    manual_scheduler.run_due()
    recorder.behaviour = lambda context: from_now_on.enter_context(failing()) and None
    manual_scheduler.advance(MINUTE + SECOND)
    manual_scheduler.scheduler.close()
    from_now_on.close()
    manual_scheduler.kill()
    manual_scheduler.advance(30 * SECOND)
    assert (_statuses(), recorder.times) == (["lost"], 1)


def test_a_row_that_somebody_holds_for_long_is_said_as_well(
    manual_scheduler, recorder, heard, monkeypatch
):
    """The outcome waits for the job's row, that an edit holds, say, in a long transaction."""
    from django_scheduler.lifecycle import apply

    add()
    manual_scheduler.run_due()
    real = apply.__globals__["lock_at_hand"]
    monkeypatch.setitem(apply.__globals__, "lock_at_hand", lambda ids, using: ({}, set(ids)))
    manual_scheduler.advance(MINUTE + 8 * SECOND)
    assert [type(told["exception"]) for told in heard] == [TimeoutError]
    monkeypatch.setitem(apply.__globals__, "lock_at_hand", real)
    manual_scheduler.advance(SECOND)
    assert _statuses() == ["succeeded"]
    assert jobs.get("job").last_status == "succeeded"
