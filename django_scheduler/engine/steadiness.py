"""Whether the database's clock can be believed: it may be set while everybody works by it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from ..clock import Clock

__all__ = ["Steadiness"]

logger = logging.getLogger("django_scheduler.engine")

LARGEST_STEP = timedelta(hours=1)
"""A clock that is set by more than this, against monotonic time, is not believed at once."""


class Steadiness:
    """Compares what the database's clock says with the time that has really passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[datetime, float] | None = None

    def trusts(self, now: datetime) -> bool:
        """Tell whether ``now`` may be acted on; a jump must be seen twice to be believed.

        One wrong reading, a day ahead, would make every job miss a day. A clock that was really
        set says the same the next time it is asked.
        """
        at = self._clock.monotonic()
        last, self._last = self._last, (now, at)
        if last is None:
            return True
        step = now - last[0] - timedelta(seconds=at - last[1])
        if abs(step) <= LARGEST_STEP:
            return True
        logger.error(
            "The database's clock jumped by %s to %s; nothing is claimed until it is seen again",
            step,
            now.isoformat(),
        )
        return False
