"""When the next thing will be due: asked in every turn, so asked in one statement."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import lifecycle
from ..clock import Clock
from ..models import Installation, JobClock
from ..models.vendors import Question, glance, question
from .share import Share

__all__ = ["Edges", "Sight"]

_MOST = 50
"""How many forms of the question are kept: it changes with what there is room for."""


@dataclass(frozen=True)
class Sight:
    """What there is to be seen at one instant.

    Attributes:
        now: by the database's clock.
        is_paused: whether everything is.
        next_at: when the next job, or waiting run there is room for, is due; None if none is.
    """

    now: datetime
    is_paused: bool
    next_at: datetime | None


class Edges:
    """Asks for the earliest instants of what this process may take."""

    def __init__(self, share: Share, clock: Clock, using: str) -> None:
        self._share = share
        self._clock = clock
        self._using = using
        self._built: dict[tuple[object, ...], list[Question]] = {}

    def look(
        self, executors: Sequence[str], full_queues: Sequence[str], but: Collection[int]
    ) -> Sight:
        """Look for jobs except ``but``, and for runs that wait for one of the executors."""
        functions = self._share.functions()
        key = (tuple(functions), *map(tuple, (executors, full_queues, but)))
        asked = self._built.get(key)
        if asked is None:
            if len(self._built) >= _MOST:
                self._built.clear()
            asked = self._built[key] = self._build(executors, full_queues, but)
        now, (paused, *known) = glance(self._clock, self._using, asked)
        soonest = min((instant for instant in known if instant is not None), default=None)
        return Sight(now, paused is not None, soonest)

    def _build(
        self, executors: Sequence[str], full_queues: Sequence[str], but: Collection[int]
    ) -> list[Question]:
        paused = Installation.objects.using(self._using).filter(pk=Installation.ONLY)
        clocks = JobClock.objects.using(self._using).filter(
            self._share.of_clocks(), next_run_at__isnull=False
        )
        if but:
            clocks = clocks.exclude(job_id__in=list(but))
        waiting = lifecycle.waiting_runs(self._using, executors, self._share.of_runs())
        if full_queues:
            waiting = waiting.exclude(queue__in=full_queues)
        return [
            question(paused.values_list("paused_at")),
            question(
                clocks.order_by("next_run_at").values_list("next_run_at"), begin_with_first=True
            ),
            question(waiting.order_by("due_at").values_list("due_at")),
        ]
