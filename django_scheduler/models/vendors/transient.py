"""Which errors a database takes back: what failed may succeed when it is tried again."""

from __future__ import annotations

from django.db import Error, InterfaceError, OperationalError, connections

__all__ = ["is_transient"]

_MYSQL = frozenset(
    {
        1040,  # too many connections
        1053,  # the server shuts down
        1158, 1159, 1160, 1161,  # the network, in either direction
        1205, 1213,  # a lock was waited for too long, a deadlock
        1927,  # the connection was killed
        2002, 2003, 2006, 2013, 2055,  # no server, or lost
        4031,  # ended by the server for its silence
    }
)  # fmt: skip

_POSTGRESQL = ("08", "40", "53", "57P", "55P03", "25P03")
"""SQLSTATEs that begin so: connection, rollback by conflict, no resources, shutdown, lock, idle."""

_SQLITE = ("locked", "busy", "unable to open database file", "disk i/o error")


def is_transient(error: Error, using: str) -> bool:
    """Tell whether the same may succeed a moment later: the server was away, or somebody else's."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    vendor = connections[using].vendor
    if vendor == "sqlite":
        return any(word in str(error).lower() for word in _SQLITE)
    if isinstance(error, InterfaceError):
        return True
    if vendor == "mysql":
        return bool(error.args) and error.args[0] in _MYSQL
    if vendor == "postgresql":
        state = getattr(error.__cause__, "sqlstate", None) or getattr(
            error.__cause__, "pgcode", None
        )
        # Without one it is the driver's own: it could not reach the server, or lost it.
        return state is None or state.startswith(_POSTGRESQL)
    return True
