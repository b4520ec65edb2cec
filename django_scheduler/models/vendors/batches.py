"""What SQL databases with multi-row statements have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db import models

from .generic import Generic, Rows, column_of
from .values import JSONText, json_text

__all__ = ["Batches", "portions"]

LONGEST = 1_000_000
"""So many characters of long values go into one statement. MariaDB takes 16 MiB by default, and a
character may be four bytes."""

_LITERALS = {"": "''", None: "NULL", 0: "0", 1: "1"}


class Batches(Generic):
    """Writes a batch with one statement of the database's own, or a few where it is long."""

    _gets: str
    """How a column gets a row's value; ``{0}`` stands for the column."""
    _gains: str
    """How it gains the value instead."""

    def __init__(self, using: str) -> None:
        super().__init__(using)
        self._places: dict[tuple[type[models.Model], tuple[str, ...]], tuple[int, ...]] = {}

    def insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> set[Any]:
        """Insert rows unless a unique constraint lets none in; return the keys of the inserted."""
        inserted: set[Any] = set()
        for some in portions(rows, self._bulky(model, names)):
            inserted |= self._insert_some(model, names, some)
        return inserted

    def _insert_some(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> set[Any]:
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
        named = [self._key(model), *names]
        for some in portions(rows, self._bulky(model, named)):
            self._update(model, named, some, added)

    def _bulky(self, model: type[models.Model], names: Sequence[str]) -> tuple[int, ...]:
        """Return the places of the columns that hold what may be long."""
        known = (model, tuple(names))
        if known not in self._places:
            self._places[known] = tuple(
                place
                for place, name in enumerate(names)
                if isinstance(column_of(model, name), (models.JSONField, models.TextField))
            )
        return self._places[known]

    @abstractmethod
    def _update(
        self, model: type[models.Model], names: Sequence[str], rows: Rows, added: Collection[str]
    ) -> None:
        """Update by the key, which is the first of ``names`` here."""

    def _sets(self, model: type[models.Model], names: Sequence[str], added: Collection[str]) -> str:
        """Return what stands behind SET: of each column that it gets its value, or gains it."""
        return ", ".join(
            (self._gains if name in added else self._gets).format(self._column(model, name))
            for name in names
        )

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


def portions(rows: Rows, bulky: Sequence[int]) -> Iterator[list[Sequence[Any]]]:
    """Yield the rows, in their order, in portions that go into one statement each.

    ``bulky`` are the places of what may be long. What JSON there is is turned into text, once.
    """
    some: list[Sequence[Any]] = []
    size = 0
    for row in rows:
        row, length = _measured(row, bulky)
        if some and size + length > LONGEST:
            yield some
            some, size = [], 0
        some.append(row)
        size += length
    if some:
        yield some


def _measured(row: Sequence[Any], bulky: Sequence[int]) -> tuple[Sequence[Any], int]:
    """Return the row with its JSON as text, and how long all that is."""
    length = 0
    for place in bulky:
        value = row[place]
        if not value:
            continue
        if isinstance(value, (dict, list)):
            value = JSONText(json_text(value))
            row = [*row[:place], value, *row[place + 1 :]]
        if isinstance(value, str):
            length += len(value)
    return row, length


def _literal(field: models.Field[Any, Any]) -> str:
    """Return the SQL of a column's default: written out, it is no parameter to be bound."""
    default = field.get_default()
    if default == {} or default == []:
        return f"'{default!r}'"
    if isinstance(default, bool):
        return str(default).upper()
    return _LITERALS[default]
