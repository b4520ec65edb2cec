"""What the vendors' room asks of a database session."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from django_scheduler import conf, jobs, registry
from django_scheduler.models import Job
from django_scheduler.models.vendors import limits, prepare_session, release_session, writing
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


LIMITS = {
    "postgres": ("SHOW idle_in_transaction_session_timeout", "SHOW lock_timeout"),
    "mariadb": ("SELECT @@idle_transaction_timeout", "SELECT @@innodb_lock_wait_timeout"),
}


def _limits(database):
    answers = []
    for query in LIMITS[database]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            answers.append(str(cursor.fetchone()[0]))
    return answers


def _in_a_thread(work):
    """Return what ``work`` answers in a thread of its own, with a connection of its own."""
    answers = []

    def carry_out():
        try:
            answers.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=carry_out)
    thread.start()
    thread.join()
    return answers[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("database", "engine"),
    [
        pytest.param("postgres", ["5s", "10s"], marks=pytest.mark.postgres),
        pytest.param("mariadb", ["5", "10"], marks=pytest.mark.mariadb),
    ],
)
def test_the_engines_session_keeps_its_limits_and_nobody_elses_has_them(database, engine):
    """I8: of a third of the lease, also after a reconnect."""
    mine = _limits(database)

    def engine_thread():
        prepare_session("default")
        first = _limits(database)
        connection.close()
        return first, _limits(database)

    assert _in_a_thread(engine_thread) == (engine, engine)
    assert _in_a_thread(lambda: _limits(database)) == mine != engine


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("database", "engine"),
    [
        pytest.param("postgres", "5s", marks=pytest.mark.postgres),
        pytest.param("mariadb", "5", marks=pytest.mark.mariadb),
    ],
)
def test_a_session_that_was_open_is_limited_and_given_back(database, engine):
    """`runscheduler --once` works in the caller's thread."""

    def caller():
        before = _limits(database)
        prepare_session("default")
        within = _limits(database)
        release_session("default")
        return before, within[0], _limits(database)

    before, within, after = _in_a_thread(caller)
    assert (within, after) == (engine, before)


def _options_of_the_engine(**options):
    """The driver's options of a prepared connection, when the project has set these."""

    def prepared():
        connection.settings_dict = {
            **connection.settings_dict,
            "OPTIONS": {**connection.settings_dict["OPTIONS"], **options},
        }
        prepare_session("default")
        return connection.get_connection_params(), connection.settings_dict["OPTIONS"]

    return _in_a_thread(prepared)


@pytest.mark.postgres
def test_the_engine_notices_a_dead_peer_on_postgresql():
    """P9: the project's own words go first."""
    params, _ = _options_of_the_engine(connect_timeout=30)
    assert params["connect_timeout"] == 30
    assert params["tcp_user_timeout"] == 5000
    assert params["keepalives_idle"] == 5


@pytest.mark.mariadb
def test_the_engine_notices_a_dead_peer_on_mariadb():
    """P9"""
    params, _ = _options_of_the_engine(write_timeout=30)
    assert (params["connect_timeout"], params["read_timeout"]) == (5, 15)
    assert params["write_timeout"] == 30


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_engine_takes_no_connection_from_the_projects_pool():
    """Its session has limits of its own, and is held for as long as it works."""
    params, options = _options_of_the_engine(pool={"max_size": 1})
    assert "pool" not in options
    assert "pool" not in params


@pytest.mark.parametrize(
    ("mariadb", "said"),
    [
        (True, ["SET SESSION idle_transaction_timeout = 5"]),
        (False, ["SET SESSION wait_timeout = 15"]),
    ],
)
def test_a_server_is_told_in_its_own_words(mariadb, said):
    """MySQL counts any silence: longer than the longest sleep of a scheduler."""
    server = SimpleNamespace(vendor="mysql", mysql_is_mariadb=mariadb)
    lock = ["SET SESSION innodb_lock_wait_timeout = 10"]
    assert limits.statements(server, limits.Limits.of(conf.SchedulerSettings())) == said + lock


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
