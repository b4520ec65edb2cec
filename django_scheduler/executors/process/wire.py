"""Frozen values as JSON and back, by the types their fields are declared with.

A field that is added to such a value crosses without a word here, if its type is one of those
below or JSON itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache, partial
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["plain", "read"]

T = TypeVar("T")

_PLAIN: dict[type, Callable[[Any], Any]] = {
    uuid.UUID: str,
    datetime: datetime.isoformat,
    timedelta: timedelta.total_seconds,
    tuple: list,
}

_READ: dict[Any, Callable[[Any], Any]] = {
    uuid.UUID: uuid.UUID,
    datetime: datetime.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def plain(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON types."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return plain(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    form = _PLAIN.get(type(value))
    return value if form is None else form(value)


def read(kind: type[T], found: Mapping[str, Any]) -> T:
    """Return the dataclass ``kind`` whose fields :func:`plain` gave."""
    hints = _hints_of(cast("Any", kind))
    return kind(**{name: _read(hints[name], value) for name, value in found.items()})


@lru_cache(maxsize=32)
def _hints_of(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(value)
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for option in options:
        reader = _reader_of(option)
        if reader is not None:
            return reader(value)
    return value


def _reader_of(kind: Any) -> Callable[[Any], Any] | None:
    if isinstance(kind, type) and is_dataclass(kind):
        return partial(read, kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return _READ.get(kind)
