"""What a run is told while it goes on: to end, to pause, to go on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..exceptions import RunInterrupted, RunStopped, RunTimedOut
from ..states import Reason, RunStatus

__all__ = ["Orders"]

Listener = Callable[[], None]

_ERRORS = {RunStatus.TIMED_OUT: RunTimedOut, RunStatus.STOPPED: RunStopped}


class Orders:
    """The orders that stand against one run. Any thread may give them and ask for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: tuple[RunStatus, str] | None = None
        self._over = False
        self._pause = False
        self._listeners: tuple[Listener, ...] = ()

    @property
    def to_stop(self) -> tuple[RunStatus, str] | None:
        """With what status and reason the run is to end; None if it is not to."""
        return self._stop

    @property
    def verdict(self) -> tuple[RunStatus, str] | None:
        """As what the run is recorded whatever its function makes of it; None: that decides.

        A shutdown only asks: who returns in time has succeeded.
        """
        with self._lock:
            asked_only = self._stop == (RunStatus.STOPPED, Reason.SHUTDOWN.value)
            return None if asked_only and not self._over else self._stop

    def as_error(self) -> RunStopped | None:
        """Return what a function leaves with that is to end; None if it is not to."""
        if self._stop is None:
            return None
        status, reason = self._stop
        return _ERRORS.get(status, RunInterrupted)(f"The run is to end: {reason or status}.")

    @property
    def to_pause(self) -> bool:
        """Whether the run is to hold at its next checkpoint, and to stay there."""
        return self._pause

    def stop(self, status: RunStatus, reason: str) -> None:
        """Order the run to end; the first such order stands."""
        with self._lock:
            if self._stop is not None:
                return
            self._stop = (status, str(reason))
        self._tell()

    def end(self, status: RunStatus, reason: str) -> None:
        """Say that the run is over, and recorded so, though its function has not left.

        It stands over any order to stop; the first such word stands.
        """
        with self._lock:
            if self._over:
                return
            self._over, self._stop = True, (status, str(reason))
        self._tell()

    def pause(self) -> None:
        """Order the run to hold at its next checkpoint."""
        self._set_pause(True)

    def go_on(self) -> None:
        """Take the order to pause back: who holds goes on, who does not never will."""
        self._set_pause(False)

    def _set_pause(self, pause: bool) -> None:
        with self._lock:
            if self._pause is pause:
                return
            self._pause = pause
        self._tell()

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called after each order, by whoever gave it; now, if one stands."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
            stands = self._stop is not None or self._pause
        if stands:
            listener()

    def unlisten(self, listener: Listener) -> None:
        """Call ``listener`` no more."""
        with self._lock:
            self._listeners = tuple(each for each in self._listeners if each != listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
