"""The book of the occurrences that a random scene owes: from when to when, by which schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django_scheduler.schedules import Schedule


@dataclass(frozen=True)
class Stretch:
    """A time in which the occurrences of one schedule were owed."""

    schedule: Schedule
    after: datetime
    until: datetime

    def occurrences(self, end: datetime) -> list[datetime]:
        """Return them, oldest first, up to ``end``."""
        found, until = [], min(self.until, end)
        instant = self.schedule.next_after(self.after)
        while instant is not None and instant <= until:
            found.append(instant)
            instant = self.schedule.next_after(instant)
        return found


@dataclass
class Owed:
    """The book of what must be found on record.

    Attributes:
        stretches: the past, oldest first.
        ahead: occurrences that were dealt with before their time came.
    """

    stretches: list[Stretch] = field(default_factory=list)
    ahead: set[datetime] = field(default_factory=set)
    _open: tuple[Schedule, datetime] | None = None

    def open(self, schedule: Schedule, after: datetime) -> None:
        """Owe the schedule's occurrences from here on."""
        self._open = schedule, after

    def close(self, at: datetime) -> None:
        """Owe nothing any more."""
        if self._open is not None:
            self.stretches.append(Stretch(*self._open, at))
            self._open = None

    def instants(self, end: datetime) -> dict[datetime, bool]:
        """Return the occurrences up to ``end``, oldest first, and whether each must be there."""
        found = dict.fromkeys(self.ahead, False)
        for stretch in self.stretches:
            found.update(dict.fromkeys(stretch.occurrences(end), True))
        return dict(sorted(found.items()))
