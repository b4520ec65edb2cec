"""What a function has said about its run so far."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ..exceptions import InvalidData
from .values import as_json, clean_text

__all__ = ["Progress", "Report", "Said", "checked_progress"]

DATA_MAX_BYTES = 1024 * 1024
"""It is written with the run's row, and databases refuse statements of more than some megabytes."""


@dataclass(frozen=True)
class Progress:
    """How far a run says it is. ``total`` None: unknown."""

    completed: int
    total: int | None = None
    message: str = ""
    retries: int = 0


@dataclass(frozen=True)
class Report:
    """What was said by one moment.

    Attributes:
        news: counts what was new: equal counts, equal reports.
        changes: counts what of it shows that the function gets on.
        state: what the job is to carry on; None: as it was.
    """

    news: int = 0
    changes: int = 0
    progress: Progress | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    run_again_in: timedelta | None = None
    state: Mapping[str, Any] | None = None


def checked_progress(completed: int, total: int | None, message: str, retries: int) -> Progress:
    """Return the progress that is meant.

    Raises:
        InvalidData: negative numbers, or more completed than there is.
    """
    numbers = (completed, 0 if total is None else total, retries)
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in numbers):
        raise InvalidData("Progress counts in whole numbers from 0.", field="completed")
    if max(numbers) >= 2**63:
        raise InvalidData("Progress counts to less than 2^63.", field="completed")
    if total is not None and completed > total:
        raise InvalidData(
            f"Progress of {completed} is more than the total of {total}.", field="completed"
        )
    return Progress(completed, total, clean_text(str(message))[:500], retries)


class Said:
    """Gathers what the function says. Any thread may say and read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._news = 0
        self._changes = 0
        self._data: dict[str, Any] = {}
        self._run_again_in: timedelta | None = None
        self._state: Mapping[str, Any] | None = None

    def progressed(self, progress: Progress) -> None:
        """Take a progress; saying the same again is no change."""
        with self._lock:
            if progress != self._progress:
                self._progress = progress
                self._note_change()

    def saved(self, values: Mapping[str, Any]) -> None:
        """Merge ``values`` into the data.

        Raises:
            InvalidData: a value is not JSON, or all together are too long; nothing is kept.
        """
        kept = as_json(values, "data")
        with self._lock:
            merged = {**self._data, **kept}
            size = len(json.dumps(merged))
            if size > DATA_MAX_BYTES:
                raise InvalidData(
                    f"The data takes {size} bytes; at most {DATA_MAX_BYTES} are kept.",
                    field="data",
                )
            self._data = merged
            self._note_change()

    def _note_change(self) -> None:
        self._news += 1
        self._changes += 1

    def carried(self, state: Mapping[str, Any]) -> None:
        """Take the state that the job is to carry on. It is never changed from here on."""
        with self._lock:
            self._state = state
            self._news += 1

    def again_in(self, span: timedelta) -> None:
        """Take the span after which the job is to run again."""
        with self._lock:
            self._run_again_in = span
            self._news += 1

    @property
    def data(self) -> dict[str, Any]:
        """What was saved so far, as a copy."""
        with self._lock:
            return copy.deepcopy(self._data)

    @property
    def run_again_in(self) -> timedelta | None:
        """The span after which the job is to run again; None: as it is scheduled."""
        return self._run_again_in

    @property
    def news(self) -> int:
        """How much was new so far."""
        return self._news

    @property
    def changes(self) -> int:
        """How many changes there were so far that show that the function gets on."""
        return self._changes

    def report(self) -> Report:
        """Return what was said by now."""
        with self._lock:
            data = copy.deepcopy(self._data)
            return Report(
                self._news, self._changes, self._progress, data, self._run_again_in, self._state
            )

    def adopt(self, report: Report) -> None:
        """Take over what was said by one moment elsewhere, in place of what stands here."""
        with self._lock:
            self._progress = report.progress
            self._data = dict(report.data)
            self._run_again_in = report.run_again_in
            self._state = report.state
            self._news, self._changes = report.news, report.changes
