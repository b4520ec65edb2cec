"""SQLite: a prepared statement carried out once a row; there is no way to a server in between."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import models

from .batches import Batches
from .generic import Rows

__all__ = ["SQLite"]


class SQLite(Batches):
    """``INSERT … ON CONFLICT DO NOTHING`` and ``UPDATE`` with many sets of parameters."""

    _gets = "{0} = %s"
    _gains = "{0} = {0} + %s"

    def _insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> int:
        into, values = self._insertion(model, names)
        row = f"({', '.join(values)})"
        with self.connection.cursor() as cursor:
            cursor.executemany(
                f"{into} VALUES {row} ON CONFLICT DO NOTHING",
                list(self._prepared_rows(model, names, rows)),
            )
            return int(cursor.rowcount)

    def _update(
        self, model: type[models.Model], names: Sequence[str], rows: Rows, added: Collection[str]
    ) -> None:
        key = self._column(model, names[0])
        sets = self._sets(model, names[1:], added)
        sql = f"UPDATE {self._table(model)} SET {sets} WHERE {key} = %s"
        with self.connection.cursor() as cursor:
            prepared = self._prepared_rows(model, names, rows)
            cursor.executemany(sql, [[*values, pk] for pk, *values in prepared])
