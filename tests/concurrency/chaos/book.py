"""Which occurrences a job owes: from when to when, by which schedule, and how sure that is.

What people do to a job takes effect at some instant between asking and answer. An occurrence in
between may or may not have been owed; every other one must be found on record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django_scheduler.schedules import Schedule

AHEAD = timedelta(milliseconds=400)
"""What was claimed so far ahead of its time is not taken back by an order; with some slack."""


@dataclass(frozen=True)
class Span:
    """The instants between which something took effect; ``first`` is not later than ``last``."""

    first: datetime
    last: datetime

    def __str__(self) -> str:
        return f"{self.first:%H:%M:%S.%f}…{self.last:%H:%M:%S.%f}"


@dataclass
class Stretch:
    """A time in which one schedule was owed; ``closes``: None as long as it goes on."""

    schedule: Schedule
    opens: Span
    closes: Span | None = None

    def __str__(self) -> str:
        return f"{self.schedule} from {self.opens} to {self.closes or 'now'}"

    def instants(self, end: datetime, jitter: timedelta) -> dict[datetime, bool]:
        """Return its occurrences up to ``end``, and whether each must be on record.

        One whose instant came shortly before may be due after this opens, by its jitter.
        """
        closes = self.closes or Span(end, end)
        found: dict[datetime, bool] = {}
        instant = self.schedule.next_after(self.opens.first - jitter)
        while instant is not None and instant <= min(closes.last + AHEAD, end):
            found[instant] = self.opens.last < instant <= closes.first
            instant = self.schedule.next_after(instant)
        return found


@dataclass
class Book:
    """What one job owes.

    Attributes:
        ahead: occurrences that were, or may have been, dealt with before their time.
        tracked: False: nobody can tell its occurrences from outside, as of a fixed delay.
        jitter: how much later than its instant an occurrence may be due.
    """

    stretches: list[Stretch] = field(default_factory=list)
    ahead: set[datetime] = field(default_factory=set)
    tracked: bool = True
    jitter: timedelta = timedelta(0)

    def open(self, schedule: Schedule, span: Span) -> None:
        """Owe this schedule's occurrences from here on."""
        self.close(span)
        self.stretches.append(Stretch(schedule, span))

    def close(self, span: Span) -> None:
        """Owe nothing any more."""
        if self.stretches and self.stretches[-1].closes is None:
            self.stretches[-1].closes = span

    def reopen(self) -> None:
        """Owe what was not owed since it was closed as well: a pause that is caught up with."""
        self.stretches[-1].closes = None

    def instants(self, end: datetime) -> dict[datetime, bool]:
        """Return the occurrences up to ``end``, oldest first, and whether each must be there."""
        found = dict.fromkeys(self.ahead, False)
        for stretch in self.stretches:
            for instant, must in stretch.instants(end, self.jitter).items():
                found[instant] = found.get(instant, False) or must
        return dict(sorted(found.items()))
