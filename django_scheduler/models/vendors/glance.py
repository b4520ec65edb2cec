"""Several questions about the present, answered by the database in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models

from ...clock import Clock
from .now import now_expression

__all__ = ["INSTANT", "Question", "at_instant", "glance", "question", "read_now"]

Question = tuple[str, tuple[Any, ...]]
"""A scalar query as text, and its parameters. Built once, asked often."""


def question(rows: models.QuerySet[Any, Any], *, begin_with_first: bool = False) -> Question:
    """Return the query for the first value of ``rows``, a ``values_list()`` of one instant.

    Args:
        begin_with_first: the database is to go through the first table in its order, and look the
            joined ones up. SQLite would else begin with the one that has the most conditions.
    """
    try:
        sql, params = rows[:1].query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return f"SELECT NULL{_from_nothing(connections[rows.db])}", ()
    if begin_with_first and connections[rows.db].vendor == "sqlite":
        sql = sql.replace(" INNER JOIN ", " CROSS JOIN ")
    return sql, tuple(params)


INSTANT = datetime(9998, 7, 6, 5, 4, 3, 21, tzinfo=timezone.utc)
"""Stands in a question for an instant that is another one each time it is asked."""


def at_instant(asked: Question, instant: datetime, using: str) -> Question:
    """Return the question with ``instant`` in the place of :data:`INSTANT`."""
    adapt = connections[using].ops.adapt_datetimefield_value
    sql, params = asked
    place, value = adapt(INSTANT), adapt(instant)
    return sql, tuple(value if param == place else param for param in params)


def glance(
    clock: Clock, using: str, questions: Sequence[Question]
) -> tuple[datetime, list[datetime | None]]:
    """Return the present instant by the database's clock, and the answers, read together.

    A pinned clock's instant is returned as it is; else ``clock`` is calibrated.
    """
    pinned = clock.pinned()
    connection = connections[using]
    parts = [] if pinned is not None else [now_expression(connection)]
    parts += [f"({sql})" for sql, _ in questions]
    sent = clock.monotonic()
    with connection.cursor() as cursor:
        params = [param for _, given in questions for param in given]
        cursor.execute(f"SELECT {', '.join(parts)}{_from_nothing(connection)}", params)
        answers = [_instant(value) for value in cursor.fetchone()]
    if pinned is not None:
        return pinned, answers
    now = answers.pop(0)
    assert now is not None
    clock.calibrate(now, sent)
    return now, answers


def read_now(clock: Clock, using: str) -> datetime:
    """Return the present instant by the database's clock, aware, in UTC.

    A pinned clock's instant is returned as it is. Otherwise the database is asked once and
    ``clock`` calibrated with the answer. Statements that follow use this value: it can only be
    earlier than the clock when they run, so nothing comes due, and no lease ends, too early.
    """
    return clock.pinned() or glance(clock, using, [])[0]


def _from_nothing(connection: Any) -> str:
    return str(connection.features.bare_select_suffix)


def _instant(value: datetime | str | None) -> datetime | None:
    """Return what an expression gave: it has no column from which a driver knows its type."""
    if value is None:
        return None
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=timezone.utc)
