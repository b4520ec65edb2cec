"""What a scheduler asks the database when it starts, and how long that takes."""

from __future__ import annotations

from typing import Any

from django.db import connection

from ..figures import Figure
from ..raw import timed
from ..seams import first_tick
from .place import Place

__all__ = ["measure"]


def measure(place: Place) -> list[Figure]:
    """The first turn, with all maintenance that is due at a start; the second start counts."""
    first_tick().close()
    statements: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        schedulers = []
        seconds = timed(lambda: schedulers.append(first_tick()))
    schedulers[0].close()
    return [
        Figure(
            "start", f"start with {place.size:,} jobs: queries", place.kind, len(statements),
            "queries", target="O(1): as many with a million", note=f"{seconds:.2f} s",
            series={"size": [place.size], "queries": [len(statements)], "seconds": [seconds]},
        )
    ]  # fmt: skip
