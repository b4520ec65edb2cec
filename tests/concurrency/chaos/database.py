"""The database of a run: made for it, asked for the time, and robbed of its connections."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from random import Random

import django
from django.core.management import call_command
from django.db import DatabaseError, connection

from django_scheduler.clock import SystemClock

from .book import Span

_CLOCK = SystemClock()
_OTHERS = {
    "postgresql": (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        "SELECT pg_terminate_backend(%s)",
    ),
    "mysql": (
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
        " AND id <> CONNECTION_ID()",
        "KILL CONNECTION %s",
    ),
}


@contextmanager
def prepared(kind: str | None, folder: Path) -> Iterator[None]:
    """Set Django up on a database of this kind and take the database away in the end.

    Where ``SCHEDULER_TEST_DB_NAME`` is set, a test has made the database and will take it away.
    """
    if kind is not None:
        os.environ["TEST_DATABASE"] = kind
    is_given = bool(os.environ.get("SCHEDULER_TEST_DB_NAME"))
    on_file = os.environ.get("TEST_DATABASE", "sqlite") == "sqlite"
    if on_file and not is_given:
        os.environ["SCHEDULER_TEST_DB_NAME"] = str(folder / "chaos.sqlite3")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    if is_given:
        yield
    elif on_file:
        call_command("migrate", verbosity=0)
        yield
    else:
        with _on_a_server():
            yield


@contextmanager
def _on_a_server() -> Iterator[None]:
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        cut(Random(0), everything=True)
        connection.creation.destroy_test_db(name, verbosity=0)


def instant() -> datetime:
    """Return what the database's clock says."""
    # Imported late: Django is set up by then.
    from django_scheduler.models.vendors import read_now

    return read_now(_CLOCK, "default")


def span_since(first: datetime) -> Span:
    """Return the instants from ``first`` until now."""
    return Span(first, instant())


def cut(dice: Random, *, everything: bool = False) -> int:
    """Cut some connections of others, and return how many."""
    if connection.vendor not in _OTHERS:
        return 0
    which, how = _OTHERS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(which)
        found = [row[0] for row in cursor.fetchall()]
        chosen = found if everything else dice.sample(found, min(len(found), dice.randint(1, 3)))
        for each in chosen:
            # It may have gone by itself meanwhile.
            with suppress(DatabaseError):
                cursor.execute(how, [each])
    return len(chosen)


def restart(command: str, seconds: float = 60.0) -> None:
    """Restart the database and return when it answers.

    Raises:
        DatabaseError: it does not answer in time.
    """
    connection.close()
    subprocess.run(command, shell=True, check=True, timeout=seconds)
    give_up = _CLOCK.monotonic() + seconds
    while True:
        try:
            instant()
        except DatabaseError:
            connection.close()
            if _CLOCK.monotonic() > give_up:
                raise
            _CLOCK.wait(threading.Event(), 0.2)
        else:
            return
