"""What running runs report: few statements for all, and signals after the commit (P1, P2, H3)."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_scheduler import signals
from django_scheduler.context import RunContext
from django_scheduler.lifecycle import progress
from django_scheduler.models import Run
from tests.engine import many_runs
from tests.engine.many_runs import EPOCH
from tests.facades.fixed import NOW, make_process

room = many_runs.room


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """What was told of progress and data, in order."""
    told: list[tuple[str, Any]] = []

    def progressed(run: Run, **_kwargs: Any) -> None:
        told.append(("progress", run))

    def saved(run: Run, **_kwargs: Any) -> None:
        told.append(("data", run))

    signals.run_progressed.connect(progressed)
    signals.run_data_saved.connect(saved)
    yield told
    signals.run_progressed.disconnect(progressed)
    signals.run_data_saved.disconnect(saved)


@contextmanager
def committed(django_capture_on_commit_callbacks: Any) -> Iterator[None]:
    with django_capture_on_commit_callbacks(execute=True):
        yield


def writes(statements: list[str]) -> list[str]:
    """Those that change rows; SQLite carries a prepared one out for each, with no way between."""
    return [sql for sql in statements if re.match(r"(\d+ times: )?UPDATE ", sql)]


def _said_by(contexts: list[RunContext]) -> None:
    for number, context in enumerate(contexts, 1):
        context.progress(number, 5_000, f"row {number}")
        context.save_data(last=number)


@pytest.mark.parametrize("count", [10, 500])
def test_what_a_batch_of_runs_reports_takes_as_many_statements_as_what_one_does(room, count):
    """P1: one UPDATE for all, and one question about all orders."""
    contexts = room.enter(count)
    _said_by(contexts)
    statements = room.beat()
    assert len(writes(statements)) == 1
    assert len([sql for sql in statements if "stop_requested_at" in sql]) == 1
    assert len(statements) == 5


def test_a_thousand_runs_take_two_batches(room):
    contexts = room.enter(1_000)
    _said_by(contexts)
    statements = room.beat()
    assert len(writes(statements)) == 2
    assert len(statements) == 10
    stored = dict(Run.objects.values_list("message", "completed"))
    assert stored == {f"row {number}": number for number in range(1, 1_001)}
    assert {run.data["last"] for run in Run.objects.all()} == set(range(1, 1_001))


def test_runs_that_report_different_things_take_a_statement_for_each_kind(room):
    contexts = room.enter(100)
    for context in contexts[:50]:
        context.save_data(a=1)
    _said_by(contexts[50:])
    assert len(writes(room.beat())) == 2


def test_who_has_nothing_new_to_say_writes_nothing(room):
    contexts = room.enter(10)
    _said_by(contexts)
    assert writes(room.beat())
    assert writes(room.beat()) == []


def test_nobody_writes_over_a_run_that_is_not_its_own_any_more(room):
    """P6: somebody else took it, it is over, or it began anew."""
    contexts = room.enter(4)
    ids = [context.run_id for context in contexts]
    Run.objects.filter(pk=ids[0]).update(process=make_process().pk)
    Run.objects.filter(pk=ids[1]).update(status="lost")
    Run.objects.filter(pk=ids[2]).update(epoch=EPOCH + 1)
    _said_by(contexts)
    room.beat()
    assert list(Run.objects.filter(completed__isnull=False).values_list("pk", flat=True)) == [
        uuid.UUID(ids[3])
    ]
    assert [context.stop_requested for context in contexts] == [True, True, True, False]


def test_a_paused_run_may_report_what_it_has(room):
    [context] = room.enter()
    Run.objects.update(status="paused", pause_requested_at=NOW)
    context.progress(1, 2)
    room.beat()
    assert Run.objects.get().completed == 1


def test_a_value_the_database_refuses_holds_up_no_other_run(room, monkeypatch, caplog):
    """T10"""
    contexts = room.enter(5)
    _said_by(contexts)
    poison = uuid.UUID(contexts[2].run_id)
    write = progress.vendor_of("default").update

    def refuse(model: Any, columns: Any, rows: Any) -> None:
        if any(row[0] == poison for row in rows):
            raise DataError("out of range")
        write(model, columns, rows)

    monkeypatch.setattr(progress.vendor_of("default"), "update", refuse)
    with caplog.at_level(logging.WARNING, "django_scheduler.heartbeat"):
        room.beat()
    assert Run.objects.filter(completed__isnull=False).count() == 4
    assert Run.objects.get(pk=poison).completed is None
    assert f"What run {poison} reports cannot be stored" in caplog.text
    assert writes(room.beat()) == []
    monkeypatch.undo()
    contexts[2].progress(5_000, 5_000)
    room.beat()
    assert Run.objects.get(pk=poison).completed == 5_000


def test_the_newest_is_told_once_an_interval(room, heard, django_capture_on_commit_callbacks):
    """H3"""
    [context] = room.enter()
    with committed(django_capture_on_commit_callbacks):
        for number in range(1, 51):
            context.progress(number, 50)
            context.save_data(last=number)
        room.beat()
    told = [(kind, run.completed, run.data) for kind, run in heard]
    assert told == [("progress", 50, {"last": 50}), ("data", 50, {"last": 50})]
    with committed(django_capture_on_commit_callbacks):
        room.beat()
    assert len(heard) == 2


def test_only_what_changed_is_told(room, heard, django_capture_on_commit_callbacks):
    """H3"""
    one, other = room.enter(2)
    with committed(django_capture_on_commit_callbacks):
        one.progress(1)
        other.save_data(page=2)
        room.beat()
    assert {(kind, str(run.pk)) for kind, run in heard} == {
        ("progress", one.run_id),
        ("data", other.run_id),
    }
    heard.clear()
    with committed(django_capture_on_commit_callbacks):
        one.progress(1)  # the same again
        other.save_data(page=2)
        room.beat()
    assert heard == []


def test_what_is_told_is_at_hand(room, heard, django_capture_on_commit_callbacks):
    """No receiver needs a query for what a run is and how far it is."""
    _said_by(room.enter(3))
    with committed(django_capture_on_commit_callbacks):
        room.beat()
    with CaptureQueriesContext(connection) as statements:
        for _, run in heard:
            _ = (run.job_name, run.job_id, run.status, run.attempt, run.started_at, run.process)
            _ = (run.completed, run.total, run.message, run.progress_at, run.data)
            _ = run.progress_percent
    assert len(heard) == 6
    assert len(statements) == 0


def test_nothing_is_told_of_what_was_not_stored(
    room, heard, monkeypatch, django_capture_on_commit_callbacks
):
    [context] = room.enter()
    context.progress(1)

    def refuse(*_args: Any) -> None:
        raise DataError("out of range")

    monkeypatch.setattr(progress.vendor_of("default"), "update", refuse)
    with committed(django_capture_on_commit_callbacks):
        room.beat()
    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_it_is_told_after_the_commit(heard):
    """A receiver that looks finds in the row what it was told."""
    with transaction.atomic():
        signals.announce(signals.run_progressed, using="default", sender=Run, run="a run")
        assert heard == []
    assert heard == [("progress", "a run")]


def test_a_receiver_that_fails_changes_nothing(room, django_capture_on_commit_callbacks, caplog):
    def fail(**_kwargs: Any) -> None:
        raise ValueError("no")

    signals.run_progressed.connect(fail)
    try:
        [context] = room.enter()
        context.progress(3, 4)
        with committed(django_capture_on_commit_callbacks):
            room.beat()
    finally:
        signals.run_progressed.disconnect(fail)
    assert Run.objects.get().completed == 3
    assert "A receiver of run_progressed failed" in caplog.text
