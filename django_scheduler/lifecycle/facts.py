"""What a runner or an executor has to say about a run, as frozen values.

Each names the run, and the process and epoch under which it was held: the guard by which a late
word is told from a timely one. ``changes`` says which fields of the row it sets.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ..models import Run
from ..states import FINAL, Reason, RunStatus, may_move

__all__ = ["Fact", "Finished", "GivenBack", "Left", "Paused", "Published", "Resumed", "Started"]


@dataclass(frozen=True)
class Fact(ABC):
    """A word about one run by the process that holds it."""

    run_id: uuid.UUID
    job_id: int | None
    process: uuid.UUID
    epoch: int

    def holds(self, run: Run) -> bool:
        """Tell whether the speaker still owns the run and may say this of it."""
        return run.process == self.process and run.epoch == self.epoch

    def is_written(self, run: Run) -> bool:
        """Tell whether this very fact stands in the row: the answer to its commit was lost."""
        return False

    @abstractmethod
    def changes(self, run: Run) -> dict[str, Any]:
        """Return the fields of the row that this fact sets."""


def _may(run: Run, status: RunStatus) -> bool:
    return may_move(run.status, status)


def _reason(run: Run, reason: str) -> str:
    """Return ``reason``, unless the run is to stop: then why it is to stand."""
    return run.reason if run.stop_requested_at is not None else reason


@dataclass(frozen=True)
class Started(Fact):
    """The function is about to be called. ``due_at`` is the instant it was to start at."""

    at: datetime
    due_at: datetime

    def holds(self, run: Run) -> bool:
        """A run starts once, and not when its stop was asked for."""
        waits = run.status in (RunStatus.QUEUED, RunStatus.DISPATCHED)
        return super().holds(run) and waits and run.stop_requested_at is None

    def is_written(self, run: Run) -> bool:
        """Tell whether the run runs with this very start."""
        same = super().holds(run) and run.started_at == self.at
        return same and run.status == RunStatus.RUNNING

    def changes(self, run: Run) -> dict[str, Any]:
        """Return status, start and lateness."""
        return {
            "status": RunStatus.RUNNING.value,
            "started_at": self.at,
            "lateness": max(self.at - self.due_at, timedelta(0)),
        }


@dataclass(frozen=True)
class Paused(Fact):
    """The function holds at a checkpoint, as somebody asked for who still wants it."""

    def holds(self, run: Run) -> bool:
        """Only what goes on can be held, and not what is to stop, or to go on after all."""
        asked = run.pause_requested_at is not None and run.stop_requested_at is None
        return super().holds(run) and asked and run.status == RunStatus.RUNNING

    def is_written(self, run: Run) -> bool:
        """Tell whether the run is paused, by this very owner."""
        return super().holds(run) and run.status == RunStatus.PAUSED

    def changes(self, run: Run) -> dict[str, Any]:
        """Return the new status."""
        return {"status": RunStatus.PAUSED.value, "reason": _reason(run, "")}


@dataclass(frozen=True)
class Resumed(Fact):
    """The function goes on. ``to_end``: nobody let it; it was told to end, and may clear up."""

    to_end: bool = False

    def holds(self, run: Run) -> bool:
        """Only what holds can go on."""
        return super().holds(run) and run.status == RunStatus.PAUSED

    def changes(self, run: Run) -> dict[str, Any]:
        """Return the new status.

        Who let it go on has taken the order to pause back; one that stands came after that.
        """
        return {"status": RunStatus.RUNNING.value}


@dataclass(frozen=True)
class Finished(Fact):
    """The run is over. ``started_at`` None: the function was never called."""

    status: RunStatus
    reason: str = ""
    started_at: datetime | None = None
    due_at: datetime | None = None
    duration: timedelta = timedelta(0)
    error: str = ""
    traceback: str = ""
    error_types: Sequence[str] = ()
    result: Any = None
    data: Mapping[str, Any] = field(default_factory=dict)
    carried_state: Mapping[str, Any] | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    log: str = ""
    hook_errors: Mapping[str, str] = field(default_factory=dict)
    run_again_in: timedelta | None = None
    retry_in: timedelta | None = None
    left: bool = True
    at: datetime | None = None
    job_name: str = ""

    @property
    def finished_at(self) -> datetime | None:
        """The start plus the duration, both of monotonic time.

        So it cannot lie before the start, whatever a clock does.
        """
        return self.started_at + self.duration if self.started_at else self.at

    def bare(self, problem: BaseException) -> Finished:
        """Return how the run ended and nothing of what it left, because that cannot be stored."""
        return replace(
            self, result=None, data={}, carried_state=None, progress={}, log="", traceback="",
            hook_errors={},
            error=f"What the run left could not be stored: {type(problem).__name__}",
            run_again_in=None, retry_in=None,
        )  # fmt: skip

    def holds(self, run: Run) -> bool:
        """A run ends once."""
        return super().holds(run) and _may(run, self.status)

    def changes(self, run: Run) -> dict[str, Any]:
        """Return everything a finished run keeps."""
        finished = self.finished_at
        changed: dict[str, Any] = {
            "status": self.status.value,
            "reason": self.reason[:200],
            "finished_at": finished,
            "left_at": finished if self.left else None,
            "error": self.error,
            "traceback": self.traceback,
            "result": self.result,
            "data": dict(self.data),
            "log": self.log,
            "hook_errors": dict(self.hook_errors),
            "due_at": None,
            **self.progress,
        }
        if self.carried_state is not None:
            changed["carried_state"] = self.carried_state
        if run.stop_requested_at is not None:
            # Whatever the function made of it: a run with a stop request ends stopped.
            changed["status"] = RunStatus.STOPPED.value
            changed["reason"] = run.reason or Reason.ASKED.value
        if self.started_at:
            due = self.due_at or run.scheduled_for
            changed["started_at"] = self.started_at
            changed["duration"] = self.duration
            changed["lateness"] = max(self.started_at - due, timedelta(0))
        return changed


@dataclass(frozen=True)
class Left(Fact):
    """The function of a run that was already given up has really returned.

    ``hook_errors``: what hooks came to that ended after the run had.
    """

    at: datetime
    hook_errors: Mapping[str, str] = field(default_factory=dict)

    def holds(self, run: Run) -> bool:
        """Only a final run can be left behind, and only once."""
        return super().holds(run) and run.status in FINAL and run.left_at is None

    def changes(self, run: Run) -> dict[str, Any]:
        """Return the instant the function left, and what came to light by then."""
        # The end is the start plus monotonic time, this the clock: they may be microseconds apart.
        changed: dict[str, Any] = {"left_at": max(self.at, run.finished_at or self.at)}
        if self.hook_errors:
            changed["hook_errors"] = dict(self.hook_errors)
        return changed


@dataclass(frozen=True)
class Published(Fact):
    """The run was handed to a broker, which confirmed it; nobody owns it until it is received."""

    at: datetime

    def holds(self, run: Run) -> bool:
        """A worker may have been faster; then there is nothing left to say."""
        return super().holds(run) and run.status == RunStatus.QUEUED

    def changes(self, run: Run) -> dict[str, Any]:
        """Return the new status and the ownership given up."""
        return {
            "status": RunStatus.DISPATCHED.value,
            "dispatched_at": self.at,
            "process": None,
            "reason": _reason(run, ""),
        }


@dataclass(frozen=True)
class GivenBack(Fact):
    """The run has not begun here and waits again, for anybody, from ``due_at`` on."""

    due_at: datetime
    reason: str = ""

    def holds(self, run: Run) -> bool:
        """Only what has not begun can be given back."""
        return super().holds(run) and run.status in (RunStatus.QUEUED, RunStatus.DISPATCHED)

    def changes(self, run: Run) -> dict[str, Any]:
        """Return the fields of a waiting, unowned run."""
        return {
            "status": RunStatus.QUEUED.value,
            "process": None,
            "due_at": max(self.due_at, run.scheduled_for),
            "reason": _reason(run, self.reason),
        }
