"""How a runner's words reach the database."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from threading import Event
from typing import Any, Protocol

from django.db import DataError, IntegrityError, close_old_connections
from django.db import Error as DatabaseError

from ..clock import Clock
from ..lifecycle import Fact, Finished, apply
from ..models import Run
from ..models.vendors import read_now, writing
from ..signals import announce_now, run_record_failed
from .asking import Answerer, ask_in_thread

__all__ = ["DirectReporter", "Reporter", "about", "record_failed", "tell_recorded"]

logger = logging.getLogger("django_scheduler.runs")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class Reporter(Protocol):
    """Takes facts about runs. All may be called from any thread."""

    def tell(self, fact: Fact) -> None:
        """Have the fact written down soon."""

    def ask(self, fact: Fact) -> bool:
        """Have the fact written down, and return whether it still held once that is committed."""

    def ask_then(self, fact: Fact, answer: Answerer) -> None:
        """Do what ``ask`` does without waiting: ``answer`` is called once, from any thread."""


class DirectReporter:
    """Writes each fact in a transaction of its own, in the thread that reports it.

    What cannot be written within the budget is announced and kept, for :meth:`write_again`.
    """

    def __init__(self, clock: Clock, using: str, budget: timedelta) -> None:
        self._clock = clock
        self._using = using
        self._budget = budget
        self._unwritten: list[Fact] = []

    def tell(self, fact: Fact) -> None:
        """Write the fact down; an outcome that cannot be written within the budget is announced."""
        self._write(fact)

    def ask(self, fact: Fact) -> bool:
        """Write the fact down and return whether it still held."""
        return self._write(fact)

    def ask_then(self, fact: Fact, answer: Answerer) -> None:
        """Write the fact down in a thread of its own, and call ``answer`` from there."""
        ask_in_thread(self.ask, fact, answer)

    def keeps(self, run_id: uuid.UUID) -> bool:
        """Tell whether something about the run is still to be written."""
        return any(fact.run_id == run_id for fact in self._unwritten)

    def write_again(self) -> list[uuid.UUID]:
        """Try once what could not be written so far; return the runs of which all is now.

        To be called by one thread only.
        """
        written = []
        for fact in list(self._unwritten):
            try:
                self._once(fact)
            except DatabaseError:
                close_old_connections()
                continue
            self._unwritten.remove(fact)
            written.append(fact.run_id)
            tell_recorded(fact)
        return [run_id for run_id in written if not self.keeps(run_id)]

    def _write(self, fact: Fact) -> bool:
        deadline = self._clock.monotonic() + self._budget.total_seconds()
        pause = FIRST_PAUSE
        while True:
            try:
                return self._once(fact)
            except (DataError, IntegrityError) as error:
                return self._write_bare(fact, error)
            except DatabaseError as error:
                if self._clock.monotonic() + pause > deadline:
                    record_failed(fact, error)
                    self._unwritten.append(fact)
                    return False
                close_old_connections()
                self._clock.wait(Event(), pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _write_bare(self, fact: Fact, problem: Exception) -> bool:
        """Keep at least how the run ended, when what it left cannot be stored."""
        try:
            if isinstance(fact, Finished):
                return self._once(fact.bare(problem))
        except DatabaseError as again:
            problem = again
        record_failed(fact, problem)
        return False

    def _once(self, fact: Fact) -> bool:
        with writing(self._using):
            now = read_now(self._clock, self._using)
            return bool(apply([fact], now=now, using=self._using).won)


def about(fact: Fact) -> dict[str, Any]:
    """Return what log records say about the run of a fact, as their ``extra``."""
    return {
        "job": getattr(fact, "job_name", ""),
        "run_id": str(fact.run_id),
        "scheduler_process": str(fact.process),
    }


def tell_recorded(fact: Fact) -> None:
    """Log that what was announced to be unwritten is on record after all."""
    logger.warning("What became of run %s is recorded after all", fact.run_id, extra=about(fact))


def record_failed(fact: Fact, error: BaseException) -> None:
    """Log that ``fact`` could not be written, and announce it of an outcome; nothing is changed.

    It is logged here and not by a receiver: when the database fails, this line may be all that
    is left of a run, and is not to wait in a queue.
    """
    if not isinstance(fact, Finished):
        kind = type(fact).__name__
        logger.warning(
            "Not recorded of run %s: %s (%s)", fact.run_id, kind, error, extra=about(fact)
        )
        return
    told = _told_of(fact)
    logger.error(
        "What became of run %s of %s could not be recorded (%s): %s%s",
        fact.run_id,
        fact.job_name or "a job without a name",
        error,
        told["status"],
        f", {fact.error}" if fact.error else "",
        extra={**about(fact), **told, "exception": error},
    )
    facts = {"run_id": fact.run_id, "job_id": fact.job_id, "process": fact.process, **told}
    announce_now(run_record_failed, sender=Run, exception=error, job_name=fact.job_name, **facts)


def _told_of(fact: Finished) -> dict[str, Any]:
    try:
        finished_at = fact.finished_at
    except OverflowError:  # it may be the very reason why it cannot be written
        finished_at = None
    return {
        "status": str(fact.status),
        "reason": str(fact.reason),
        "started_at": fact.started_at,
        "finished_at": finished_at,
        "duration": fact.duration,
        "error": fact.error,
    }
