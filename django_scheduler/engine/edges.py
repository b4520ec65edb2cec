"""When the next thing will be due: asked in every turn, so asked in one statement.

Where a process may not take all there is, because queues are others', functions unknown or an
executor full, the earliest of what it may take can lie behind all the rest. So it looks no further
ahead than it sleeps: what others have due in the next second is all it may have to pass over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from .. import lifecycle
from ..clock import Clock
from ..models import Installation, JobClock
from ..models.vendors import INSTANT, Question, at_instant, glance, question
from .share import Share

__all__ = ["OVERDUE", "Edges", "Sight"]

OVERDUE = timedelta(seconds=10)
"""How long a due job waits for room to be planned: then it is queued, for whoever has some first.

Until then it costs nothing, and what it misses meanwhile its catch-up policy makes one run of. To
queue each occurrence at once would cost a process with too much to do the time to do it.
"""

_MOST = 50
"""How many forms of the question are kept: it changes with what there is room for."""


@dataclass(frozen=True)
class Sight:
    """What there is to be seen at one instant.

    Attributes:
        now: by the database's clock.
        is_paused: whether everything is.
        job_at: when the next job is due; None if none is, as far as was looked.
        run_at: when the next waiting run there is room for is due; None if none is.
    """

    now: datetime
    is_paused: bool
    job_at: datetime | None
    run_at: datetime | None


class Edges:
    """Asks for the earliest instants of what this process may take.

    Args:
        reach: how far ahead jobs are looked for.
    """

    def __init__(self, share: Share, clock: Clock, using: str, reach: timedelta) -> None:
        self._share = share
        self._reach = reach
        self._clock = clock
        self._using = using
        self._built: dict[tuple[object, ...], list[Question]] = {}

    def look(self, executors: Sequence[str], full_queues: Sequence[str]) -> Sight:
        """Look for jobs, and for runs that wait for one of the executors.

        Args:
            executors: those with room. Jobs of others, which are full or unknown here, are looked
                at once they are overdue.
        """
        functions = self._share.functions()
        key = (tuple(functions), tuple(executors), tuple(full_queues))
        asked = self._built.get(key)
        if asked is None:
            if len(self._built) >= _MOST:
                self._built.clear()
            asked = self._built[key] = self._build(executors, full_queues)
        until = self._clock.now() + self._reach
        asked = [at_instant(one, until, self._using) for one in asked]
        now, (paused, overdue, job_at, run_at) = glance(self._clock, self._using, asked)
        if overdue is not None:
            job_at = min(filter(None, (job_at, overdue + OVERDUE)))
        return Sight(now, paused is not None, job_at, run_at)

    def clocks(self, but: Collection[int] = ()) -> QuerySet[JobClock]:
        """Return the clocks of the jobs this process may claim, except ``but``."""
        mine = JobClock.objects.using(self._using).filter(self._share.of_clocks())
        return mine.exclude(job_id__in=list(but)) if but else mine

    def _build(self, executors: Sequence[str], full_queues: Sequence[str]) -> list[Question]:
        paused = Installation.objects.using(self._using).filter(pk=Installation.ONLY)
        clocks = self.clocks().filter(next_run_at__lte=INSTANT).order_by("next_run_at")
        free = clocks.filter(job__executor__in=executors)
        others = clocks.exclude(job__executor__in=executors)
        waiting = lifecycle.waiting_runs(self._using, executors, self._share.of_runs())
        if full_queues:
            waiting = waiting.exclude(queue__in=full_queues)
        return [
            question(paused.values_list("paused_at")),
            question(others.values_list("next_run_at"), begin_with_first=True),
            question(free.values_list("next_run_at"), begin_with_first=True),
            question(waiting.order_by("due_at").values_list("due_at")),
        ]
