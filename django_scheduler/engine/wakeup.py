"""A thread that hears what other processes tell, and wakes this one. An accelerator only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError

from ..clock import Clock
from ..lifecycle import ORDERS, Hearer, heard_here
from ..models.vendors import Listener, open_listener

__all__ = ["Wakeup", "hearing"]

logger = logging.getLogger("django_scheduler.engine")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
_PATIENCE = 30.0
"""Seconds of silence after which the connection is tried."""


@contextmanager
def hearing(clock: Clock, using: str, hear: Hearer) -> Iterator[None]:
    """Call ``hear`` for what this and other processes tell, as long as the block lasts."""
    wakeup = Wakeup(clock, using, hear)
    with heard_here(using, hear):
        wakeup.start()
        try:
            yield
        finally:
            wakeup.stop()


class Wakeup:
    """Listens with a connection of its own for as long as the scheduler runs.

    Where the database has no notices the thread ends at once. A connection that is lost is logged
    once and made anew, ever more slowly; meanwhile ``POLL_INTERVAL`` says how soon things are seen.
    """

    def __init__(self, clock: Clock, using: str, hear: Hearer) -> None:
        self._clock = clock
        self._using = using
        self._hear = hear
        self._pause = 0.0
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self.listening = threading.Event()
        """Whether notices arrive at this moment, as far as one can know."""
        self._thread = threading.Thread(target=self._loop, name="scheduler-wakeup", daemon=True)

    def start(self) -> None:
        """Begin to listen, in a daemon thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Return when the thread has ended; one that waits for a lost server is left behind."""
        self._ended.set()
        with self._lock:
            if self._listener is not None:
                self._listener.interrupt()
        self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._ended.is_set():
            try:
                listener = open_listener(self._using)
                if listener is None:
                    return
                self._listen(listener)
            except (DatabaseError, OSError) as error:
                self._after_trouble(error)
            except Exception:
                logger.exception("Listening for notices failed; looking once a POLL_INTERVAL")
                return

    def _listen(self, listener: Listener) -> None:
        with self._lock:
            self._listener = listener
        try:
            if self._pause:
                logger.warning("Notices are heard again")
                self._pause = 0.0
                # Whatever was told meanwhile was told to nobody.
                self._hear(ORDERS)
            self.listening.set()
            while not self._ended.is_set():
                for word in dict.fromkeys(listener.wait(_PATIENCE)):
                    self._hear(word)
        finally:
            self.listening.clear()
            with self._lock:
                self._listener = None
            listener.close()

    def _after_trouble(self, error: Exception) -> None:
        if not self._pause:
            logger.warning("Notices are not heard, things are seen once a POLL_INTERVAL: %s", error)
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)
        self._clock.wait(self._ended, self._pause)
