"""How a runner's words reach the database."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event
from typing import Any, Protocol

from django.db import Error as DatabaseError
from django.db import close_old_connections

from ..clock import Clock
from ..lifecycle import Fact, Finished, apply
from ..models import Run
from ..models.vendors import read_now, writing
from ..signals import run_record_failed, send

__all__ = ["DirectReporter", "Reporter", "record_failed"]

logger = logging.getLogger("django_scheduler.runs")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class Reporter(Protocol):
    """Takes facts about runs. Both may be called from any thread."""

    def tell(self, fact: Fact) -> None:
        """Have the fact written down soon."""

    def ask(self, fact: Fact) -> bool:
        """Have the fact written down, and return whether it still held once that is committed."""


class DirectReporter:
    """Writes each fact in a transaction of its own, in the thread that reports it."""

    def __init__(self, clock: Clock, using: str, budget: timedelta) -> None:
        self._clock = clock
        self._using = using
        self._budget = budget

    def tell(self, fact: Fact) -> None:
        """Write the fact down; an outcome that cannot be written within the budget is announced."""
        self._write(fact)

    def ask(self, fact: Fact) -> bool:
        """Write the fact down and return whether it still held."""
        return self._write(fact)

    def _write(self, fact: Fact) -> bool:
        deadline = self._clock.monotonic() + self._budget.total_seconds()
        pause = FIRST_PAUSE
        while True:
            try:
                return self._once(fact)
            except DatabaseError as error:
                if self._clock.monotonic() + pause > deadline:
                    record_failed(fact, error)
                    return False
                close_old_connections()
                self._clock.wait(Event(), pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _once(self, fact: Fact) -> bool:
        with writing(self._using):
            now = read_now(self._clock, self._using)
            return bool(apply([fact], now=now, using=self._using).won)


def record_failed(fact: Fact, error: BaseException) -> None:
    """Log and announce that ``fact`` could not be written; nothing is changed by it."""
    facts: dict[str, Any] = {"run_id": fact.run_id, "job_id": fact.job_id, "exception": error}
    if isinstance(fact, Finished):
        facts |= {
            "status": fact.status.value,
            "started_at": fact.started_at,
            "duration": fact.duration,
            "error": fact.error,
        }
    logger.error("What became of run %s could not be recorded: %s", fact.run_id, error, extra=facts)
    send(run_record_failed, Run, **facts)
