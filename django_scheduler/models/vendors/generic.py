"""What the engine asks of any database, in the ORM's own words; vendors say it faster."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.db.models import Expression, F
from django.db.models.sql import InsertQuery, UpdateQuery

from .values import JSONText, Reader, Writer, read_row, reader_of, writer_of

__all__ = ["Generic", "Rows", "column_of"]

Rows = Sequence[Sequence[Any]]


def column_of(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    """Return the concrete field of ``model`` with the attribute ``name``, such as ``job_id``."""
    return _columns(model)[name]


@cache
def _columns(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    return {field.attname: field for field in model._meta.concrete_fields}


@cache
def _stored(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not field.generated]


class _Slot(Expression):
    """Stands in a statement of the ORM for a value that is another one for each row."""

    def as_sql(self, *_args: Any, **_options: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the place of a parameter."""
        return "%s", (None,)


class Generic:
    """Inserting and updating many rows by statements the ORM has written.

    It writes each once, for one row, and is not asked again for the others: that would take it
    longer than it takes the database to carry them out.

    One object serves one connection of one thread.
    """

    def __init__(self, using: str) -> None:
        self.using = using
        self.connection: Any = connections[using]
        self._statements: dict[tuple[Any, ...], tuple[str, list[Any]]] = {}
        self._writers: dict[tuple[type[models.Model], str], Writer] = {}
        self._readers: dict[tuple[type[models.Model], tuple[str, ...]], list[Reader | None]] = {}

    def insert(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> set[Any]:
        """Insert rows unless a unique constraint lets none in; return the keys of the inserted.

        ``names[0]`` is the primary key; columns that are not named get the model's defaults, the
        same ones in all rows.
        """
        try:
            with transaction.atomic(using=self.using):
                self._insert_all(model, names, rows)
            return {row[0] for row in rows}
        except IntegrityError:
            objects = [model(**self._loaded(names, row)) for row in rows]
            return {one.pk for one in objects if self._insert_one(one)}

    def _insert_all(self, model: type[models.Model], names: Sequence[str], rows: Rows) -> None:
        if not rows:
            return
        key = ("insert", model)
        if key not in self._statements:
            self._statements[key] = self._insertion_of(model)
        sql, defaults = self._statements[key]
        places = [_stored(model).index(column_of(model, name)) for name in names]
        prepared = []
        for row in self._saved_rows(model, names, rows):
            whole = list(defaults)
            for place, value in zip(places, row, strict=True):
                whole[place] = value
            prepared.append(whole)
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, prepared)

    def _insertion_of(self, model: type[models.Model]) -> tuple[str, list[Any]]:
        """Return the INSERT of one row, and the defaults of all its columns as parameters."""
        query = InsertQuery(model)
        query.insert_values(_stored(model), [model()])
        ((sql, params),) = query.get_compiler(self.using).as_sql()
        assert len(params) == len(_stored(model))
        return sql, list(params)

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
        if not rows or not names:
            return
        key = ("update", model, *names, *added)
        if key not in self._statements:
            self._statements[key] = self._updating(model, names, added)
        sql, _ = self._statements[key]
        named = [self._key(model), *names]
        prepared = [[*values, pk] for pk, *values in self._saved_rows(model, named, rows)]
        with self.connection.cursor() as cursor:
            cursor.executemany(sql, prepared)

    def _updating(
        self, model: type[models.Model], names: Sequence[str], added: Collection[str]
    ) -> tuple[str, list[Any]]:
        """Return the UPDATE of one row; its parameters are the values, then the key."""
        slots = {name: _Slot(output_field=column_of(model, name)) for name in names}
        chosen = model._default_manager.using(self.using).filter(pk=_Slot(model._meta.pk))
        query: Any = chosen.query.chain(UpdateQuery)
        query.add_update_values({n: F(n) + s if n in added else s for n, s in slots.items()})
        sql, params = query.get_compiler(self.using).as_sql()
        assert len(params) == len(names) + 1
        return sql, list(params)

    def _saved_rows(
        self, model: type[models.Model], names: Sequence[str], rows: Rows
    ) -> Iterable[list[Any]]:
        """Yield the rows' values as their fields save them."""
        fields = [column_of(model, name) for name in names]
        for row in rows:
            values = self._loaded(names, row).values()
            yield [
                field.get_db_prep_save(value, self.connection)
                for field, value in zip(fields, values, strict=True)
            ]

    def _key(self, model: type[models.Model]) -> str:
        key = model._meta.pk
        assert key is not None
        return key.attname

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
