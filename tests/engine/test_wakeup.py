"""What brings a look forward, and that nothing depends on it (T2)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_scheduler import jobs, lifecycle, runs
from django_scheduler.clock import SystemClock
from django_scheduler.engine import Scheduler, wakeup
from django_scheduler.lifecycle import DUE, ORDERS, heard_here, notices
from django_scheduler.testing import ManualScheduler
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

HALF_A_MINUTE = timedelta(seconds=30)
SOON = 15.0
"""Seconds, far fewer than between two looks."""


@pytest.fixture
def running() -> Iterator[Callable[..., Scheduler]]:
    """Start a scheduler that looks once in half a minute."""
    started: list[Scheduler] = []

    def running(poll_interval: timedelta = HALF_A_MINUTE) -> Scheduler:
        scheduler = Scheduler(clock=SystemClock(), threads=2, poll_interval=poll_interval)
        started.append(scheduler)
        scheduler.start()
        scheduler.wait_until_running(20)
        return scheduler

    yield running
    for scheduler in started:
        scheduler.stop(0)


@pytest.fixture
def deaf_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hears what is told in this process, as if another process had told it."""
    monkeypatch.setattr(notices._Told, "__call__", lambda self: None)


@pytest.fixture
def no_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database passes nothing on."""
    monkeypatch.setattr(wakeup, "open_listener", lambda using: None)


def _ends_soon(run: Any) -> bool:
    return wait_until(lambda: runs.get(run).is_final, seconds=SOON)


def _settled() -> None:
    """Return once the scheduler has had its first looks and sleeps."""
    threading.Event().wait(0.5)


def _until_listening() -> None:
    wait_until(_listeners)


def _listeners() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND query LIKE 'LISTEN %'"
        )
        return [pid for (pid,) in cursor.fetchall()]


@pytest.mark.postgres
def test_a_trigger_in_another_process_is_seen_at_once(recorder, running, deaf_here):
    jobs.add("one", function="recorder")
    running()
    _until_listening()
    _settled()
    assert _ends_soon(jobs.trigger("one"))


def test_a_trigger_in_the_same_process_is_seen_at_once(recorder, running, no_notices):
    jobs.add("one", function="recorder")
    running()
    _settled()
    assert _ends_soon(jobs.trigger("one"))


def test_without_any_notice_a_trigger_is_seen_at_the_next_look(
    recorder, running, no_notices, deaf_here
):
    jobs.add("one", function="recorder")
    running(timedelta(seconds=0.3))
    assert _ends_soon(jobs.trigger("one"))


def _stop_is_seen(recorder: Any, settings: Any) -> bool:
    run = jobs.trigger("one")
    wait_until(lambda: runs.get(run).status == "running")
    runs.stop(run)
    return _ends_soon(run) and runs.get(run).status == "stopped"


@pytest.fixture
def obeys(recorder: Any, settings: Any) -> Any:
    """A function that goes on until it is told to stop, under a monitor that hardly looks."""
    settings.DJANGO_SCHEDULER = {"MONITOR_INTERVAL": 60, "HEARTBEAT_INTERVAL": 60, "LEASE": 150}

    def until_stopped(context: Any) -> None:
        while True:
            context.checkpoint()
            threading.Event().wait(0.02)

    recorder.behaviour = until_stopped
    return recorder


@pytest.mark.postgres
def test_an_order_from_another_process_reaches_a_running_function(
    obeys, settings, running, deaf_here
):
    jobs.add("one", function="recorder")
    running()
    _until_listening()
    assert _stop_is_seen(obeys, settings)


def test_an_order_from_the_same_process_reaches_a_running_function(
    obeys, settings, running, no_notices
):
    jobs.add("one", function="recorder")
    running()
    assert _stop_is_seen(obeys, settings)


@pytest.mark.postgres
def test_a_lost_connection_is_made_anew_and_told_once(recorder, running, deaf_here, caplog):
    caplog.set_level(logging.WARNING, "django_scheduler.engine")
    jobs.add("one", function="recorder")
    running()
    _until_listening()
    for _ in range(2):
        (pid,) = _listeners()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        wait_until(lambda gone=pid: _listeners() not in ([], [gone]))
        _settled()
        assert _ends_soon(jobs.trigger("one"))
    lost = [text for text in caplog.messages if text.startswith("Notices are not heard")]
    back = [text for text in caplog.messages if text == "Notices are heard again"]
    assert (len(lost), len(back)) == (2, 2)


def test_a_server_that_stays_away_is_tried_ever_more_slowly(monkeypatch, caplog):
    pauses: list[float] = []

    class Patient(SystemClock):
        def wait(self, event: threading.Event, timeout: float | None) -> bool:
            pauses.append(timeout or 0)
            if len(pauses) == 10:
                event.set()
            return event.is_set()

    def away(using: str) -> None:
        raise OSError("away")

    monkeypatch.setattr(wakeup, "open_listener", away)
    thread = wakeup.Wakeup(Patient(), "default", lambda word: None)
    thread.start()
    wait_until(lambda: not thread._thread.is_alive())
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]
    assert len(caplog.messages) == 1


@pytest.mark.postgres
def test_a_listener_ends_at_once_when_told():
    listening = wakeup.Wakeup(SystemClock(), "default", lambda word: None)
    listening.start()
    assert listening.listening.wait(20)
    listening.stop(timeout=10)  # far fewer seconds than between two looks at the connection
    assert not listening._thread.is_alive()
    wait_until(lambda: not _listeners())


@pytest.mark.postgres
def test_a_driver_that_cannot_listen_is_let_be(monkeypatch, caplog):
    monkeypatch.setattr("django.db.backends.postgresql.psycopg_any.is_psycopg3", False)
    listening = wakeup.Wakeup(SystemClock(), "default", lambda word: None)
    listening.start()
    wait_until(lambda: not listening._thread.is_alive())
    assert caplog.messages == []


def test_where_there_are_no_notices_there_is_no_thread(no_notices):
    listening = wakeup.Wakeup(SystemClock(), "default", lambda word: None)
    listening.start()
    listening._thread.join(20)
    assert not listening._thread.is_alive()
    listening.stop()


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What is told in this process."""
    words: list[str] = []
    with heard_here("default", words.append):
        yield words


def _acts() -> dict[str, tuple[Callable[[], Any], list[str]]]:
    return {
        "add": (lambda: jobs.add("two", function="recorder"), [DUE]),
        "update": (lambda: jobs.update("one", schedule="@hourly"), [DUE]),
        "schedule": (lambda: jobs.schedule("one", "@hourly"), [DUE]),
        "trigger": (lambda: jobs.trigger("one"), [DUE]),
        "run_within": (lambda: jobs.run_within("one", 0), [DUE]),
        "skip_next": (lambda: jobs.skip_next("one"), [DUE]),
        "resume": (lambda: (jobs.pause("one"), jobs.resume("one")), [DUE]),
        "resume_all": (lambda: (jobs.pause_all(), jobs.resume_all()), [DUE]),
        "stop": (lambda: runs.stop(jobs.trigger("one")), [DUE, ORDERS]),
        "retry": (
            lambda: runs.retry(runs.stop(jobs.trigger("one"))),
            [DUE, ORDERS, ORDERS],
        ),
        "remove": (lambda: jobs.remove("one"), [ORDERS]),
    }


@pytest.mark.parametrize("act", list(_acts()))
def test_what_may_make_something_due_is_told(recorder, heard, act):
    jobs.add("one", function="recorder", schedule="@daily")
    heard.clear()
    call, expected = _acts()[act]
    call()
    assert heard == expected


def test_what_is_rolled_back_is_not_told(recorder, heard):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.add("one", function="recorder")
        _ = 1 / 0
    assert heard == []


def test_one_transaction_tells_once(recorder, heard):
    with transaction.atomic(), CaptureQueriesContext(connection) as seen:
        for number in range(5):
            jobs.add(f"job{number}", function="recorder")
    sent = [query for query in seen.captured_queries if "pg_notify" in query["sql"]]
    assert heard == [DUE]
    assert len(sent) == (1 if connection.vendor == "postgresql" else 0)


def test_what_a_savepoint_took_back_is_told_again(recorder, heard):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            jobs.add("one", function="recorder")
            _ = 1 / 0
        with CaptureQueriesContext(connection) as seen:
            jobs.add("two", function="recorder")
    assert heard == [DUE]
    if connection.vendor == "postgresql":
        assert any("pg_notify" in query["sql"] for query in seen.captured_queries)


def test_the_engine_does_not_wake_itself(recorder, scheduler_clock, monkeypatch):
    jobs.add("one", function="recorder", schedule="@every 1m")
    told: list[str] = []
    monkeypatch.setattr(lifecycle.notices, "notify", lambda using, word: told.append(word))
    scheduler = ManualScheduler(scheduler_clock)
    with heard_here("default", told.append):
        for _ in range(3):
            scheduler.advance(60)
    assert recorder.times == 3
    assert told == []
