"""What of all jobs and runs is this process's to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from .. import conf, registry
from ..models.validation import COMMAND_PREFIX

__all__ = ["Share"]


@dataclass(frozen=True)
class Share:
    """The functions this process has the code of, in the queues it serves.

    ``queues`` None: every queue. What is left out of the share is left out of the claim and of
    the question when to wake: another version of the code may own it. With ``until`` that is also
    what falls due later.
    """

    queues: Sequence[str] | None = None
    until: datetime | None = None

    def functions(self) -> list[str]:
        """Return the names of all functions this process can carry out."""
        commands = [COMMAND_PREFIX + name for name in conf.current().commands_allowed]
        return registry.names() + commands

    def of_runs(self) -> Q:
        """Match the runs of this share."""
        mine = self._match("")
        return mine if self.until is None else mine & Q(scheduled_for__lte=self.until)

    def of_jobs(self) -> Q:
        """Match the jobs of this share."""
        return self._match("")

    def of_clocks(self) -> Q:
        """Match the clocks of active jobs of this share."""
        mine = self._match("job__") & Q(job__state="active", job__removed_at__isnull=True)
        if self.until is None:
            return mine
        # What is caught up is due a little later than it was to be.
        return mine & (Q(next_run_at__lte=self.until) | Q(next_occurrence__lte=self.until))

    def _match(self, prefix: str) -> Q:
        mine = Q(**{f"{prefix}function__in": self.functions()})
        if self.queues is not None:
            mine &= Q(**{f"{prefix}queue__in": list(self.queues)})
        return mine
