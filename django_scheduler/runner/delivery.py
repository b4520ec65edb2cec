"""A thread that calls signal receivers, so that none can hold up the database thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from django.db import connections

from .. import signals
from .transactions import end_transactions, open_transactions, tidy_connections

__all__ = ["Delivery"]

logger = logging.getLogger("django_scheduler.signals")

LIMIT = 50_000
"""How many facts may wait. Each holds a run without its larger fields, some kilobytes."""

MANY = 1_000
"""From so many on it is said that receivers are too slow."""


class Delivery:
    """Carries out what it is given, in order, in a thread of its own.

    Args:
        limit: so many facts may wait; those that come while so many do are dropped and counted.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[Callable[[], None]] = deque()
        self._state = threading.Condition()
        self._closed = False
        self._warned = False
        self._dropped = 0
        self._busy_with = ""
        self._thread = threading.Thread(target=self._loop, name="scheduler-signals", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` carried out after everything given before, and return at once."""
        with self._state:
            waiting = len(self._waiting)
            full = waiting >= self._limit
            self._dropped += full
            if not full:
                self._waiting.append(call)
                self._state.notify()
        if full and self._dropped == 1:
            logger.error(
                "Receivers of %s do not keep up: %d facts wait, no more are kept",
                self._busy_with,
                waiting,
            )
        elif waiting >= MANY and not self._warned:
            self._warned = True
            logger.warning("Receivers of %s are slow: %d facts wait", self._busy_with, waiting)

    def stop(self, timeout: float) -> None:
        """Deliver what was given so far; return after at most ``timeout`` seconds."""
        with self._state:
            self._closed = True
            self._state.notify()
        self._thread.join(timeout)
        with self._state:
            left = len(self._waiting)
        if self._thread.is_alive():
            logger.error(
                "A receiver of %s does not return; %d facts were not delivered",
                self._busy_with,
                left,
            )

    def _loop(self) -> None:
        try:
            while (call := self._next()) is not None:
                self._carry_out(call)
        finally:
            connections.close_all()

    def _next(self) -> Callable[[], None] | None:
        """Wait for a call and return it; None: it was closed, and all is delivered."""
        if not self._waiting:
            self._has_kept_up()
        with self._state:
            self._state.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None

    def _has_kept_up(self) -> None:
        with self._state:
            dropped, self._dropped, self._warned = self._dropped, 0, False
        if dropped:
            logger.error("Receivers have caught up; %d facts were not delivered", dropped)
        tidy_connections()

    def _carry_out(self, call: Callable[[], None]) -> None:
        self._busy_with = signals.name_of(call)
        before = open_transactions()
        try:
            call()
        except BaseException:  # whatever it was, it must not end delivery
            logger.exception("A fact could not be delivered: %s", self._busy_with)
        if (left := end_transactions(before)) is not None:
            # Or the receivers of the next fact would write into it.
            logger.error("After the receivers of %s: %s", self._busy_with, left)
