"""System checks: what is missing or wrong, as ``manage.py check`` shows it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from django.core.checks import run_checks
from django.db import connections

from django_scheduler import executors
from django_scheduler.executors.thread_pool import ThreadPoolExecutor
from django_scheduler.models import Process
from django_scheduler.models.vendors import pooling, sessions


def ours(**options):
    """The messages of this package among all that Django's checks say."""
    found = run_checks(**options)
    return [message for message in found if (message.id or "").startswith("django_scheduler.")]


def test_good_settings_are_silent():
    assert ours() == []


@pytest.mark.parametrize(
    "wrong", [{"COLOUR": 1}, {"THREADS": "5"}, {"LEASE": 3, "HEARTBEAT_INTERVAL": 2}]
)
def test_wrong_setting_is_an_error(settings, wrong):
    """W5"""
    settings.DJANGO_SCHEDULER = wrong
    (message,) = ours()
    assert (message.id, message.is_serious()) == ("django_scheduler.E001", True)
    assert message.hint


def test_project_without_zones_is_an_error(settings):
    """W5"""
    settings.USE_TZ = False
    (message,) = ours()
    assert (message.id, message.is_serious()) == ("django_scheduler.E002", True)
    assert "USE_TZ = True" in message.hint


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"BACKEND": "no.such.Executor"}, "no.such.Executor"),
        ({"BACKEND": "django_scheduler.executors.thread_pool.Missing"}, "Missing"),
        (
            {
                "BACKEND": "django_scheduler.executors.thread_pool.ThreadPoolExecutor",
                "OPTIONS": {"colour": "red"},
            },
            "colour",
        ),
        (
            {
                "BACKEND": "django_scheduler.executors.thread_pool.ThreadPoolExecutor",
                "OPTIONS": {"threads": 0},
            },
            "threads",
        ),
    ],
)
def test_executor_that_cannot_be_had_is_an_error(settings, definition, said):
    """W5"""
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"default": definition}}
    (message,) = ours()
    assert (message.id, message.is_serious()) == ("django_scheduler.E003", True)
    assert said in message.msg


def test_threads_of_the_process_size_a_pool_without_options(settings):
    settings.DJANGO_SCHEDULER = {
        "EXECUTORS": {
            "small": {
                "BACKEND": "django_scheduler.executors.thread_pool.ThreadPoolExecutor",
                "OPTIONS": {"threads": 2},
            }
        }
    }
    built = executors.build_all(7)
    assert (built["default"].threads, built["small"].threads) == (7, 2)
    assert isinstance(built["default"], ThreadPoolExecutor)


@pytest.mark.django_db
def test_database_of_the_tests_has_what_schedulers_need():
    assert ours(databases=["default"]) == []


class Answer:
    """A cursor that says one thing."""

    def __init__(self, word):
        self.word = word

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def execute(self, _sql):
        return None

    def fetchone(self):
        return (self.word,)


class Connection:
    """What the check asks of a connection."""

    display_name = "Old database"

    def __init__(self, vendor, *, mode="", in_memory=False, skip_locked=False, begin=None):
        self.settings_dict = {"OPTIONS": {"transaction_mode": begin} if begin else {}}
        self.vendor, self.mode, self.in_memory = vendor, mode, in_memory
        said = {
            "has_select_for_update_skip_locked": skip_locked,
            "interprets_empty_strings_as_nulls": False,
        }
        self.features = type("F", (), said)()

    def is_in_memory_db(self):
        return self.in_memory

    def cursor(self):
        return Answer(self.mode)


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (Connection("sqlite", mode="delete", begin="IMMEDIATE"), "journal_mode=WAL"),
        (Connection("sqlite", mode="wal"), '"transaction_mode": "IMMEDIATE"'),
        (Connection("sqlite", mode="wal", begin="DEFERRED"), '"transaction_mode": "IMMEDIATE"'),
        (Connection("sqlite", mode="wal", begin="immediate"), None),
        (Connection("sqlite", mode="memory", in_memory=True), None),
        (Connection("mysql"), "SKIP LOCKED"),
        (Connection("postgresql", skip_locked=True), None),
    ],
    ids=[
        "rollback journal",
        "no transaction mode",
        "deferred",
        "fit",
        "in memory",
        "no skip locked",
        "skip locked",
    ],
)
@pytest.mark.django_db
def test_database_that_makes_schedulers_wait_is_a_warning(monkeypatch, connection, said):
    """W5"""
    monkeypatch.setattr(sessions, "connections", {"default": connection})
    found = ours(databases=["default"])
    if said is None:
        assert found == []
        return
    (message,) = found
    assert (message.id, message.is_serious()) == ("django_scheduler.W001", False)
    assert said in f"{message.msg} {message.hint}"


def _threads(settings, monkeypatch, threads, vendor="postgresql", **database):
    found = type("Found", (), {"vendor": vendor})()
    found.settings_dict = {"CONN_MAX_AGE": 0, "OPTIONS": {}, **database}
    monkeypatch.setattr(pooling, "connections", {"default": found})
    settings.DJANGO_SCHEDULER = {"THREADS": threads}
    return ours()


@pytest.mark.parametrize(
    ("vendor", "remedy"), [("postgresql", '"pool"'), ("mysql", "CONN_MAX_AGE = 60")]
)
def test_many_threads_without_a_pool_are_a_warning(settings, monkeypatch, vendor, remedy):
    """W5"""
    (message,) = _threads(settings, monkeypatch, 21, vendor)
    assert (message.id, message.is_serious()) == ("django_scheduler.W002", False)
    assert "max_connections" in message.msg
    assert remedy in message.hint


@pytest.mark.parametrize(
    "database",
    [{"CONN_MAX_AGE": 60}, {"CONN_MAX_AGE": None}, {"OPTIONS": {"pool": True}}],
    ids=["kept a while", "kept", "pool"],
)
def test_many_threads_that_keep_connections_are_fine(settings, monkeypatch, database):
    assert _threads(settings, monkeypatch, 100, **database) == []


def test_as_many_threads_as_by_default_are_fine(settings, monkeypatch):
    assert _threads(settings, monkeypatch, 20) == []


def test_threads_on_sqlite_need_no_pool(settings, monkeypatch):
    assert _threads(settings, monkeypatch, 100, "sqlite") == []


def test_the_threads_of_all_pools_count(settings, monkeypatch):
    pool = "django_scheduler.executors.thread_pool.ThreadPoolExecutor"
    _threads(settings, monkeypatch, 20)
    settings.DJANGO_SCHEDULER = {
        "EXECUTORS": {"reports": {"BACKEND": pool, "OPTIONS": {"threads": 2}}}
    }
    assert "22 job threads" in ours()[0].msg


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("offset", "state", "warned"),
    [(1.5, "running", True), (-90, "stopping", True), (0.9, "running", False),
     (5, "dead", False), (None, "running", False)],
)  # fmt: skip
def test_clocks_that_are_apart_are_a_warning(offset, state, warned):
    """W5"""
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    Process.objects.create(
        kind="scheduler", host="here", pid=7, name="blue", state=state, started_at=at,
        heartbeat_at=at, lease_until=at,
        clock_offset=None if offset is None else timedelta(seconds=offset),
    )  # fmt: skip
    found = ours(databases=["default"])
    assert [message.id for message in found] == ["django_scheduler.W003"] * warned
    if warned:
        assert f"{offset:+.1f} s" in found[0].msg
        assert "blue (here:7)" in found[0].msg
        assert "NTP" in found[0].hint
    assert ours() == []


def test_database_is_only_asked_when_it_is_to_be_checked():
    """Without ``--database`` the checks reach no server."""
    assert "default" in connections
    assert ours() == []
