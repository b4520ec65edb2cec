"""What it costs when every job opens a connection of its own."""

from __future__ import annotations

from django.db import connections

__all__ = ["MANY_THREADS", "connection_problems"]

MANY_THREADS = 20
"""As many as a scheduler has unless told otherwise."""

_REMEDIES = {
    "postgresql": (
        'Put a pool into the database\'s OPTIONS: "pool": {"max_size": …} (needs psycopg[pool]), '
        "or set CONN_MAX_AGE = 60 and keep max_connections above the threads of all schedulers."
    )
}
_REMEDY = (
    "Set the database's CONN_MAX_AGE = 60, and keep max_connections above the threads of all "
    "schedulers together."
)


def connection_problems(using: str, threads: int) -> list[tuple[str, str]]:
    """Return (what is wrong, remedy) for job threads that keep no connection."""
    connection = connections[using]
    settings = connection.settings_dict
    kept = settings.get("CONN_MAX_AGE") != 0 or settings["OPTIONS"].get("pool")
    if connection.vendor == "sqlite" or kept or threads <= MANY_THREADS:
        return []
    return [
        (
            f"{threads} job threads open a connection for each job: CONN_MAX_AGE is 0 and there "
            "is no pool. That costs milliseconds a job (7 measured on PostgreSQL), and jobs fail "
            "where the server's max_connections is reached.",
            _REMEDIES.get(connection.vendor, _REMEDY),
        )
    ]
