"""The runs that go on in this process: their progress out, orders in, time limits kept."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..context import Report, RunContext
from ..lifecycle import Fact, Finished, Order, Reported, progress_fields
from ..states import Reason, RunStatus
from .capture import LogTail
from .dispatch import Dispatch
from .outcome import Outcome
from .pipeline import HookSteps, no_hook

__all__ = ["Watch", "Watched"]


LOG_PACE = 8192
"""A log longer than so many bytes is stored less often than it could be, so that a run which logs
without pause stores about as many each second, although all of its tail is written each time."""

NOTHING = Report()

News = tuple[Report, int]


@dataclass(eq=False)
class Watched:
    """One run that goes on here."""

    dispatch: Dispatch
    context: RunContext
    clock: Clock
    started_at: datetime
    began: float
    tail: LogTail | None = None
    written: Report = NOTHING
    """What is stored of its reports."""
    logged: int = 0
    """How many lines of its log are stored, or were too old to be."""
    log_again: float = 0.0
    """When, in monotonic seconds, its log may be stored again."""
    seen: int = 0
    changed: float = 0.0
    progress_at: datetime | None = None
    in_between: Callable[[str], HookSteps] = no_hook
    """Gives the steps of ``on_pause`` and ``on_resume``."""
    asked_to_pause: float | None = None
    """When, in monotonic seconds, the order to pause was passed on; None: there is none."""
    _held: bool = False
    _settled: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self) -> bool:
        """Claim the right to say how the run ended; return False if somebody has done so."""
        with self._lock:
            first, self._settled = not self._settled, True
            return first

    @property
    def is_settled(self) -> bool:
        """Whether it is said, or somebody else's to say, how the run ended."""
        return self._settled

    @contextmanager
    def on_hold(self) -> Iterator[None]:
        """Let the run be one that holds: it does not stall, and heeds the order to pause.

        Both clocks start anew afterwards.
        """
        self._held = True
        try:
            yield
        finally:
            self.changed = now = self.clock.monotonic()
            if self.asked_to_pause is not None:
                self.asked_to_pause = now
            self._held = False

    @property
    def is_held(self) -> bool:
        """Whether the function holds at a checkpoint."""
        return self._held

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

    def has_news(self) -> bool:
        """Tell whether anything was reported that is not stored."""
        return self.context.said.news != self.written.news or self._log_is_due()

    def _log_is_due(self) -> bool:
        """Tell whether it has logged more, and its log may be stored again."""
        tail = self.tail
        if tail is None or tail.changes == self.logged:
            return False
        return self.clock.monotonic() >= self.log_again

    def report(self, now: datetime) -> tuple[Reported, News]:
        """Return what is to be stored at ``now``, and what will be stored then."""
        said, stored = self.context.said.report(), self.written
        progressed = said.progress != stored.progress
        saved = said.data != stored.data
        if progressed:
            self.progress_at = now
        fields, logged = self.report_fields(said, stored), self.logged
        if self.tail is not None and self._log_is_due():
            logged = self.tail.changes
            fields["log"] = self.tail.text()
        news = Reported(self.dispatch.run_id, self.dispatch.epoch, fields, progressed, saved)
        return news, (said, logged)

    def note_stored(self, news: News) -> None:
        """Know what is stored from now on."""
        if self.tail is not None and news[1] != self.logged:
            self.log_again = self.clock.monotonic() + max(0, self.tail.size / LOG_PACE - 1)
        self.written, self.logged = news

    def report_fields(self, said: Report, stored: Report = NOTHING) -> dict[str, Any]:
        """Return the columns for what was reported and is not ``stored``."""
        fields: dict[str, Any] = {}
        progress = said.progress
        if said.data != stored.data:
            fields["data"] = said.data
        if said.state != stored.state:
            fields["carried_state"] = said.state
        if progress is not None and progress != stored.progress:
            at = self.progress_at or self.clock.now()
            fields |= progress_fields(progress.completed, progress.total, progress.message, at)
        return fields

    def finished(self, outcome: Outcome, log: str, *, left: bool = True) -> Finished:
        """Return the fact that ends this run with ``outcome``."""
        fields = self.report_fields(self.context.said.report())
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
            data=fields.pop("data", {}),
            carried_state=fields.pop("carried_state", None),
            progress=fields,
            log=log,
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
        if dispatch.pause_requested:
            watched.asked_to_pause = now
            context.orders.pause()
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
            elif order.stop_reason is not None:
                reason = order.stop_reason or Reason.ASKED.value
                watched.context.orders.stop(RunStatus.STOPPED, reason)
            else:
                self._pass_on(watched, order.pause)

    def _pass_on(self, watched: Watched, pause: bool) -> None:
        """Let the run hold, or go on, as the database says it should."""
        if pause and not watched.context.orders.to_pause:
            watched.asked_to_pause = self._clock.monotonic()
            watched.context.orders.pause()
        elif not pause:
            watched.asked_to_pause = None
            watched.context.orders.go_on()

    def unheeded(self, patience: float) -> list[Watched]:
        """Return the runs that were asked to pause ``patience`` seconds ago and do not hold."""
        at = self._clock.monotonic()
        return [
            watched
            for watched in self.all()
            if watched.asked_to_pause is not None
            and not watched.is_held
            and watched.context.orders.to_stop is None
            and at - watched.asked_to_pause >= patience
        ]

    def ask_held_to_stop(self, status: RunStatus, reason: Reason) -> None:
        """Ask the runs that hold to stop: they would wait for somebody for ever."""
        for watched in self.all():
            if watched.is_held:
                watched.context.orders.stop(status, reason)

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
        if stall is None or watched.is_held:
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
