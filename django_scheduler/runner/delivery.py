"""A thread that calls signal receivers, so that none can hold up the database thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

__all__ = ["Delivery"]

logger = logging.getLogger("django_scheduler.signals")


class Delivery:
    """Carries out what it is given, in order, in a thread of its own."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="scheduler-signals", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` carried out after everything given before."""
        self._queue.put(call)

    def stop(self, timeout: float) -> None:
        """Deliver what was given so far; return after at most ``timeout`` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _loop(self) -> None:
        try:
            while (call := self._queue.get()) is not None:
                try:
                    call()
                except BaseException:  # a receiver that calls sys.exit() must not end delivery
                    logger.exception("A fact could not be delivered")
                if self._queue.empty():
                    close_old_connections()
        finally:
            connections.close_all()
