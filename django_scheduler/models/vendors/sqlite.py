"""SQLite: a prepared statement carried out once a row; there is no way to a server in between."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import models

from .batches import Batches
from .generic import Rows

__all__ = ["SQLite"]


class SQLite(Batches):
    """``INSERT … ON CONFLICT DO NOTHING`` and ``UPDATE`` with many sets of parameters."""

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
        key, *columns = [self._column(model, name) for name in names]
        sets = [
            f"{column} = {f'{column} + ' if name in added else ''}%s"
            for name, column in zip(names[1:], columns, strict=True)
        ]
        sql = f"UPDATE {self._table(model)} SET {', '.join(sets)} WHERE {key} = %s"
        with self.connection.cursor() as cursor:
            prepared = self._prepared_rows(model, names, rows)
            cursor.executemany(sql, [[*values, pk] for pk, *values in prepared])
