"""``runs.get``, ``query``, ``wait``, ``stop``."""

from __future__ import annotations

import uuid

import pytest

from django_scheduler import jobs, runs
from django_scheduler.exceptions import InvalidData, InvalidRunState, RunNotFound
from django_scheduler.models import Job, Run
from tests.facades.fixed import HOUR, MINUTE, NOW, SECOND, make_process, make_row

pytestmark = pytest.mark.django_db


def started(job, minutes, status="succeeded", seconds=1):
    """A finished run that started so many minutes after noon."""
    begin = NOW + minutes * MINUTE
    return make_row(
        job,
        status,
        started_at=begin,
        finished_at=begin + seconds * SECOND,
        duration=seconds * SECOND,
        lateness=minutes * SECOND,
    )


def minutes(found):
    return [run.started_at and (run.started_at - NOW) // MINUTE for run in found]


def test_run_is_got_by_itself_its_id_and_its_text():
    run = make_row(jobs.add("plain"))
    assert runs.get(run) == runs.get(run.pk) == runs.get(str(run.pk)) == run


@pytest.mark.parametrize("run_id", [uuid.UUID(int=7), str(uuid.UUID(int=7)), "nonsense", 7])
def test_unknown_run_is_run_not_found(run_id):
    with pytest.raises(RunNotFound):
        runs.get(run_id)
    with pytest.raises(RunNotFound):
        runs.stop(run_id)


def test_runs_are_filtered_by_job_and_status():
    """D2"""
    one, two = jobs.add("plain"), jobs.add("report")
    started(one, 1)
    started(one, 2, status="failed")
    started(two, 3)
    assert minutes(runs.query(job="plain")) == [2, 1]
    assert minutes(runs.query(job=two)) == [3]
    assert minutes(runs.query(status="succeeded")) == [3, 1]
    assert minutes(runs.query(job="plain", status="failed")) == [2]


def test_start_is_inclusive_and_end_exclusive():
    """D2"""
    job = jobs.add("plain")
    for minute in (1, 2, 3):
        started(job, minute)
    found = runs.query(since=NOW + MINUTE, until=NOW + 3 * MINUTE, order_by="started_at")
    assert minutes(found) == [1, 2]


def test_what_has_not_started_comes_last_either_way():
    """D2"""
    job = jobs.add("plain")
    make_row(job, "queued")
    started(job, 1)
    started(job, 2)
    assert minutes(runs.query()) == [2, 1, None]
    assert minutes(runs.query(order_by="started_at")) == [1, 2, None]


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("started_at", [1, 2, 3]),
        ("-started_at", [3, 2, 1]),
        ("finished_at", [2, 3, 1]),
        ("duration", [2, 3, 1]),
        ("-duration", [1, 3, 2]),
        ("-lateness", [3, 2, 1]),
    ],
)
def test_orders(order_by, expected):
    """D2"""
    job = jobs.add("plain")
    started(job, 1, seconds=600)
    started(job, 2, seconds=1)
    started(job, 3, seconds=2)
    assert minutes(runs.query(order_by=order_by)) == expected


def test_limit_and_offset_page_through():
    """D2"""
    job = jobs.add("plain")
    for minute in range(1, 6):
        started(job, minute)
    assert minutes(runs.query(limit=2)) == [5, 4]
    assert minutes(runs.query(limit=2, offset=4)) == [1]
    assert minutes(runs.query(offset=3)) == [2, 1]
    assert minutes(runs.query(limit=0)) == []
    assert minutes(runs.query(limit=3, offset=50)) == []
    assert minutes(runs.query(offset=50)) == []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("order_by", "colour"),
        ("order_by", ""),
        ("order_by", None),
        ("order_by", "job__name"),
        ("order_by", "--started_at"),
        ("status", "done"),
        ("since", NOW.replace(tzinfo=None)),
        ("until", NOW.replace(tzinfo=None)),
        ("since", "yesterday"),
        ("limit", -1),
        ("offset", -1),
        ("limit", "ten"),
    ],
)
def test_bad_question_names_its_field(field, wrong):
    with pytest.raises(InvalidData) as raised:
        runs.query(**{field: wrong})
    assert raised.value.field == field


def test_history_of_a_removed_job_is_found_by_its_name():
    """J6"""
    started(jobs.add("plain"), 1)
    jobs.remove("plain")
    assert minutes(runs.query(job="plain")) == [1]


def test_wait_returns_a_final_run_at_once(clock):
    run = started(jobs.add("plain"), 1)
    assert runs.wait(run).status == "succeeded"
    assert clock.instant == NOW


def test_wait_returns_as_soon_as_the_run_is_final(clock):
    run = make_row(jobs.add("plain"), "running")
    waits = []

    def on_wait():
        waits.append(clock.instant)
        if len(waits) == 4:
            Run.objects.update(status="failed")

    clock.on_wait = on_wait
    assert runs.wait(run, timeout=60).status == "failed"
    assert len(waits) == 4


def test_wait_gives_up_after_its_timeout(clock):
    run = make_row(jobs.add("plain"), "running")
    with pytest.raises(TimeoutError, match="still running"):
        runs.wait(run, timeout=5)
    assert 5 * SECOND <= clock.instant - NOW < 6 * SECOND


def test_stop_of_an_unowned_run_is_immediate():
    """C3"""
    jobs.add("plain")
    run = runs.stop(jobs.trigger("plain"), "enough")
    assert (run.status, run.reason, run.due_at) == ("stopped", "enough", None)
    assert run.finished_at == run.left_at == run.stop_requested_at == NOW
    assert Job.objects.get().last_status == "stopped"


def test_stop_of_an_owned_run_is_an_order_to_its_owner():
    """C3"""
    process = make_process()
    run = make_row(jobs.add("plain"), "running", process=process.pk, started_at=NOW)
    asked = runs.stop(run)
    assert (asked.status, asked.reason, asked.stop_requested_at) == ("running", "asked", NOW)


def test_stop_asked_twice_changes_nothing(clock):
    """C3"""
    run = make_row(jobs.add("plain"), "running", process=uuid.uuid4(), started_at=NOW)
    first = runs.stop(run, "enough")
    clock.advance(HOUR)
    again = runs.stop(run, "really")
    assert (again.stop_requested_at, again.reason) == (first.stop_requested_at, "enough")


@pytest.mark.parametrize("status", ["succeeded", "failed", "stopped", "lost", "skipped"])
def test_stop_of_a_final_run_is_refused(status):
    """C5"""
    run = make_row(jobs.add("plain"), status)
    before = Run.objects.values().get()
    with pytest.raises(InvalidRunState):
        runs.stop(run)
    assert Run.objects.values().get() == before


def test_stop_of_the_run_in_the_way_lets_the_waiting_one_go():
    """T6: promotion is part of the stop."""
    jobs.add("plain", overlap="queue")
    first, waiting = jobs.trigger("plain"), jobs.trigger("plain")
    assert waiting.due_at is None
    runs.stop(first)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason, waiting.due_at) == ("queued", "", NOW)


def test_stopped_run_is_not_retried():
    jobs.add("plain", retry=3)
    runs.stop(jobs.trigger("plain"))
    assert Run.objects.count() == 1
