"""What the engine asks of its own database session, and what it cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from ... import conf
from .limits import Limits, set_limits, wire_options

__all__ = [
    "begin_immediately",
    "is_in_memory",
    "prepare_session",
    "release_session",
    "session_problems",
    "writing",
]


def prepare_session(using: str) -> None:
    """Make this thread's connection fit for the engine, now and whenever it is made anew.

    On SQLite the transactions of this connection begin IMMEDIATE: a deferred one that reads
    first and writes later fails at once when another writer came between, whatever the busy
    timeout says. Servers are told to end its transactions when it falls silent within one, so
    that a stopped process cannot keep rows from others; and it notices itself, well before a
    dead peer would show otherwise, that nobody answers. Other threads' connections stay as the
    project configured them.
    """
    connection: Any = connections[using]
    if connection.vendor == "sqlite":
        begin_immediately(using)
        return
    settings = connection.settings_dict
    _before(connection)
    options = {**wire_options(connection), **settings["OPTIONS"]}
    # A session with limits of its own must not go back to a pool for anybody else to use.
    if options.pop("pool", None) and not connection.in_atomic_block:
        connection.close()
    connection.settings_dict = {**settings, "OPTIONS": options}
    connection.engine_limits = Limits.of(conf.current())
    if connection.connection is not None and not connection.in_atomic_block:
        set_limits(connection)


def release_session(using: str) -> None:
    """Give this thread its connection back as the project configured it, if it was the engine's."""
    connection: Any = connections[using]
    if hasattr(connection, "before_engine"):
        if not connection.in_atomic_block:
            connection.close()
        connection.settings_dict = connection.before_engine
        del connection.before_engine
        connection.engine_limits = None


def _before(connection: Any) -> None:
    if not hasattr(connection, "before_engine"):
        connection.before_engine = connection.settings_dict


def begin_immediately(using: str) -> None:
    """On SQLite, let the transactions of this thread's connection begin IMMEDIATE from now on."""
    connection: Any = connections[using]
    if connection.vendor != "sqlite":
        return
    _before(connection)
    settings = connection.settings_dict
    # A copy: the original dict is shared with the connections of all other threads.
    options = {**settings["OPTIONS"], "transaction_mode": "IMMEDIATE"}
    connection.settings_dict = {**settings, "OPTIONS": options}
    connection.transaction_mode = "IMMEDIATE"


@contextmanager
def writing(using: str) -> Iterator[None]:
    """Run the block in a transaction that is going to write.

    On SQLite it begins IMMEDIATE, if it is the outermost one, whatever the project configured:
    it waits for its turn at the start instead of failing half-way because another wrote.
    """
    connection = connections[using]
    with ExitStack() as stack:
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            connection.ensure_connection()
            stack.callback(setattr, connection, "transaction_mode", connection.transaction_mode)  # type: ignore[attr-defined]
            connection.transaction_mode = "IMMEDIATE"  # type: ignore[attr-defined]
        with transaction.atomic(using=using):
            yield


def is_in_memory(using: str) -> bool:
    """Tell whether the database lives in this process's memory, where no other process sees it."""
    connection: Any = connections[using]
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())


_SQLITE_OPTIONS = (
    '"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"'
)


def _sqlite_problems(connection: Any) -> list[tuple[str, str]]:
    if connection.is_in_memory_db():
        return []
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
    options = connection.settings_dict["OPTIONS"]
    found = []
    if str(mode).lower() != "wal":
        found.append(f"it uses the journal mode {mode}, in which readers and writers wait")
    if str(options.get("transaction_mode") or "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        found.append("its transactions are deferred, and those that read first can fail at once")
    if not found:
        return []
    return [
        (
            f'Jobs may fail with "database is locked" on SQLite: {"; ".join(found)}.',
            f"Put into the database's OPTIONS: {_SQLITE_OPTIONS}",
        )
    ]


def _text_problems(connection: Any) -> list[tuple[str, str]]:
    """Tell whether Django would ask this database for texts in a way it does not understand."""
    if not connection.features.interprets_empty_strings_as_nulls:
        return []
    if connections[DEFAULT_DB_ALIAS].features.interprets_empty_strings_as_nulls:
        return []
    return [
        (
            f"{connection.display_name} takes empty texts for NULL, and Django minds that for the "
            f'alias "{DEFAULT_DB_ALIAS}" only: jobs without a queue are not found.',
            f"Name the database of DJANGO_SCHEDULER['DATABASE'] \"{DEFAULT_DB_ALIAS}\".",
        )
    ]


def session_problems(using: str) -> list[tuple[str, str]]:
    """Return (what is missing, remedy) for the database behind the alias ``using``."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        return _sqlite_problems(connection)
    if not connection.features.has_select_for_update_skip_locked:
        return [
            (
                f"{connection.display_name} has no SKIP LOCKED: schedulers wait for each other.",
                "Use PostgreSQL, MySQL 8.0.1, MariaDB 10.6 or newer, or run one scheduler only.",
            )
        ]
    return _text_problems(connection)
