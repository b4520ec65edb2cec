"""MySQL and MariaDB: rows as a union of selects, joined, for they share no other list of values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain

from django.db import models

from .batches import Batches
from .generic import Rows, column_of

__all__ = ["MySQL"]

_CASTS = {
    "DateTimeField": "DATETIME(6)",
    "DurationField": "SIGNED",
    "BigAutoField": "SIGNED",
    "IntegerField": "SIGNED",
    "PositiveIntegerField": "SIGNED",
    "PositiveBigIntegerField": "SIGNED",
    "BigIntegerField": "SIGNED",
    "BooleanField": "SIGNED",
}


class MySQL(Batches):
    """``INSERT … ON DUPLICATE KEY`` and ``UPDATE … JOIN (SELECT … UNION ALL …)``."""

    _gets = "t.{0} = v.{0}"
    _gains = "t.{0} = t.{0} + v.{0}"

    def _insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> int:
        into, values = self._insertion(model, names)
        row = f"({', '.join(values)})"
        key = self._column(model, names[0])
        # Not INSERT IGNORE: that would also let in what does not fit its column.
        sql = f"{into} VALUES {', '.join([row] * len(rows))} ON DUPLICATE KEY UPDATE {key} = {key}"
        returning = self.connection.mysql_is_mariadb
        with self.connection.cursor() as cursor:
            # The count of changed rows does not tell: Django asks for the rows that were found.
            cursor.execute(
                f"{sql} RETURNING {key}" if returning else sql,
                list(chain.from_iterable(self._prepared_rows(model, names, rows))),
            )
            if not returning:
                return 0
            # Of a row that was there already, its own key comes back.
            ours = {str(row[0]) for row in rows}
            return sum(str(found) in ours for (found,) in cursor.fetchall())

    def _update(
        self, model: type[models.Model], names: Sequence[str], rows: Rows, added: Collection[str]
    ) -> None:
        key, *columns = [self._column(model, name) for name in names]
        first = ", ".join(
            f"{self._typed(model, name)} AS {column}"
            for name, column in zip(names, [key, *columns], strict=True)
        )
        following = f" UNION ALL SELECT {', '.join(['%s'] * len(names))}" * (len(rows) - 1)
        sql = (
            f"UPDATE {self._table(model)} AS t JOIN (SELECT {first}{following}) AS v "
            f"ON t.{key} = v.{key} SET {self._sets(model, names[1:], added)}"
        )
        with self.connection.cursor() as cursor:
            cursor.execute(sql, list(chain.from_iterable(self._prepared_rows(model, names, rows))))

    def _typed(self, model: type[models.Model], name: str) -> str:
        """Return the placeholder of the first row, from which the union takes its types."""
        field = column_of(model, name)
        target = field.target_field if isinstance(field, models.ForeignKey) else field
        kind = target.get_internal_type()
        if kind == "UUIDField":
            native = self.connection.features.has_native_uuid_field
            return f"CAST(%s AS {'UUID' if native else 'CHAR(32)'})"
        return f"CAST(%s AS {_CASTS[kind]})" if kind in _CASTS else "%s"
