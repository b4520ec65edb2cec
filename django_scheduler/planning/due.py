"""What is due and not yet dealt with, sorted into runs and records by the catch-up policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ..exceptions import InvalidSchedule
from ..policies import CatchUp
from ..schedules import Schedule
from .ahead import INSTANT, due_at, floor, following, is_due
from .outcome import Planned, Summary
from .policy import Policy

__all__ = ["Due", "find_due"]


@dataclass(frozen=True)
class Due:
    """What is due and not yet dealt with.

    Attributes:
        low: occurrences strictly after this count.
        newest: the newest that is due; ``total`` says how many there are with it.
        on_time: True if the newest is not to go through ``catch_up``.
        late: True if the newest is over the grace.
    """

    schedule: Schedule
    policy: Policy
    now: datetime
    low: datetime
    newest: datetime
    total: int
    on_time: bool
    late: bool

    def sorted_out(self) -> tuple[tuple[Planned, ...], tuple[Summary, ...], datetime]:
        """(runs, records, the newest instant dealt with) by the catch-up policy."""
        missed = self.total - self.on_time
        newest = Planned(self.newest, late=self.late)
        on_time = (newest,) if self.on_time else ()
        if missed == 0:
            return on_time, (), self.newest
        last = self._before(self.newest) if self.on_time else self.newest
        if self.policy.catch_up is CatchUp.SKIP:
            return on_time, (self._summary(self.low, last, missed, "missed"),), self.newest
        # The instant before, so that what is exactly as old as the window is still inside it.
        boundary = max(self.now - self.policy.catch_up_window - INSTANT, self.low)
        too_old = self.schedule.count_between(self.low, min(boundary, last))
        records = self._too_old(boundary, last, too_old)
        recent = missed - too_old
        if self.policy.catch_up is CatchUp.ALL:
            return self._all(boundary, last, recent, records)
        if recent == 0 and not self.on_time:
            return (), records, self.newest
        return (replace(newest, missed=self.total - too_old - 1),), records, self.newest

    def _too_old(self, boundary: datetime, last: datetime, count: int) -> tuple[Summary, ...]:
        if count == 0:
            return ()
        newest = last if last <= boundary else self._before(boundary + INSTANT)
        return (self._summary(self.low, newest, count, "window"),)

    def _all(
        self, boundary: datetime, last: datetime, recent: int, records: tuple[Summary, ...]
    ) -> tuple[tuple[Planned, ...], tuple[Summary, ...], datetime]:
        """Catching up one by one: the oldest kept, or all kept and then the one on time."""
        kept = min(recent, max(self.policy.catch_up_limit, 0))
        start = boundary
        if recent > kept:
            start = self._back(last, kept)
            records += (self._summary(boundary, start, recent - kept, "limit"),)
        wanted = 1 if self.policy.serial and kept else kept
        runs = tuple(Planned(each, late=True) for each in self._forward(start, wanted))
        if kept and self.policy.serial:
            return runs, records, runs[-1].scheduled_for
        on_time = (Planned(self.newest),) if self.on_time else ()
        return runs + on_time, records, self.newest

    def _back(self, last: datetime, steps: int) -> datetime:
        for _ in range(steps):
            last = self._before(last)
        return last

    def _forward(self, after: datetime, count: int) -> list[datetime]:
        if self.schedule.fixed_delay:
            return [self.newest][:count]
        return self.schedule.upcoming(after, count)

    def _before(self, instant: datetime) -> datetime:
        found = self.schedule.previous_before(instant)
        if found is None:
            raise InvalidSchedule(f"{self.schedule} contradicts itself before {instant}.")
        return found

    def _summary(self, after: datetime, last: datetime, count: int, reason: str) -> Summary:
        first = self.newest if self.schedule.fixed_delay else self.schedule.next_after(after)
        return Summary(first or last, last, count, reason)


def find_due(schedule: Schedule, mark: datetime, now: datetime, policy: Policy) -> Due | None:
    """What is due in (mark, now]; None if nothing is."""
    until = now if policy.end_at is None else min(now, policy.end_at)
    low = floor(mark, policy)
    first = following(schedule, mark, policy)
    if first is None or first > until:
        return None
    newest, total = first, 1
    second = None if schedule.fixed_delay else schedule.next_after(first)
    # One due is by far the usual case, and its answers are remembered.
    if second is not None and second <= until:
        newest = _newest_due(schedule, until, now, policy) or first
        total = schedule.count_between(low, newest)
    elif not is_due(schedule, first, now, policy):
        return None
    late = now - due_at(schedule, newest, policy) > policy.misfire_grace
    on_time = schedule.one_shot or not late
    return Due(schedule, policy, now, low, newest, total, on_time, late)


def _newest_due(
    schedule: Schedule, until: datetime, now: datetime, policy: Policy
) -> datetime | None:
    found = schedule.previous_before(until + INSTANT)
    if found is None or is_due(schedule, found, now, policy):
        return found
    # Jitter is less than the distance to the next occurrence: only the newest can be undue.
    return schedule.previous_before(found)
