"""What a function sees of its run, and what it may say about it. Pure: no database, no clock.

The runner makes one :class:`RunContext` a run and reads what the function reported; who writes
that down, and when, is not known here.
"""

from __future__ import annotations

import contextvars
import copy
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .exceptions import InvalidData, RunInterrupted, RunStopped, RunTimedOut, SchedulerError
from .states import RunStatus

__all__ = [
    "Progress",
    "RunContext",
    "activate",
    "as_json",
    "clean_text",
    "current_run",
    "is_inside_run",
    "is_inside_run_of",
]

T = TypeVar("T")

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
class Facts:
    """What is known when a run begins; it never changes while the run goes on."""

    job_name: str
    run_id: str
    key: str
    trigger: str
    attempt: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    schedule: str
    scheduled_for: datetime
    started_at: datetime
    missed: int = 0
    last_finished_at: datetime | None = None
    last_success_at: datetime | None = None


def _nothing() -> None:
    return None


@dataclass
class _Said:
    """What the function has reported so far; guarded by the context's lock."""

    progress: Progress | None = None
    changes: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    run_again_in: timedelta | None = None


class RunContext:
    """A run as its own function sees it. Its methods may be called from any thread.

    Attributes of :class:`Facts` are readable as attributes of the context. Changing the copies
    it hands out changes nothing elsewhere.
    """

    job_name: str
    run_id: str
    key: str
    trigger: str
    attempt: int
    schedule: str
    scheduled_for: datetime
    started_at: datetime
    missed: int
    last_finished_at: datetime | None
    last_success_at: datetime | None

    def __init__(self, facts: Facts, wake: Callable[[], None] = _nothing) -> None:
        self._facts = facts
        self._wake = wake
        self._said = _Said()
        self._lock = threading.Lock()
        self._stop: tuple[RunStatus, str] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._facts, name)

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments of this run."""
        return copy.deepcopy(self._facts.args)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments of this run, as a copy."""
        return copy.deepcopy(dict(self._facts.kwargs))

    @property
    def metadata(self) -> dict[str, Any]:
        """The job's metadata as it was when the run was made, as a copy."""
        return copy.deepcopy(dict(self._facts.metadata))

    @property
    def delay(self) -> timedelta:
        """How long after its scheduled instant the run started; never negative."""
        return self._facts.started_at - self._facts.scheduled_for

    @property
    def data(self) -> dict[str, Any]:
        """What was saved during this run so far, as a copy."""
        with self._lock:
            return copy.deepcopy(self._said.data)

    @property
    def stop_requested(self) -> bool:
        """Whether this run has been asked to stop, by a person, a timeout or a shutdown."""
        return self._stop is not None

    def progress(
        self, completed: int, total: int | None = None, message: str = "", retries: int = 0
    ) -> None:
        """Report how far the run is; written down within one monitor interval.

        Raises:
            InvalidData: negative numbers, or more completed than there is; the old value stays.
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
        said = Progress(completed, total, clean_text(str(message))[:500], retries)
        with self._lock:
            if said != self._said.progress:
                self._said.progress = said
                self._said.changes += 1

    def track(self, iterable: Iterable[T], total: int | None = None) -> Iterator[T]:
        """Yield the items, reporting progress after each and stopping when asked to.

        Without ``total`` the length is used where there is one (a QuerySet's is its count).
        """
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self.progress(0, total)
        for completed, item in enumerate(iterable, start=1):
            self.checkpoint()
            yield item
            self.progress(completed, total if total is None else max(total, completed))

    def save_data(self, **values: Any) -> None:
        """Merge ``values`` into the run's data, which hooks and the admin see at once.

        Raises:
            InvalidData: a value is not JSON, or all together are longer than a megabyte; nothing
                of this call is kept.
        """
        kept = as_json(values, "data")
        with self._lock:
            merged = {**self._said.data, **kept}
            size = len(json.dumps(merged))
            if size > DATA_MAX_BYTES:
                raise InvalidData(
                    f"The data takes {size} bytes; at most {DATA_MAX_BYTES} are kept.",
                    field="data",
                )
            self._said.data = merged
            self._said.changes += 1
        self._wake()

    def checkpoint(self) -> None:
        """Return at once, or leave the function if the run is to end.

        Raises:
            RunStopped: somebody stopped it, or the process shuts down.
            RunTimedOut: it is over its timeout.
            RunInterrupted: it was given up.
        """
        if self._stop is None:
            return
        status, reason = self._stop
        kinds = {RunStatus.TIMED_OUT: RunTimedOut, RunStatus.STOPPED: RunStopped}
        raise kinds.get(status, RunInterrupted)(f"The run is to end: {reason or status}.")

    def run_again_in(self, delta: timedelta | float) -> None:
        """Ask for the job's next run ``delta`` after this one ends, if it succeeds.

        Args:
            delta: a ``timedelta`` or seconds; 0 means at once, with a floor of one second.

        Raises:
            InvalidData: a negative delta.
        """
        span = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        if span < timedelta(0):
            raise InvalidData("run_again_in() takes a span from 0, not a past one.", field="delta")
        with self._lock:
            self._said.run_again_in = span

    def ask_to_stop(self, status: RunStatus, reason: str) -> None:
        """Make the function see that it is to end; the first order stands."""
        with self._lock:
            if self._stop is None:
                self._stop = (status, str(reason))

    def stop_order(self) -> tuple[RunStatus, str] | None:
        """Return with what status and reason the run was told to end; None if it was not."""
        return self._stop

    def report(self) -> tuple[int, Progress | None, dict[str, Any]]:
        """Return how many changes there were so far, the newest progress, and the data."""
        with self._lock:
            return self._said.changes, self._said.progress, copy.deepcopy(self._said.data)

    def asked_again_in(self) -> timedelta | None:
        """Return what ``run_again_in`` was last called with; None if it was not."""
        with self._lock:
            return self._said.run_again_in


def as_json(value: Any, field_name: str) -> Any:
    """Return a copy of ``value`` as JSON types.

    Raises:
        InvalidData: it contains something JSON has no form for, or a number that is not finite.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except Exception as error:  # a value of a class of its own may raise anything
        raise InvalidData(
            f"{field_name} must be JSON (texts, numbers, lists, dicts, booleans, null): {error}.",
            field=field_name,
        ) from None
    # PostgreSQL takes neither NUL nor half of a surrogate pair in JSON.
    return json.loads(clean_text(text).replace("\\u0000", "\\\\x00"))


def clean_text(text: str) -> str:
    """Return ``text`` as every database takes it: without NUL and without lone surrogates."""
    return text.replace("\x00", "\\x00").encode("utf-8", "replace").decode("utf-8")


_current: contextvars.ContextVar[RunContext | None] = contextvars.ContextVar(
    "django_scheduler_run", default=None
)


def current_run() -> RunContext:
    """Return the context of the run this code is called from.

    Raises:
        SchedulerError: it is not called from a run.
    """
    context = _current.get()
    if context is None:
        raise SchedulerError("current_run() was called outside a run.")
    return context


def is_inside_run(run_id: object) -> bool:
    """Tell whether this code is called from the run of this id."""
    context = _current.get()
    return context is not None and context.run_id == str(run_id)


def is_inside_run_of(job_name: str) -> bool:
    """Tell whether this code is called from a run of the job."""
    context = _current.get()
    return context is not None and context.job_name == job_name


class activate:
    """Make ``context`` the current run within the block, in this thread or task only."""

    def __init__(self, context: RunContext) -> None:
        self._context = context

    def __enter__(self) -> RunContext:
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_error: object) -> None:
        _current.reset(self._token)
