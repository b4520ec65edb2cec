"""What a database can keep of what a function says."""

from __future__ import annotations

import json
from typing import Any

from ..exceptions import InvalidData
from ..job_fields import MOST_NESTED, not_storable

__all__ = ["as_json", "clean_text"]


def as_json(value: Any, field_name: str) -> Any:
    """Return a copy of ``value`` as JSON types.

    Raises:
        InvalidData: it contains something JSON has no form for, a number that is not finite, or
            more levels than every database takes.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except Exception as error:  # a value of a class of its own may raise anything
        raise InvalidData(
            f"{field_name} must be JSON (texts, numbers, lists, dicts, booleans, null): {error}.",
            field=field_name,
        ) from None
    # PostgreSQL takes neither NUL nor half of a surrogate pair in JSON.
    kept = json.loads(clean_text(text).replace("\\u0000", "\\\\x00"))
    # Looking at each level takes as long as writing it all: nearly nothing has so many brackets.
    if text.count("[") + text.count("{") > MOST_NESTED and (refused := not_storable(kept)):
        raise InvalidData(f"{field_name} {refused}", field=field_name)
    return kept


def clean_text(text: str) -> str:
    """Return ``text`` as every database takes it: without NUL and without lone surrogates."""
    return text.replace("\x00", "\\x00").encode("utf-8", "replace").decode("utf-8")
