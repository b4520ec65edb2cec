"""What is due and nobody takes: said in the log, because no row shows who should have come."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import Q

from .. import conf
from ..models import Installation, Job, Run
from ..states import JobState, RunStatus
from .signs import Signs

__all__ = ["Unclaimed"]

logger = logging.getLogger("django_scheduler.maintenance")

_MOST_NAMED = 5


class Unclaimed:
    """Reports jobs and runs that have been due for longer than the ``RECONCILE_GRACE`` setting."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._told: frozenset[str] = frozenset()

    def look(self, signs: Signs) -> None:
        """Follow a sign that something has been due for too long."""
        since = signs.now - conf.current().reconcile_grace
        oldest = (signs.oldest_job, signs.oldest_run)
        if any(instant is not None and instant < since for instant in oldest):
            self.name(signs.now)
        else:
            self._told = frozenset()

    def name(self, now: datetime) -> None:
        """Log whose turn has come and passed, each once for as long as it lasts."""
        found = frozenset() if self._is_paused() else self._waiting(now)
        new = sorted(found - self._told)
        self._told = found
        if new:
            logger.warning(
                "Due for more than %s, and nobody takes: %s. Is there a scheduler that serves "
                "their queue and executor and knows their function, with a free thread?",
                conf.current().reconcile_grace,
                ", ".join(new),
            )

    def _is_paused(self) -> bool:
        rows = Installation.objects.using(self._using)
        return rows.filter(pk=Installation.ONLY, paused_at__isnull=False).exists()

    def _waiting(self, now: datetime) -> frozenset[str]:
        since = now - conf.current().reconcile_grace
        jobs = Job.objects.using(self._using).filter(
            Q(clock__next_run_at__lt=since), state=JobState.ACTIVE.value, removed_at__isnull=True
        )
        runs = Run.objects.using(self._using).filter(
            status=RunStatus.QUEUED.value, process__isnull=True, due_at__lt=since
        )
        names = [*jobs.values_list("name", flat=True)[:_MOST_NAMED]]
        names += runs.order_by("due_at").values_list("job_name", flat=True)[:_MOST_NAMED]
        return frozenset(repr(name) for name in names)
