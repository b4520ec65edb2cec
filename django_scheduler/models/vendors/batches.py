"""What SQL databases with multi-row statements have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Any

from django.db import models

from .generic import Generic, Rows, column_of

__all__ = ["Batches"]

_LITERALS = {"": "''", None: "NULL", 0: "0", 1: "1"}


class Batches(Generic):
    """Writes a batch with one statement of the database's own."""

    def insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> set[Any]:
        """Insert rows unless a unique constraint lets none in; return the keys of the inserted."""
        if not rows:
            return set()
        keys = [row[0] for row in rows]
        if self._insert(model, names, rows) == len(rows):
            return set(keys)
        found = model._default_manager.using(self.using).filter(pk__in=keys)
        return set(found.values_list("pk", flat=True))

    @abstractmethod
    def _insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> int:
        """Insert rows and return how many went in at least."""

    def update(
        self,
        model: type[models.Model],
        names: Sequence[str],
        rows: Rows,
        *,
        added: Collection[str] = (),
    ) -> None:
        """Set the named columns of each row whose key comes first in it."""
        if rows:
            self._update(model, [self._key(model), *names], rows, added)

    @abstractmethod
    def _update(
        self, model: type[models.Model], names: Sequence[str], rows: Rows, added: Collection[str]
    ) -> None:
        """Update by the key, which is the first of ``names`` here."""

    def _key(self, model: type[models.Model]) -> str:
        key = model._meta.pk
        assert key is not None
        return key.attname

    def _table(self, model: type[models.Model]) -> str:
        return str(self.connection.ops.quote_name(model._meta.db_table))

    def _column(self, model: type[models.Model], name: str) -> str:
        return str(self.connection.ops.quote_name(column_of(model, name).column))

    def _insertion(self, model: type[models.Model], names: Sequence[str]) -> tuple[str, list[str]]:
        """Return ``INSERT INTO …`` without values, and what a row consists of in SQL."""
        others = [
            field for field in model._meta.concrete_fields
            if field.attname not in names and not field.generated
        ]  # fmt: skip
        columns = [self._column(model, name) for name in names]
        columns += [self._column(model, field.attname) for field in others]
        values = ["%s"] * len(names) + [_literal(field) for field in others]
        return f"INSERT INTO {self._table(model)} ({', '.join(columns)})", values


def _literal(field: models.Field[Any, Any]) -> str:
    """Return the SQL of a column's default: written out, it is no parameter to be bound."""
    default = field.get_default()
    if default == {} or default == []:
        return f"'{default!r}'"
    if isinstance(default, bool):
        return str(default).upper()
    return _LITERALS[default]
