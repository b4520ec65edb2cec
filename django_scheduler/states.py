"""The words a job, a run and a process can be described with, and which may follow which.

Pure: plain ``str`` enums without Django, so that every room can name a status. Translated
labels are made in ``models``. The table is `MOVES`; only ``lifecycle`` acts on it.
"""

from __future__ import annotations

from enum import Enum

__all__ = [
    "ALIVE",
    "BEGUN",
    "FINAL",
    "MOVES",
    "OPEN",
    "JobState",
    "ProcessKind",
    "ProcessState",
    "Reason",
    "RunStatus",
    "Trigger",
    "may_move",
]


class _Word(str, Enum):
    """An enum whose members are, format and compare as their text."""

    def __str__(self) -> str:
        return str(self.value)


class RunStatus(_Word):
    """Where a run stands. A final status never changes again."""

    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    LOST = "lost"
    SKIPPED = "skipped"


class JobState(_Word):
    """Whether a job is planned, and if not, why."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"
    BROKEN = "broken"


class Trigger(_Word):
    """Why a run exists."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    RETRY = "retry"
    CATCH_UP = "catch_up"
    BACKFILL = "backfill"
    START = "start"


class Reason(_Word):
    """One word more about how a run came to its status; empty when there is nothing to add."""

    NONE = ""
    OVERLAP = "overlap"
    WAITING = "waiting"
    MISSED = "missed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    BUFFER_FULL = "buffer_full"
    ASKED = "asked"
    SHUTDOWN = "shutdown"
    JOB_REMOVED = "job_removed"
    JOB_PAUSED = "job_paused"
    EXCEPTION = "exception"
    RETRY_LATER = "retry_later"
    HOOK = "hook"
    ARGUMENTS = "arguments"
    STALLED = "stalled"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    UNPUBLISHED = "unpublished"
    UNREGISTERED = "unregistered"
    GIVES_WAY = "gives_way"
    INDEPENDENT = "independent"
    PAUSE_NOT_SEEN = "pause_not_seen"


class ProcessKind(_Word):
    """What a process does: plan and run, or only run."""

    SCHEDULER = "scheduler"
    WORKER = "worker"


class ProcessState(_Word):
    """Whether a process is alive. ``stopped`` and ``dead`` are final: an id never lives again."""

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DEAD = "dead"


ALIVE = (ProcessState.RUNNING.value, ProcessState.STOPPING.value)
"""States of a process that still holds its runs."""

_S = RunStatus

FINAL = frozenset(
    {_S.SUCCEEDED, _S.FAILED, _S.TIMED_OUT, _S.INTERRUPTED, _S.STOPPED, _S.LOST, _S.SKIPPED}
)
"""Statuses that never change again."""

OPEN = frozenset({_S.QUEUED, _S.DISPATCHED, _S.RUNNING, _S.PAUSED})
"""Statuses from which a run still moves; they count as active for overlap."""

BEGUN = frozenset({_S.RUNNING, _S.PAUSED})
"""Statuses in which the function has been called and has not ended."""

MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    _S.QUEUED: frozenset(
        {_S.DISPATCHED, _S.RUNNING, _S.SUCCEEDED, _S.FAILED, _S.TIMED_OUT, _S.STOPPED, _S.SKIPPED}
    ),
    _S.DISPATCHED: frozenset(
        {
            _S.QUEUED,
            _S.RUNNING,
            _S.SUCCEEDED,
            _S.FAILED,
            _S.TIMED_OUT,
            _S.STOPPED,
            _S.SKIPPED,
        }
    ),
    _S.RUNNING: frozenset(
        {
            _S.PAUSED,
            _S.SUCCEEDED,
            _S.FAILED,
            _S.TIMED_OUT,
            _S.INTERRUPTED,
            _S.STOPPED,
            _S.LOST,
            _S.SKIPPED,
        }
    ),
    _S.PAUSED: frozenset({_S.RUNNING, _S.TIMED_OUT, _S.STOPPED, _S.LOST}),
    **{status: frozenset() for status in FINAL},
}
"""From each status, the statuses a run may move to. ``dispatched`` to ``queued`` is the one way
back: given back, with a new epoch. ``running`` to ``skipped`` is a function raising ``SkipRun``."""


def may_move(old: RunStatus | str, new: RunStatus | str) -> bool:
    """Tell whether a run may move from ``old`` to ``new``."""
    return RunStatus(new) in MOVES[RunStatus(old)]
