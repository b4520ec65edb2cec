"""How many runs may begin at once: the slots of this process, and the limits of queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Q

from ..models import Queue, Run
from ..models.vendors import locked
from ..states import OPEN, RunStatus

__all__ = ["Room", "full_queues", "lock_queues"]


@dataclass
class Room:
    """What is free, counted down as runs are taken.

    Attributes:
        slots: by executor, how many runs this process could begin now.
        queues: by limited queue, how many more runs the whole installation may have there.
    """

    slots: dict[str, int] = field(default_factory=dict)
    queues: dict[str, int] = field(default_factory=dict)

    def take(self, executor: str, queue: str) -> bool:
        """Take a slot for one run; return False, and take nothing, if there is none."""
        if self.slots.get(executor, 0) <= 0 or self.queues.get(queue, 1) <= 0:
            return False
        self.slots[executor] -= 1
        if queue in self.queues:
            self.queues[queue] -= 1
        return True

    def full(self) -> list[str]:
        """Return the queues with no room left."""
        return [queue for queue, free in self.queues.items() if free <= 0]


def lock_queues(limits: Mapping[str, int], using: str) -> dict[str, int]:
    """Lock the limited queues, in the order of their names, and return the room in each.

    To be called after clocks were locked and before runs are. Without limits it costs nothing.
    """
    if not limits:
        return {}
    rows = Queue.objects.using(using).filter(pk__in=list(limits)).order_by("pk")
    found = {queue.pk for queue in locked(rows)}
    if missing := sorted(set(limits) - found):
        Queue.objects.using(using).bulk_create(
            [Queue(pk=name) for name in missing], ignore_conflicts=True
        )
        found = {queue.pk for queue in locked(rows)}
    # Read in a statement of its own after the locks: what others took is seen.
    taken = _taken(limits, using)
    return {name: max(0, limit - taken.get(name, 0)) for name, limit in limits.items()}


def full_queues(limits: Mapping[str, int], using: str) -> list[str]:
    """Return the limited queues in which nothing may begin now, by a look without locks."""
    if not limits:
        return []
    taken = _taken(limits, using)
    return [name for name, limit in limits.items() if taken.get(name, 0) >= limit]


def _taken(queues: Iterable[str], using: str) -> dict[str, int]:
    """Count the runs that have begun, or that somebody holds to begin them, by queue."""
    begun = Q(status__in=[s.value for s in OPEN if s is not RunStatus.QUEUED])
    held = Q(status=RunStatus.QUEUED.value, process__isnull=False)
    rows = Run.objects.using(using).filter(begun | held, queue__in=list(queues)).order_by()
    return dict(rows.values_list("queue").annotate(Count("pk")))
