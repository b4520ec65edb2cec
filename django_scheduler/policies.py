"""What a job's policies mean: retries, overlap, catching up, lost and removed runs.

Pure decisions on values: no Django, no clock, no randomness of its own (a fraction is handed in).
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import Enum
from typing import Any

from .exceptions import InvalidJob

__all__ = [
    "LONGEST_DELAY",
    "LONGEST_SPAN",
    "CatchUp",
    "Decision",
    "OnLost",
    "Overlap",
    "Retry",
    "RunningOnRemove",
    "decide_overlap",
    "error_names",
    "to_timedelta",
]

#: No attempt is started sooner than this after the one before, so that nothing can spin.
MIN_DELAY = timedelta(seconds=1)
#: No delay grows beyond this, whatever the backoff.
LONGEST_DELAY = timedelta(days=365)
#: The number of an attempt is a column of whole numbers.
MOST_ATTEMPTS = 2**31 - 1
#: Sums of an instant and a span stay within the calendar, and spans within every database's range.
LONGEST_SPAN = timedelta(days=36_600)
_BACKOFFS = ("fixed", "linear", "exponential")
_ON_NEXT_OCCURRENCE = ("skip", "supersede", "independent")


class CatchUp(str, Enum):
    """What becomes of missed occurrences."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class Overlap(str, Enum):
    """What becomes of an occurrence while a run of the job is active."""

    SKIP = "skip"
    QUEUE = "queue"
    QUEUE_ALL = "queue_all"
    REPLACE = "replace"
    ALLOW = "allow"


class OnLost(str, Enum):
    """What becomes of a run whose process died."""

    RETRY = "retry"
    FAIL = "fail"


class RunningOnRemove(str, Enum):
    """What becomes of running runs when their job is removed."""

    WAIT = "wait"
    STOP = "stop"
    LEAVE = "leave"


class Decision(str, Enum):
    """What the overlap policy says about one occurrence or trigger."""

    RUN = "run"
    SKIP = "skip"
    WAIT = "wait"
    #: The buffer of waiting runs is full: skipped, with that reason.
    FULL = "full"
    #: Ask the active ones to stop and wait for that; only the newest waiting one is kept.
    REPLACE = "replace"


def decide_overlap(
    overlap: Overlap | str,
    *,
    active: int,
    waiting: int,
    max_running: int | None,
    buffer_limit: int,
) -> Decision:
    """What to do with one more run of a job.

    Args:
        active: the job's runs that are not over, those merely waiting for room left out.
        waiting: its runs that wait for room.
        max_running: bound of ``allow``; None is no bound. The other policies allow one.
        buffer_limit: how many may wait under ``queue_all``.
    """
    policy = Overlap(overlap)
    if policy is Overlap.ALLOW:
        return Decision.RUN if max_running is None or active < max_running else Decision.SKIP
    if active == 0:
        return Decision.RUN
    if policy is Overlap.QUEUE:
        return Decision.WAIT if waiting == 0 else Decision.SKIP
    if policy is Overlap.QUEUE_ALL:
        return Decision.WAIT if waiting < buffer_limit else Decision.FULL
    return Decision.REPLACE if policy is Overlap.REPLACE else Decision.SKIP


def to_timedelta(value: object, field: str) -> timedelta | None:
    """``value`` as a span: a timedelta stays, a number is seconds, None stays None.

    Raises:
        InvalidJob: negative, not finite, too large, or neither a timedelta nor a number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (timedelta, int, float)):
        raise InvalidJob(f"{field}={value!r}: give a timedelta, or seconds.", field=field)
    try:
        span = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise InvalidJob(f"{field}={value!r} is not a span of time.", field=field) from error
    if span < timedelta(0):
        raise InvalidJob(f"{field}={value!r} is negative.", field=field)
    if span > LONGEST_SPAN:
        raise InvalidJob(f"{field}={value!r} is longer than 100 years.", field=field)
    return span


def error_names(error: BaseException | type[BaseException]) -> tuple[str, ...]:
    """Dotted names of an exception's class and all its bases, most specific first."""
    kind = error if isinstance(error, type) else type(error)
    return tuple(_dotted(each) for each in kind.__mro__ if issubclass(each, BaseException))


def _dotted(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


@dataclass(frozen=True)
class Retry:
    """How often and when a failed occurrence is tried again.

    Attributes:
        max_attempts: attempts in all, the first included; None is unlimited.
        delay: timedelta or seconds before the next attempt; never less than one second in effect.
        backoff: ``fixed``; ``linear``: times the attempt; ``exponential``: doubled each time.
        max_delay: timedelta or seconds no delay exceeds; None: a year.
        jitter: 0 to 1: the share of the delay that is moved at random, either way.
        retry_on: exception classes or dotted names (kept as names) that are worth another try,
            subclasses included; empty: all.
        reset_on_success: True: the budget is per occurrence; False: it is the job's for life.
        on_next_occurrence: what gives way when the next occurrence comes while a retry waits:
            ``skip`` it, ``supersede`` the retry, or ``independent``.

    Raises:
        InvalidJob: a value out of range; ``field`` is ``retry``.
    """

    max_attempts: int | None = 3
    delay: timedelta | float = timedelta(seconds=10)
    backoff: str = "fixed"
    max_delay: timedelta | float | None = None
    jitter: float = 0.0
    retry_on: Sequence[type[BaseException] | str] = ()
    reset_on_success: bool = True
    on_next_occurrence: str = "skip"

    def __post_init__(self) -> None:
        _check_attempts(self.max_attempts)
        _check_choice("backoff", self.backoff, _BACKOFFS)
        _check_choice("on_next_occurrence", self.on_next_occurrence, _ON_NEXT_OCCURRENCE)
        if not _is_number(self.jitter) or not 0 <= self.jitter <= 1:
            raise InvalidJob(f"jitter={self.jitter!r} is not between 0 and 1.", field="retry")
        if not isinstance(self.reset_on_success, bool):
            raise InvalidJob("reset_on_success is True or False.", field="retry")
        if self.delay is None:
            raise InvalidJob("delay is a timedelta or seconds, not None.", field="retry")
        object.__setattr__(self, "delay", to_timedelta(self.delay, "retry"))
        object.__setattr__(self, "max_delay", to_timedelta(self.max_delay, "retry"))
        object.__setattr__(self, "retry_on", _names_of(self.retry_on))

    @classmethod
    def of(cls, value: int | Retry | Mapping[str, Any] | None) -> Retry | None:
        """The policy meant: None stays None (no retries), a number is ``max_attempts``.

        Raises:
            InvalidJob: anything else, or values out of range.
        """
        if value is None or isinstance(value, Retry):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(max_attempts=value)
        if isinstance(value, Mapping):
            return cls.from_dict(value)
        raise InvalidJob(
            f"retry={value!r}: give None, a number of attempts, or a Retry.", field="retry"
        )

    def to_dict(self) -> dict[str, Any]:
        """The policy as JSON-safe values; durations in seconds."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["delay"] = _seconds(self.delay)
        found["max_delay"] = None if self.max_delay is None else _seconds(self.max_delay)
        found["retry_on"] = list(self.retry_on)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Retry:
        """The policy that ``to_dict`` wrote; missing keys take their defaults.

        Raises:
            InvalidJob: an unknown key, or a value out of range.
        """
        known = {each.name for each in fields(cls)}
        unknown = sorted(str(key) for key in data if key not in known)
        if unknown:
            raise InvalidJob(
                f"retry has no {', '.join(unknown)}: use {', '.join(sorted(known))}.", field="retry"
            )
        return cls(**data)

    def check_names(self) -> None:
        """Refuse names in ``retry_on`` that no error can have.

        To be asked when a policy is stored: one that is stored already is kept as it is, for
        another version of Python may know the error.

        Raises:
            InvalidJob: a name without a module that is no built-in exception.
        """
        for kind in self.retry_on:
            module, _, name = str(kind).rpartition(".")
            if module in ("", "builtins") and _built_in(name) is None:
                raise InvalidJob(
                    f"retry_on={kind!r}: no built-in exception is called so; give others with "
                    "their module.",
                    field="retry",
                )

    def delay_after(
        self, attempt: int, error_types: Sequence[str], fraction: float = 0.5
    ) -> timedelta | None:
        """How long to wait after a failed attempt; None if there is to be no other.

        Args:
            attempt: number of the attempt that failed, from 1.
            error_types: dotted names of the error's class and its bases, see ``error_names``.
            fraction: 0 to 1 (excluded), from which jitter is taken; 0.5 is none.
        """
        if self.max_attempts is not None and attempt >= self.max_attempts:
            return None
        named = [str(name) for name in self.retry_on]
        if named and not {*named, *map(_own_name, named)} & {*error_types}:
            return None
        longest = LONGEST_DELAY if self.max_delay is None else _span(self.max_delay)
        limit = _seconds(min(longest, LONGEST_DELAY))
        seconds = min(_seconds(self.delay) * self._growth(attempt), limit)
        seconds = min(seconds * (1 + self.jitter * (2 * fraction - 1)), limit)
        return max(timedelta(seconds=seconds), MIN_DELAY)

    def _growth(self, attempt: int) -> float:
        if self.backoff == "fixed":
            return 1
        if self.backoff == "linear":
            return attempt
        # Beyond 2^60 any delay is over the limit, and floats would overflow.
        return float(2 ** min(attempt - 1, 60))


def _span(value: timedelta | float) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def _seconds(value: timedelta | float) -> float:
    return _span(value).total_seconds()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_attempts(value: object) -> None:
    if value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_ATTEMPTS:
        return
    raise InvalidJob(
        f"max_attempts={value!r}: give a whole number from 1 to {MOST_ATTEMPTS}, or None for no "
        "limit.",
        field="retry",
    )


def _check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InvalidJob(f"{name}={value!r}: use {' or '.join(allowed)}.", field="retry")


def _names_of(kinds: object) -> tuple[str, ...]:
    if isinstance(kinds, (str, type)) or not isinstance(kinds, Iterable):
        kinds = (kinds,)
    return tuple(_name_of(each) for each in kinds)


def _name_of(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return _dotted(kind)
    if isinstance(kind, str) and all(part.isidentifier() for part in kind.split(".")):
        # Names are compared with their module.
        module, _, name = kind.rpartition(".")
        known = _built_in(name) if module in ("", "builtins") else None
        return kind if known is None else _dotted(known)
    raise InvalidJob(
        f"retry_on={kind!r}: give exception classes or their dotted names.", field="retry"
    )


def _own_name(name: str) -> str:
    """Return how the class calls itself, of a name by which a loaded module passes it on.

    ``socket.timeout`` is ``builtins.TimeoutError``. Names are kept as given: what a module calls
    so may change with its next version.
    """
    module, _, attribute = name.rpartition(".")
    kind = getattr(sys.modules.get(module), "__dict__", {}).get(attribute)
    return _dotted(kind) if isinstance(kind, type) else name


def _built_in(name: str) -> type[BaseException] | None:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None
