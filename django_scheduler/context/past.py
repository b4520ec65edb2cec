"""What earlier runs of a job left to this one."""

from __future__ import annotations

import json
import threading
from typing import Any, Protocol

from ..exceptions import InvalidData
from .values import as_json

__all__ = ["Carried", "NoPast", "Past"]

STATE_MAX_BYTES = 1024 * 1024
"""It is written with the rows of run and job, as data is."""


class Past(Protocol):
    """Knows what earlier runs left. It is asked once at most, when the function asks."""

    def state(self) -> dict[str, Any]:
        """Return the state the job carries; empty if there is none."""

    def previous_result(self) -> Any:
        """Return the result of the job's newest run that succeeded; None if none has."""


class NoPast:
    """For a context that nobody carries out, as in a test of a function: there was nothing."""

    def state(self) -> dict[str, Any]:
        """Return an empty state."""
        return {}

    def previous_result(self) -> Any:
        """Return None."""
        return None


_UNASKED: Any = object()


def _refuse_other_keys(value: Any) -> None:
    """Raise InvalidData where a key is no text: the next run would look for it in vain."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise InvalidData(
                    f"state has the key {key!r:.80}, and keys of JSON are texts; use str().",
                    field="state",
                )
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return
    for each in value:
        _refuse_other_keys(each)


class Carried:
    """What one run has of its job's past: the state it goes on with, and the last result."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._lock = threading.Lock()
        self._state: dict[str, Any] | None = None
        self._kept = ""
        self._result: Any = _UNASKED

    @property
    def state(self) -> dict[str, Any]:
        """The state, to be changed in place."""
        with self._lock:
            if self._state is None:
                self._state = self._past.state()
                self._kept = json.dumps(self._state)
            return self._state

    @property
    def previous_result(self) -> Any:
        """The result of the job's newest run that succeeded before this one."""
        with self._lock:
            if self._result is _UNASKED:
                self._result = self._past.previous_result()
            return self._result

    def changed(self) -> dict[str, Any] | None:
        """Return the state as it is to be kept; None if it is as it was, or was never asked for.

        Raises:
            InvalidData: it is not JSON, has keys that are no texts, or is longer than a megabyte.
        """
        if self._state is None:
            return None
        with self._lock:
            kept: dict[str, Any] = as_json(self._state, "state")
            if kept != self._state:
                _refuse_other_keys(self._state)
            text = json.dumps(kept)
            if text == self._kept:
                return None
            if len(text) > STATE_MAX_BYTES:
                raise InvalidData(
                    f"The state takes {len(text)} bytes; at most {STATE_MAX_BYTES} are carried.",
                    field="state",
                )
            self._kept = text
            return kept
