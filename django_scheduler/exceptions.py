"""Every error this package raises, and nothing else.

All derive from :class:`SchedulerError`. Errors about what a caller passed are also
``ValueError``; errors about rows or functions that do not exist are also ``LookupError``.
An error about one argument names it in ``field``, so that a form can show it beside its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

__all__ = [
    "BackendUnsupported",
    "ChildDied",
    "FunctionNotRegistered",
    "HookError",
    "InvalidArguments",
    "InvalidCron",
    "InvalidData",
    "InvalidInterval",
    "InvalidJob",
    "InvalidRunState",
    "InvalidSchedule",
    "InvalidTimezone",
    "InvalidWindow",
    "JobAlreadyExists",
    "JobNotFound",
    "RetryLater",
    "RetryLimitReached",
    "RunAlreadyActive",
    "RunInterrupted",
    "RunNotFound",
    "RunStopped",
    "RunTimedOut",
    "SchedulerAlreadyStarted",
    "SchedulerError",
    "SchedulerNotStarted",
    "SchedulerStopped",
    "SkipRun",
    "TransactionLeftOpen",
    "UnsatisfiableSchedule",
]


class SchedulerError(Exception):
    """Base of all errors of this package.

    Attributes:
        field: the argument or model field the error is about; None when it is about no single one.
    """

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidSchedule(SchedulerError, ValueError):
    """A schedule that cannot be read or can never make sense."""


class InvalidCron(InvalidSchedule):
    """A cron expression that is malformed or out of range."""


class InvalidInterval(InvalidSchedule):
    """An interval that is not a positive, unmixed span."""


class InvalidTimezone(InvalidSchedule):
    """A zone name that the time zone database does not know."""


class UnsatisfiableSchedule(InvalidSchedule):
    """A well-formed schedule that no instant can ever match, such as 30 February."""


class InvalidJob(SchedulerError, ValueError):
    """A job's definition, or one field of it, is not acceptable."""


class InvalidWindow(InvalidJob):
    """A job's ``end_at`` is not later than its ``start_at``."""


class InvalidData(SchedulerError, ValueError):
    """A value that cannot be kept as JSON, or progress that is impossible."""


class InvalidArguments(SchedulerError, ValueError):
    """Arguments that do not fit the registered function's signature or are not JSON."""


class JobNotFound(SchedulerError, LookupError):
    """No job has this name."""


class JobAlreadyExists(SchedulerError):
    """A job with this name exists; nothing was changed."""


class FunctionNotRegistered(SchedulerError, LookupError):
    """No function is registered under this name in this process."""


class RunNotFound(SchedulerError, LookupError):
    """No run has this id."""


class InvalidRunState(SchedulerError):
    """The run's, or job's, present state does not allow this order; nothing was changed."""


class RunAlreadyActive(SchedulerError):
    """The occurrence already has a run that is not over; nothing was changed."""


class RetryLimitReached(SchedulerError):
    """The retry policy allows no further attempt."""


class SchedulerNotStarted(SchedulerError):
    """The scheduler is not running."""


class SchedulerAlreadyStarted(SchedulerError):
    """The scheduler is running already."""


class SchedulerStopped(SchedulerNotStarted):
    """The scheduler is not running any more: it was stopped, perhaps while it was waited for."""


class BackendUnsupported(SchedulerError):
    """An executor or database cannot do what was asked of it."""


class ChildDied(SchedulerError):
    """The child process that carried out a run ended without saying how the run ended."""


class HookError(SchedulerError):
    """A hook of a job failed."""


class TransactionLeftOpen(SchedulerError):
    """A function or hook returned within a transaction; what it wrote there was rolled back.

    Attributes:
        aliases: the databases on which it was open.
    """

    def __init__(self, aliases: Sequence[str]) -> None:
        self.aliases = tuple(aliases)
        super().__init__(
            f"A transaction was left open on {', '.join(self.aliases)}; what was written in it is "
            "rolled back. Leave every atomic() block, and switch autocommit on again."
        )


class RetryLater(SchedulerError):
    """Raised by a function: end this attempt and try the occurrence again after ``delay``.

    Args:
        delay: a ``timedelta``, or seconds; less than a second, or a span that is over by now, is
            a second.
    """

    def __init__(self, delay: timedelta | float, message: str = "") -> None:
        super().__init__(message or "the function asked to be tried again later")
        self.delay = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)


class SkipRun(SchedulerError):
    """Raised by a function: this run had nothing to do; it is recorded as skipped."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class RunStopped(SchedulerError):
    """Seen by a function at a checkpoint: somebody stopped its run, or the process shuts down."""


class RunTimedOut(RunStopped):
    """Seen by a function at a checkpoint: its run is over its timeout."""


class RunInterrupted(RunStopped):
    """Seen by a function at a checkpoint: its run was given up, stalled or taken from it."""
