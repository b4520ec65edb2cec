"""Databases made for one run of the benchmarks, on servers of this machine, and dropped by it."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["KINDS", "Absent", "connect", "fresh", "reachable", "redis_url", "server_url"]

KINDS = ("sqlite", "postgres", "mariadb")
LOCAL = ("127.0.0.1", "localhost", "::1")
_VARIABLES = {"postgres": "TEST_POSTGRES_URL", "mariadb": "TEST_MARIADB_URL"}
_STANDARD = {
    "postgres": "postgres://postgres:postgres@127.0.0.1:5432/postgres",
    "mariadb": "mysql://root:root@127.0.0.1:3306/",
}
_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "postgres": {},
    "mariadb": {"charset": "utf8mb4", "init_command": "SET sql_mode='STRICT_TRANS_TABLES'"},
}


class Absent(Exception):
    """A server or a package is not there; the report says so."""


def server_url(kind: str) -> str:
    """Return where the server listens: the variable of the tests, or its standard port here.

    Raises:
        Absent: it is not on this machine. Measurements talk to nobody else.
    """
    url = os.environ.get(_VARIABLES[kind]) or _STANDARD[kind]
    host = urlsplit(url).hostname
    if host not in LOCAL:
        raise Absent(f"{_VARIABLES[kind]} names another machine")
    return url


def _server(kind: str, name: str) -> dict[str, Any]:
    """Return Django's description of the database ``name`` on a server."""
    parts = urlsplit(server_url(kind))
    return {
        "ENGINE": _ENGINES[kind],
        "NAME": name,
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": _OPTIONS[kind],
    }


def connect(config: dict[str, Any]) -> Any:
    """Return a connection of the bare driver, in autocommit, to what Django would connect to."""
    kind = next(kind for kind, engine in _ENGINES.items() if engine == config["ENGINE"])
    return globals()[f"_connect_{kind}"](config)


def _connect_sqlite(config: dict[str, Any]) -> Any:
    import sqlite3

    connection = sqlite3.connect(config["NAME"], isolation_level=None, timeout=20)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _connect_postgres(config: dict[str, Any]) -> Any:
    import psycopg

    return psycopg.connect(
        host=config["HOST"], port=config["PORT"] or None, user=config["USER"] or None,
        password=config["PASSWORD"] or None, dbname=config["NAME"], autocommit=True,
    )  # fmt: skip


def _connect_mariadb(config: dict[str, Any]) -> Any:
    import MySQLdb

    connection = MySQLdb.connect(
        host=config["HOST"], port=int(config["PORT"] or 3306), user=config["USER"],
        password=config["PASSWORD"], database=config["NAME"] or "", charset="utf8mb4",
        init_command="SET sql_mode='STRICT_TRANS_TABLES'",
    )  # fmt: skip
    connection.autocommit(True)
    return connection


def _administer(kind: str, *statements: str) -> None:
    connection = connect(_server(kind, "postgres" if kind == "postgres" else ""))
    try:
        for statement in statements:
            connection.cursor().execute(statement)
    finally:
        connection.close()


def reachable(kind: str) -> None:
    """Return if databases of this kind can be made here.

    Raises:
        Absent: saying what is missing.
    """
    if kind == "sqlite":
        return
    try:
        _administer(kind, "SELECT 1")
    except Absent:
        raise
    except Exception as error:
        raise Absent(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error


def redis_url() -> str:
    """Return where Redis listens on this machine.

    Raises:
        Absent: it does not.
    """
    url = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/0"
    if urlsplit(url).hostname not in LOCAL:
        raise Absent("TEST_REDIS_URL names another machine")
    try:
        import redis

        redis.Redis.from_url(url, socket_connect_timeout=2).ping()
    except Exception as error:
        raise Absent(f"Redis: {error}") from error
    return url


@contextmanager
def fresh(kind: str) -> Iterator[dict[str, Any]]:
    """Make an empty database; it is gone after the block, whatever happened in it."""
    name = f"benchmark_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    if kind == "sqlite":
        folder = tempfile.mkdtemp(prefix="scheduler-benchmark-")
        try:
            yield {
                "ENGINE": _ENGINES[kind],
                "NAME": str(Path(folder) / "live.sqlite3"),
                "OPTIONS": _OPTIONS[kind],
            }
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    charset = " CHARACTER SET utf8mb4" if kind == "mariadb" else ""
    _administer(kind, f"CREATE DATABASE {name}{charset}")
    try:
        yield _server(kind, name)
    finally:
        force = " WITH (FORCE)" if kind == "postgres" else ""
        _administer(kind, f"DROP DATABASE IF EXISTS {name}{force}")
