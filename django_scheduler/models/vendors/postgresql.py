"""PostgreSQL: a batch as one array a column, unnested.

The text of a statement with a placeholder for each value of each row is taken apart by the driver
each time; that alone costs more than the insertion. With an array a column the text is short and
always the same, and so known to the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import models

from .batches import Batches
from .generic import Rows, column_of
from .values import JSONText, json_text

__all__ = ["PostgreSQL"]

_MICROSECOND = timedelta(microseconds=1)


class PostgreSQL(Batches):
    """``INSERT … SELECT … FROM unnest(…)`` and ``UPDATE … FROM unnest(…)``."""

    _gets = "{0} = v.{0}"
    _gains = "{0} = t.{0} + v.{0}"

    def _insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> int:
        into, values = self._insertion(model, names)
        named = [f"v.{self._column(model, name)}" for name in names]
        source = self._source(model, names)
        chosen = ", ".join([*named, *values[len(names) :]])
        sql = f"{into} SELECT {chosen} FROM {source} ON CONFLICT DO NOTHING"
        with self.connection.cursor() as cursor:
            cursor.execute(sql, self._arrays(model, names, rows))
            return int(cursor.rowcount)

    def _update(
        self, model: type[models.Model], names: Sequence[str], rows: Rows, added: Collection[str]
    ) -> None:
        key = self._column(model, names[0])
        sets = self._sets(model, names[1:], added)
        sql = (
            f"UPDATE {self._table(model)} AS t SET {sets} "
            f"FROM {self._source(model, names)} WHERE t.{key} = v.{key}"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(sql, self._arrays(model, names, rows))

    def _source(self, model: type[models.Model], names: Sequence[str]) -> str:
        arrays = ", ".join(f"%s::{self._type(model, name)}[]" for name in names)
        columns = ", ".join(self._column(model, name) for name in names)
        return f"unnest({arrays}) AS v ({columns})"

    def _type(self, model: type[models.Model], name: str) -> str:
        """Return the type of a value on its way; a cast to the column's own would shorten texts."""
        kind = str(column_of(model, name).db_type(self.connection))
        return "text" if kind.startswith("varchar") else kind

    def _arrays(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> list[str]:
        columns = zip(*rows, strict=True)
        return [
            _array(column, _text_of(column_of(model, name)))
            for name, column in zip(names, columns, strict=True)
        ]


def _array(values: Iterable[Any], text_of: Callable[[Any], str]) -> str:
    """Return the literal of an array of the values."""
    return f"{{{','.join('NULL' if value is None else text_of(value) for value in values)}}}"


def _text_of(field: models.Field[Any, Any]) -> Callable[[Any], str]:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    kind = target.get_internal_type()
    if kind == "JSONField":
        return _json
    if kind in ("CharField", "TextField"):
        return _quoted
    return _TEXTS.get(kind, str)


def _quoted(value: str) -> str:
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _json(value: Any) -> str:
    return _quoted(value if isinstance(value, JSONText) else json_text(value))


_TEXTS: dict[str, Callable[[Any], str]] = {
    "DateTimeField": lambda value: f'"{value.isoformat()}"',
    "DurationField": lambda value: f'"{value // _MICROSECOND} microseconds"',
}
