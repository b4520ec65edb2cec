"""What may have to be mended: asked in one statement, because nearly always it is nothing.

Each sign costs the edge of an index. What it points to is looked at, locked and judged anew by
whoever acts on it; a sign alone decides nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from .. import lifecycle
from ..clock import Clock
from ..models import Duty, Job, JobClock, Process, Run
from ..models.edits import Attention
from ..models.vendors import Question, glance, question
from ..states import ALIVE, OPEN

__all__ = ["Lookout", "Signs"]


@dataclass(frozen=True)
class Signs:
    """What was seen at the instant ``now`` of the database's clock.

    Attributes:
        others: another process is alive.
        orphans: runs are open whose process is not.
        own: this process holds runs, the database says.
        had_turn_at: when the duty of one process for all was begun last; None: not on record.
        wanting: jobs want attention: edited past the facade, removed, or paused until an instant.
        waiting: runs wait for another one of their job to end.
        oldest_job: when the first job in the queue was due; None: none is scheduled.
        oldest_run: when the first waiting run was due; None: none waits.
    """

    now: datetime
    others: bool
    orphans: bool
    own: bool = False
    had_turn_at: datetime | None = None
    wanting: bool = False
    waiting: bool = False
    oldest_job: datetime | None = None
    oldest_run: datetime | None = None


class Lookout:
    """Looks for signs on behalf of one process."""

    def __init__(self, clock: Clock, using: str, duty: str) -> None:
        self._clock = clock
        self._using = using
        self._duty = duty
        self._built: tuple[uuid.UUID, list[Question]] | None = None

    def look(self, process: uuid.UUID, *, thoroughly: bool) -> Signs:
        """Return the signs; only those of other processes unless it is done ``thoroughly``."""
        if self._built is None or self._built[0] != process:
            self._built = process, [*self._of_others(process), *self._of_rows(process)]
        asked = self._built[1] if thoroughly else self._built[1][:2]
        now, (others, orphans, *rest) = glance(self._clock, self._using, asked)
        if not thoroughly:
            return Signs(now, others is not None, orphans is not None)
        own, had_turn_at, wanting, waiting, oldest_job, oldest_run = rest
        return Signs(
            now,
            others is not None,
            orphans is not None,
            own is not None,
            had_turn_at,
            wanting is not None,
            waiting is not None,
            oldest_job,
            oldest_run,
        )

    def _of_others(self, process: uuid.UUID) -> list[Question]:
        alive = Process.objects.using(self._using).filter(state__in=ALIVE).exclude(pk=process)
        orphans = lifecycle.orphans(self._using)
        return [
            question(alive.values_list("heartbeat_at")),
            question(orphans.order_by().values_list("queued_at")),
        ]

    def _of_rows(self, process: uuid.UUID) -> list[Question]:
        own = self._runs().filter(process=process, status__in=[status.value for status in OPEN])
        duty = Duty.objects.using(self._using).filter(pk=self._duty)
        # From the first word on rather than not NULL, and in the index's order: so every database
        # uses it, whatever it knows or does not know about the column.
        wanting = Job.objects.using(self._using).filter(attention__gte=Attention.FIRST)
        waiting = self._runs().filter(lifecycle.waiting_for_room(), job_id__isnull=False)
        scheduled = JobClock.objects.using(self._using).filter(next_run_at__isnull=False)
        due = self._runs().filter(due_at__isnull=False, process__isnull=True)
        return [
            question(own.order_by().values_list("queued_at")),
            question(duty.values_list("begun_at")),
            question(wanting.order_by("attention", "paused_until").values_list("created_at")),
            question(waiting.order_by().values_list("queued_at")),
            question(scheduled.order_by("next_run_at").values_list("next_run_at")),
            question(due.order_by("due_at").values_list("due_at")),
        ]

    def _runs(self) -> QuerySet[Run]:
        return Run.objects.using(self._using)
