"""What the vendors' room asks of a database session."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from django_scheduler import jobs, registry
from django_scheduler.models import Job
from django_scheduler.models.vendors import prepare_session, writing
from django_scheduler.registry import Definition


@pytest.mark.django_db(transaction=True)
def test_a_write_waits_for_its_turn_at_its_beginning():
    """SQLite: a deferred transaction that reads first can fail half-way, whatever the timeout."""
    configured = getattr(connection, "transaction_mode", None)
    connection.ensure_connection()
    connection.transaction_mode = None
    try:
        with CaptureQueriesContext(connection) as seen, writing("default"):
            Job.objects.count()
        immediate = seen.captured_queries[0]["sql"] == "BEGIN IMMEDIATE"
        assert immediate == (connection.vendor == "sqlite")
        assert connection.transaction_mode is None
    finally:
        connection.transaction_mode = configured


@pytest.mark.django_db(transaction=True)
def test_preparing_the_engines_session_leaves_other_threads_as_they_are():
    before = dict(connection.settings_dict["OPTIONS"])
    seen = []

    def engine_thread():
        prepare_session("default")
        seen.append(Job.objects.count())
        connections.close_all()

    thread = threading.Thread(target=engine_thread)
    thread.start()
    thread.join()
    assert seen == [0]
    assert connection.settings_dict["OPTIONS"] == before


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_all_get_through():
    """D1: web processes trigger while others do."""

    def function():
        """Do nothing."""

    registry.register(Definition("busy", function))
    jobs.add("busy", overlap="allow")
    errors = []

    def trigger_often():
        try:
            for _ in range(10):
                jobs.trigger("busy")
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=trigger_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.unregister("busy")
    assert errors == []
    assert jobs.get("busy").runs.count() == 40
