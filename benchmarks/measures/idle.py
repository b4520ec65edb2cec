"""What a scheduler costs while nothing is due: its own processor time and the server's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..counting import Counter
from ..databases import connect
from ..figures import Figure
from ..processes import cpu_seconds, scheduler
from .place import Place

__all__ = ["measure"]

WARM_UP = 6.0
"""Past the first beat, which opens the heartbeat's connection."""
MOST_CPU, MOST_QUERIES = 0.5, 10.0
_BACKENDS = {
    "postgres": "SELECT pid, pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid()",
    # The process of a thread is found by the thread: the system shows one below the other.
    "mariadb": "SELECT TID, TID FROM information_schema.PROCESSLIST WHERE DB = DATABASE()"
    " AND ID <> CONNECTION_ID()",
}


def measure(place: Place) -> list[Figure]:
    """With the settings a project has, and by a process that serves a queue no job is in."""
    elsewhere = _measured(place, f"idle beside {place.size:,} jobs of others", ["--queue", "none"])
    return [_measured(place, f"idle with {place.size:,} jobs"), replace(elsewhere, series={})]


def _measured(place: Place, what: str, options: Sequence[str] = ()) -> Figure:
    """Long enough to meet every duty that repeats."""
    seconds = place.pick(1.0, 20.0, 45.0)
    counter = Counter(place.folder / "count")
    server = _Server(place)
    warm_up = place.pick(0.0, WARM_UP, WARM_UP)
    with scheduler(place.folder, counting=place.folder / "count", options=options) as child:
        time.sleep(warm_up)
        backends = server.seconds()
        before = (cpu_seconds(child.pid), 0.0, counter.value, server.transactions())
        begun = time.monotonic()
        time.sleep(seconds)
        spent = time.monotonic() - begun
        spent_there = _spent(backends, server.seconds())
        after = (cpu_seconds(child.pid), spent_there, counter.value, server.transactions())
    server.close()
    ours, theirs, queries, commits = ((b - a) / spent for a, b in zip(before, after, strict=True))
    cpu = 100 * (ours + theirs)
    return Figure(
        "idle", what, place.kind, cpu, "% of a core",
        target=f"< {MOST_CPU} %, < {MOST_QUERIES:.0f} queries/s",
        good=cpu < MOST_CPU and queries < MOST_QUERIES,
        note=f"scheduler {100 * ours:.2f} %, server {100 * theirs:.2f} %, {queries:.1f}"
        f" queries/s{f', {commits:.1f} transactions/s' if commits else ''}; {spent:.0f} s",
        series={
            "size": [place.size], "scheduler": [100 * ours], "server": [100 * theirs],
            "queries": [queries],
        },
    )  # fmt: skip


def _spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Return what was spent between two readings.

    A backend that is in one of them only is left out: MariaDB serves new connections with threads
    that have served others before.
    """
    return sum(seconds - before[each] for each, seconds in after.items() if each in before)


class _Server:
    """The processor time of the server's side of this database's connections."""

    def __init__(self, place: Place) -> None:
        self._kind = place.kind
        self._cursor: Any = None
        if place.kind != "sqlite":
            self._connection = connect(place.config)
            self._cursor = self._connection.cursor()

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        self._cursor.execute(statement)
        return list(self._cursor.fetchall())

    def seconds(self) -> dict[int, float]:
        """Return the seconds so far of each backend; none on SQLite, which has no server."""
        if self._cursor is None:
            return {}
        backends = self._ask(_BACKENDS[self._kind])
        return {int(thread): cpu_seconds(int(pid), int(thread)) for pid, thread in backends}

    def transactions(self) -> int:
        """Return how many transactions there were; 0 where the server does not count them."""
        if self._kind != "postgres":
            return 0
        rows = self._ask(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        return int(rows[0][0])

    def close(self) -> None:
        """Close the connection."""
        if self._cursor is not None:
            self._connection.close()
