"""Telling other processes that something is due sooner than they know, where a database can.

PostgreSQL delivers a notice when the transaction that sends it commits. Elsewhere, and behind a
pooler that does not pass notices on, nobody hears anything, and everybody looks once in a while
anyway: nothing may depend on a notice.
"""

from __future__ import annotations

import selectors
import socket
from typing import Any

from django.db import connections

__all__ = ["Listener", "notify", "open_listener"]

CHANNEL = "django_scheduler"


def notify(using: str, word: str) -> None:
    """Send ``word`` to all listeners when the present transaction commits; never fails it."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, word])


def open_listener(using: str) -> Listener | None:
    """Connect anew and return what hears notices; None where this database or driver has none."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return None
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return Listener(connection) if is_psycopg3 else None


class Listener:
    """A connection of its own, kept open to hear; for one thread, but for :meth:`interrupt`."""

    def __init__(self, like: Any) -> None:
        self._words: list[str] = []
        # Not one of a pool's: it is kept for good, and whoever got it next would hear as well.
        self._wrapper = like.copy()
        self._wrapper.settings_dict["OPTIONS"].pop("pool", None)
        self._wake_from, self._wake_to = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        try:
            self._wrapper.ensure_connection()
            self._connection = self._wrapper.connection
            with self._wrapper.wrap_database_errors:
                self._connection.add_notify_handler(lambda heard: self._words.append(heard.payload))
                self._connection.execute(f"LISTEN {CHANNEL}")
                self._selector.register(self._connection, selectors.EVENT_READ)
            self._selector.register(self._wake_from, selectors.EVENT_READ)
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: float) -> list[str]:
        """Return what was heard, once there is anything, or nothing after ``timeout`` seconds.

        Raises:
            OSError, Error: the connection is lost.
        """
        if not self._words:
            ready = [key.fileobj for key, _ in self._selector.select(timeout)]
            with self._wrapper.wrap_database_errors:
                if self._connection in ready:
                    self._read()
                elif not ready:
                    # A connection of which only this half is open says nothing by itself.
                    self._connection.execute("SELECT 1")
        words, self._words = self._words, []
        return words

    def _read(self) -> None:
        socket_of = self._connection.pgconn
        socket_of.consume_input()
        while notice := socket_of.notifies():
            self._words.append(notice.extra.decode())

    def interrupt(self) -> None:
        """Let :meth:`wait`, in whichever thread, return at once."""
        self._wake_to.send(b"!")

    def close(self) -> None:
        """End the connection."""
        self._selector.close()
        self._wrapper.close()
        self._wake_from.close()
        self._wake_to.close()
