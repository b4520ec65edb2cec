"""Reading rows as the driver gives them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models

from .locks import without_limit

__all__ = ["lock_raw"]


def lock_raw(
    rows: models.QuerySet[Any, tuple[Any, ...]], *tables: type[models.Model], skip: bool = True
) -> list[tuple[Any, ...]]:
    """Lock the rows of ``tables`` a ``values_list()`` query finds, and return what it answers.

    The answer is unconverted: to compare a row with what it was needs no conversion, and
    converting is what costs. With ``skip``, rows that somebody else holds are left out, where the
    database can.
    The ORM's own lock would name the joined table only if it made objects of it.
    """
    connection = connections[rows.db]
    rows = without_limit(rows)
    try:
        sql, params = rows.query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql + _lock(connection, tables, skip), params)
        return [tuple(row) for row in cursor.fetchall()]


def _named(connection: Any, table: type[models.Model]) -> str:
    """Return how a lock names the table: by itself, or by one of its columns."""
    name = str(connection.ops.quote_name(table._meta.db_table))
    if not connection.features.select_for_update_of_column:
        return name
    key = table._meta.pk
    assert key is not None
    return f"{name}.{connection.ops.quote_name(key.column)}"


def _lock(connection: Any, tables: tuple[type[models.Model], ...], skip: bool) -> str:
    features = connection.features
    if not features.has_select_for_update:
        return ""
    names = [_named(connection, table) for table in tables]
    clause = connection.ops.for_update_sql(
        skip_locked=skip and features.has_select_for_update_skip_locked,
        of=names if features.has_select_for_update_of else (),
        no_key=features.has_select_for_no_key_update,
    )
    return f" {clause}"
