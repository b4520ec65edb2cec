"""The runs that go on in this process: their progress out, orders in, time limits kept."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..context import RunContext, clean_text
from ..lifecycle import Fact, Finished, Order, progress_fields
from ..states import Reason, RunStatus
from .capture import LogTail
from .dispatch import Dispatch
from .outcome import Outcome

__all__ = ["Watch", "Watched"]


@dataclass(eq=False)
class Watched:
    """One run that goes on here."""

    dispatch: Dispatch
    context: RunContext
    clock: Clock
    started_at: datetime
    began: float
    tail: LogTail | None = None
    written: int = 0
    seen: int = 0
    changed: float = 0.0
    progress_at: datetime | None = None
    _settled: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self) -> bool:
        """Claim the right to say how the run ended; return False if somebody has done so."""
        with self._lock:
            first, self._settled = not self._settled, True
            return first

    def give_up(self, status: RunStatus, reason: Reason) -> bool:
        """Say that the run is over before its function has left; return False if it had ended.

        The function is told first: if its end is faster than this, it ends the same way.
        """
        self.context.orders.end(status, reason)
        return self.settle()

    @property
    def about(self) -> dict[str, Any]:
        """What log records say about the run, as their ``extra``."""
        dispatch = self.dispatch
        return {
            "job": dispatch.job_name,
            "run_id": str(dispatch.run_id),
            "scheduler_process": str(dispatch.process),
        }

    def elapsed(self) -> float:
        """Return seconds since the run started."""
        return max(0.0, self.clock.monotonic() - self.began)

    def report_fields(self) -> dict[str, Any]:
        """Return the columns for the progress and data reported so far."""
        report = self.context.said.report()
        progress = report.progress
        fields: dict[str, Any] = {"data": report.data}
        if progress is not None:
            at = self.progress_at or self.clock.now()
            fields |= progress_fields(progress.completed, progress.total, progress.message, at)
        return fields

    def finished(self, outcome: Outcome, log: str, *, left: bool = True) -> Finished:
        """Return the fact that ends this run with ``outcome``."""
        fields = self.report_fields()
        return Finished(
            **self.dispatch.guard,
            status=outcome.status,
            reason=outcome.reason,
            started_at=self.started_at,
            due_at=self.dispatch.due_at,
            duration=timedelta(seconds=self.elapsed()),
            error=outcome.error,
            traceback=outcome.traceback,
            error_types=outcome.error_types,
            result=outcome.result,
            data=fields.pop("data"),
            progress=fields,
            log=clean_text(log),
            hook_errors=outcome.hook_errors,
            run_again_in=self.context.said.run_again_in,
            retry_in=outcome.retry_in,
            left=left,
            job_name=self.dispatch.job_name,
        )


class Watch:
    """All runs that go on in this process. Safe to use from many threads."""

    def __init__(self, clock: Clock, may_start: Callable[[], bool] = lambda: True) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: dict[uuid.UUID, Watched] = {}
        self._ending: tuple[RunStatus, Reason] | None = None
        self.may_start = may_start
        self.wake: Callable[[], None] = lambda: None

    def enter(self, dispatch: Dispatch, context: RunContext, started_at: datetime) -> Watched:
        """Watch a run that is about to begin."""
        now = self._clock.monotonic()
        watched = Watched(dispatch, context, self._clock, started_at, now, changed=now)
        with self._lock:
            self._runs[dispatch.run_id] = watched
            ending = self._ending
        if ending is not None:
            _order(context, *ending)
        return watched

    def leave(self, watched: Watched) -> None:
        """Stop watching a run whose function has returned."""
        with self._lock:
            self._runs.pop(watched.dispatch.run_id, None)

    def all(self) -> list[Watched]:
        """Return the runs that go on at this moment."""
        with self._lock:
            return list(self._runs.values())

    def ask_all_to_stop(self, status: RunStatus, reason: Reason) -> None:
        """Ask every run, and those still to begin, to stop."""
        with self._lock:
            self._ending = (status, reason)
        for watched in self.all():
            _order(watched.context, status, reason)

    def obey(self, orders: dict[uuid.UUID, Order]) -> None:
        """Pass on what the database holds against runs of this process."""
        for watched in self.all():
            order = orders.get(watched.dispatch.run_id)
            if order is None:
                continue
            if order.gone:
                watched.give_up(RunStatus.INTERRUPTED, Reason.WORKER_LOST)
            else:
                reason = order.stop_reason or Reason.ASKED.value
                watched.context.orders.stop(RunStatus.STOPPED, reason)

    def overdue(self) -> list[Fact]:
        """Give up the runs over their timeout or stalled, and return the facts that say so.

        Their functions see it at the next checkpoint; a thread cannot be killed.
        """
        facts: list[Fact] = []
        for watched in self.all():
            verdict = self._verdict(watched)
            if verdict is not None and watched.give_up(*verdict):
                outcome = Outcome(verdict[0], verdict[1].value, error=_why(watched, verdict[1]))
                log = watched.tail.text() if watched.tail else ""
                facts.append(watched.finished(outcome, log, left=False))
        return facts

    def give_up_all(self, reason: Reason) -> list[Fact]:
        """Return facts that end every run still going on as ``stopped`` for ``reason``."""
        facts: list[Fact] = []
        for watched in self.all():
            if watched.give_up(RunStatus.STOPPED, reason):
                log = watched.tail.text() if watched.tail else ""
                outcome = Outcome(RunStatus.STOPPED, reason.value)
                facts.append(watched.finished(outcome, log, left=False))
        return facts

    def _verdict(self, watched: Watched) -> tuple[RunStatus, Reason] | None:
        timeout, stall = watched.dispatch.timeout, watched.dispatch.stall_timeout
        if timeout is not None and watched.elapsed() >= timeout.total_seconds():
            return RunStatus.TIMED_OUT, Reason.TIMEOUT
        if stall is None:
            return None
        changes = watched.context.said.changes
        if changes != watched.seen:
            watched.seen, watched.changed = changes, self._clock.monotonic()
        if self._clock.monotonic() - watched.changed >= stall.total_seconds():
            return RunStatus.INTERRUPTED, Reason.STALLED
        return None


def _order(context: RunContext, status: RunStatus, reason: Reason) -> None:
    """Ask the run to stop; one that is not merely stopped was given up, and is over."""
    if status is RunStatus.STOPPED:
        context.orders.stop(status, reason)
    else:
        context.orders.end(status, reason)


def _why(watched: Watched, reason: Reason) -> str:
    if reason == Reason.TIMEOUT:
        return f"It took longer than its timeout of {watched.dispatch.timeout}."
    return f"Its progress did not change for {watched.dispatch.stall_timeout}."
