"""What is tried again when the database is away for a moment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import TypeVar

from django.db import Error, close_old_connections, connections

from .. import clock as clocks
from .. import conf
from ..models.vendors import is_transient
from .rows import using

__all__ = ["patiently"]

logger = logging.getLogger("django_scheduler.jobs")

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

T = TypeVar("T")


def patiently(attempt: Callable[[list[datetime]], T]) -> T:
    """Return what ``attempt`` returns; transient errors are tried again within the budget.

    Within a transaction of the caller's nothing is tried again: the transaction is lost, and only
    the caller knows what else was in it.

    Args:
        attempt: is given a list that is the same at every try. It notes there the instants it is
            about to write, so that the next try knows its own rows: when the answer to a commit
            was lost, they are there.
    """
    noted: list[datetime] = []
    if connections[using()].in_atomic_block:
        return attempt(noted)
    clock, pause = clocks.installed(), FIRST_PAUSE
    deadline = clock.monotonic() + conf.current().write_retry_budget.total_seconds()
    while True:
        try:
            return attempt(noted)
        except Error as error:
            if not is_transient(error, using()) or clock.monotonic() + pause > deadline:
                raise
            logger.warning("The database could not be written, trying again: %s", error)
        close_old_connections()
        clock.wait(Event(), pause)
        pause = min(2 * pause, LONGEST_PAUSE)
