"""The database's present instant, read with each vendor's own words.

The session's time zone must not matter: MySQL's ``NOW()`` follows the server's zone, so its
``UTC_TIMESTAMP`` is used; PostgreSQL's ``now()`` stands still within a transaction, so its
``clock_timestamp()`` is.
"""

from __future__ import annotations

from typing import Any

__all__ = ["now_expression"]

_EXPRESSIONS = {
    "postgresql": "clock_timestamp() AT TIME ZONE 'UTC'",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
    "oracle": "SYS_EXTRACT_UTC(SYSTIMESTAMP)",
}


def now_expression(connection: Any) -> str:
    """Return the SQL for the present instant in UTC; a percent sign in it is doubled."""
    return _EXPRESSIONS[connection.vendor]
