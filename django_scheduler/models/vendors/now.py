"""The database's present instant, read with each vendor's own words.

The session's time zone must not matter: MySQL's ``NOW()`` follows the server's zone, so its
``UTC_TIMESTAMP`` is used; PostgreSQL's ``now()`` stands still within a transaction, so its
``clock_timestamp()`` is.
"""

from __future__ import annotations

from datetime import datetime, timezone

from django.db import connections

from ...clock import Clock

__all__ = ["read_now"]

_QUERIES = {
    "postgresql": "SELECT clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "oracle": "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM dual",
}


def read_now(clock: Clock, using: str) -> datetime:
    """Return the present instant by the database's clock, aware, in UTC.

    A pinned clock's instant is returned as it is. Otherwise the database is asked once and
    ``clock`` calibrated with the answer. Statements that follow use this value: it can only be
    earlier than the clock when they run, so nothing comes due, and no lease ends, too early.
    """
    pinned = clock.pinned()
    if pinned is not None:
        return pinned
    connection = connections[using]
    sent = clock.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_QUERIES[connection.vendor])
        (answer,) = cursor.fetchone()
    instant = answer if isinstance(answer, datetime) else datetime.fromisoformat(answer)
    instant = instant.replace(tzinfo=timezone.utc)
    clock.calibrate(instant, sent)
    return instant
