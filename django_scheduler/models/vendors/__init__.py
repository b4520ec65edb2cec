"""The only room that knows which database it speaks to."""

from __future__ import annotations

from django.db import connections

from .generic import Generic
from .glance import INSTANT, Question, at_instant, glance, question, read_now
from .locks import locked
from .mysql import MySQL
from .notices import Listener, notify, open_listener
from .pooling import connection_problems
from .postgresql import PostgreSQL
from .raw import lock_raw
from .sessions import (
    begin_immediately,
    is_in_memory,
    prepare_session,
    release_session,
    session_problems,
    writing,
)
from .sqlite import SQLite
from .transient import is_transient
from .values import JSONText, json_text

__all__ = [
    "INSTANT",
    "JSONText",
    "Listener",
    "Question",
    "at_instant",
    "begin_immediately",
    "connection_problems",
    "glance",
    "is_in_memory",
    "is_transient",
    "json_text",
    "lock_raw",
    "locked",
    "notify",
    "open_listener",
    "prepare_session",
    "question",
    "read_now",
    "release_session",
    "session_problems",
    "vendor_of",
    "writing",
]

_VENDORS: dict[str, type[Generic]] = {
    "postgresql": PostgreSQL,
    "mysql": MySQL,
    "sqlite": SQLite,
}


def vendor_of(using: str) -> Generic:
    """Return how the database behind the alias ``using`` writes many rows at once.

    It belongs to this thread's connection and is kept with it.
    """
    connection = connections[using]
    kept: Generic | None = getattr(connection, "_scheduler_vendor", None)
    if kept is None:
        kept = _VENDORS.get(connection.vendor, Generic)(using)
        connection._scheduler_vendor = kept  # type: ignore[attr-defined]
    return kept
