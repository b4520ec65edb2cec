"""What the engine asks of any database, in the ORM's own words; vendors say it faster."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.db.models import F

from .values import JSONText, Reader, Writer, read_row, reader_of, writer_of

__all__ = ["Generic", "Rows", "column_of"]

Rows = Sequence[Sequence[Any]]


def column_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return the concrete field of ``model`` with the attribute ``name``, such as ``job_id``."""
    return _columns(model)[name]


@cache
def _columns(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    return {field.attname: field for field in model._meta.concrete_fields}


class Generic:
    """Inserting and updating many rows through the ORM.

    One object serves one connection of one thread.
    """

    def __init__(self, using: str) -> None:
        self.using = using
        self.connection: Any = connections[using]
        self._writers: dict[tuple[type[models.Model], str], Writer] = {}
        self._readers: dict[tuple[type[models.Model], tuple[str, ...]], list[Reader | None]] = {}

    def insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> set[Any]:
        """Insert rows unless a unique constraint lets none in; return the keys of the inserted.

        ``names[0]`` is the primary key; columns that are not named get the model's defaults.
        """
        objects = [model(**self._loaded(names, row)) for row in rows]
        manager = model._default_manager.using(self.using)
        try:
            with transaction.atomic(using=self.using):
                manager.bulk_create(objects, batch_size=100)
            return {row[0] for row in rows}
        except IntegrityError:
            return {one.pk for one in objects if self._insert_one(one)}

    def _insert_one(self, one: models.Model) -> bool:
        """Insert the row; return False if another one stands in its place."""
        try:
            with transaction.atomic(using=self.using):
                one.save(using=self.using, force_insert=True)
        except IntegrityError:
            if not self._is_taken(one):
                raise
            return False
        return True

    def _is_taken(self, one: models.Model) -> bool:
        rows = type(one)._default_manager.using(self.using)
        unique = [["pk"], *(c.fields for c in one._meta.total_unique_constraints)]
        return any(
            rows.filter(**{name: getattr(one, name) for name in fields}).exists()
            for fields in unique
        )

    def update(
        self,
        model: type[models.Model],
        names: Sequence[str],
        rows: Rows,
        *,
        added: Collection[str] = (),
    ) -> None:
        """Set the named columns of each row whose key comes first in it.

        Columns in ``added`` are raised by the value instead. ``names`` leave the key out. No row
        may be there twice.
        """
        manager = model._default_manager.using(self.using)
        for key, *values in rows:
            changes = self._loaded(names, values)
            for name in added:
                changes[name] = F(name) + changes[name]
            # Not a queryset's own update: that looks for edits of people.
            models.QuerySet.update(manager.filter(pk=key), **changes)

    def _loaded(self, names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
        return {
            name: json.loads(value) if isinstance(value, JSONText) else value
            for name, value in zip(names, values, strict=True)
        }

    def read(
        self, model: type[models.Model], names: tuple[str, ...], row: Sequence[Any]
    ) -> list[Any]:
        """Return what the driver gave for the named columns as Python's values."""
        readers = self._readers.get((model, names))
        if readers is None:
            readers = [reader_of(column_of(model, name), self.connection) for name in names]
            self._readers[model, names] = readers
        return read_row(row, readers)

    def _writer(self, model: type[models.Model], name: str) -> Writer:
        writer = self._writers.get((model, name))
        if writer is None:
            writer = writer_of(column_of(model, name), self.connection)
            self._writers[model, name] = writer
        return writer

    def _prepared_rows(
        self, model: type[models.Model], names: Sequence[str], rows: Rows
    ) -> Iterable[list[Any]]:
        writers = [self._writer(model, name) for name in names]
        for row in rows:
            yield [write(value) for write, value in zip(writers, row, strict=True)]
