"""The occurrences between two instants, counted and cut by arithmetic, never one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..exceptions import InvalidSchedule
from ..schedules import Schedule
from .ahead import INSTANT
from .outcome import Summary

__all__ = ["Stretch"]


@dataclass(frozen=True)
class Stretch:
    """A schedule's occurrences in (``after``, ``until``].

    Attributes:
        only: the one occurrence of a fixed delay, wherever it lies; None for all others.
    """

    schedule: Schedule
    after: datetime
    until: datetime
    only: datetime | None = None

    def count(self) -> int:
        """How many they are."""
        if self.only is not None:
            return int(self.after < self.only <= self.until)
        return self.schedule.count_between(self.after, self.until)

    def first(self) -> datetime:
        """The oldest; there has to be one."""
        return self._found(self.only or self.schedule.next_after(self.after))

    def last(self) -> datetime:
        """The newest; there has to be one."""
        return self._found(self.only or self.schedule.previous_before(self.until + INSTANT))

    def oldest(self, count: int) -> list[datetime]:
        """The first ``count`` of them; there have to be so many."""
        if self.only is not None:
            return [self.only][:count]
        return self.schedule.upcoming(self.after, count)

    def records(self, reason: str) -> tuple[Summary, ...]:
        """One record of all of them; none if there are none."""
        count = self.count()
        return (Summary(self.first(), self.last(), count, reason),) if count else ()

    def without_newest(self) -> Stretch:
        """All but the last."""
        return replace(self, until=self.last() - INSTANT)

    def split(self, at: datetime) -> tuple[Stretch, Stretch]:
        """(those until ``at``, those after it)."""
        middle = min(max(at, self.after), self.until)
        return replace(self, until=middle), replace(self, after=middle)

    def keep_newest(self, limit: int) -> tuple[Stretch, Stretch]:
        """(those beyond the limit, the newest ``limit``)."""
        if self.count() <= limit:
            return self.split(self.after)
        return self.split(self._leaving(limit) if limit else self.until)

    def _leaving(self, wanted: int) -> datetime:
        """An instant that exactly ``wanted`` of them follow, from one to all but one."""
        early, late = self.after, self.until
        while late - early > INSTANT:
            middle = early + (late - early) / 2
            count = replace(self, after=middle).count()
            if count == wanted:
                return middle
            if count < wanted:
                late = middle
            else:
                early = middle
        raise self._contradiction()

    def _found(self, instant: datetime | None) -> datetime:
        if instant is None:
            raise self._contradiction()
        return instant

    def _contradiction(self) -> InvalidSchedule:
        span = f"{self.after.isoformat()} and {self.until.isoformat()}"
        return InvalidSchedule(f"{self.schedule} contradicts itself between {span}.")
