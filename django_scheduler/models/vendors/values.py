"""Between Python's values and what a driver takes and gives, one column at a time.

Django's own path through a field costs microseconds a value; a batch has thousands. The shortcuts
here say the same for the few kinds of columns the engine writes; every other kind takes Django's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["JSONText", "Reader", "Writer", "json_text", "read_row", "reader_of", "writer_of"]

Writer = Callable[[Any], Any]
Reader = Callable[[Any], Any]


class JSONText(str):
    """The text of a JSON value, written once and stored in many rows."""

    __slots__ = ()


def _as_is(value: Any) -> Any:
    return value


def json_text(value: Any) -> str:
    """Return the JSON of a value, of the commonest ones without being written anew."""
    if not value and value in ({}, []):
        return "{}" if value == {} else "[]"
    return json.dumps(value)


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, JSONText) else json_text(value)


def _naive_utc(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is timezone.utc:
        return value.isoformat(" ")[: -len("+00:00")]
    return str(value.astimezone(timezone.utc).replace(tzinfo=None))


def writer_of(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Writer:
    """Return what turns a value of ``field`` into the driver's parameter."""
    kind = _kind(field)
    if kind == "JSONField":
        return _json
    native = connection.vendor == "postgresql"
    if kind == "DateTimeField" and not native and connection.timezone is timezone.utc:
        return _naive_utc
    if native or kind not in ("DateTimeField", "UUIDField", "DurationField"):
        return _as_is
    return lambda value: field.get_db_prep_save(value, connection)


def _kind(field: models.Field[Any, Any]) -> str:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return target.get_internal_type()


def reader_of(field: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Reader | None:
    """Return what turns a fetched value of ``field`` into Python's; None: it is that already."""
    column = field.get_col(field.model._meta.db_table)
    kind = _kind(field)
    drivers_are_naive = connection.vendor in ("sqlite", "mysql")
    if kind == "DateTimeField" and drivers_are_naive and connection.timezone is timezone.utc:
        return _from_naive
    if kind == "JSONField":
        return _from_json
    converters = [
        *connection.ops.get_db_converters(column),
        *field.get_db_converters(connection),
    ]
    if not converters:
        return None

    def read(value: Any) -> Any:
        for converter in converters:
            value = converter(value, column, connection)
        return value

    return read


def _from_json(value: str | None) -> Any:
    """Return the value of a JSON column, which every driver gives as text to Django."""
    if value == "{}":
        return {}
    return [] if value == "[]" else value if value is None else json.loads(value)


def _from_naive(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=timezone.utc)


def read_row(values: Sequence[Any], readers: Sequence[Reader | None]) -> list[Any]:
    """Return the fetched values as Python's."""
    return [
        value if reader is None else reader(value)
        for value, reader in zip(values, readers, strict=True)
    ]
