"""What is due and not yet dealt with, sorted into runs and records by the catch-up policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..policies import CatchUp
from ..schedules import Schedule
from .ahead import INSTANT, due_at, floor, following, is_due
from .outcome import Planned, Summary
from .policy import Policy
from .stretch import Stretch

__all__ = ["CATCH_UP_BATCH", "CATCH_UP_PAUSE", "Due", "Sorted", "find_due"]

#: Under ``all`` one planning starts at most this many missed occurrences and goes on after a pause,
#: so that one job's outage neither fills the queue nor holds up what other jobs have due. No
#: schedule has more than one occurrence a second: this catches up with the fastest.
CATCH_UP_BATCH = 10
#: How long the next batch waits.
CATCH_UP_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True)
class Sorted:
    """What becomes of the occurrences that are due.

    Attributes:
        runs, records: oldest first.
        until: the newest instant dealt with.
        left: True if due occurrences are left for later.
        waits: True if they wait for the end of an active run, False if only for the pause.
    """

    runs: tuple[Planned, ...]
    records: tuple[Summary, ...]
    until: datetime
    left: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Due:
    """What is due and not yet dealt with.

    Attributes:
        mark: the newest instant dealt with.
        newest: the newest occurrence that is due; ``alone`` if there is no other.
        on_time: True if the newest is not to go through ``catch_up``.
        late: True if the newest is over the grace.
    """

    schedule: Schedule
    policy: Policy
    now: datetime
    mark: datetime
    newest: datetime
    alone: bool
    on_time: bool
    late: bool

    def sorted_out(self) -> Sorted:
        """Runs and records by the catch-up policy."""
        on_time = (Planned(self.newest, late=self.late),) if self.on_time else ()
        if self.alone and self.on_time:
            return Sorted(on_time, (), self.newest)
        missed = self._missed()
        if self.policy.catch_up is CatchUp.SKIP:
            return Sorted(on_time, missed.records("missed"), self.newest)
        # The instant before, so that what is exactly as old as the window is still inside it.
        old, recent = missed.split(self.now - self.policy.catch_up_window - INSTANT)
        if self.policy.catch_up is CatchUp.ALL:
            return self._one_by_one(on_time, old.records("window"), recent)
        return self._together(on_time, old.records("window"), recent.count())

    @property
    def _room(self) -> int | None:
        # The end of any run sets a fixed delay's next time, so its one would be lost by waiting.
        return None if self.schedule.fixed_delay else self.policy.room

    def _missed(self) -> Stretch:
        low = floor(self.mark, self.policy)
        only = self.newest if self.schedule.fixed_delay else None
        every = Stretch(self.schedule, low, self.newest, only)
        return every.without_newest() if self.on_time else every

    def _together(
        self, on_time: tuple[Planned, ...], records: tuple[Summary, ...], recent: int
    ) -> Sorted:
        """One run of the newest for all that are recent enough."""
        if recent and self._room is not None and self._room <= 0:
            # Like one by one: a run that stands for missed ones is not refused for overlap.
            return Sorted((), (), self.mark, left=True, waits=True)
        runs = tuple(replace(each, missed=recent) for each in on_time)
        if recent and not on_time:
            runs = (Planned(self.newest, missed=recent - 1, late=True),)
        return Sorted(runs, records, self.newest)

    def _one_by_one(
        self, on_time: tuple[Planned, ...], records: tuple[Summary, ...], recent: Stretch
    ) -> Sorted:
        """As many of the oldest kept as there is room for, and last the one on time."""
        beyond, kept = recent.keep_newest(self.policy.catch_up_limit)
        owed = kept.count()
        wanted = min(owed, CATCH_UP_BATCH)
        full = False
        if owed and self._room is not None:
            wanted = min(wanted, self._room)
            full = wanted >= self._room
        if full and wanted <= 0:
            # Records only come with a run, or they would come one by one while it waits.
            return Sorted((), (), self.mark, left=True, waits=True)
        records += beyond.records("limit")
        runs = tuple(Planned(each, late=True) for each in kept.oldest(wanted))
        if wanted < owed or (full and on_time):
            return Sorted(runs, records, runs[-1].scheduled_for, left=True, waits=full)
        return Sorted(runs + on_time, records, self.newest)


def find_due(schedule: Schedule, mark: datetime, now: datetime, policy: Policy) -> Due | None:
    """What is due in (mark, now]; None if nothing is."""
    until = now if policy.end_at is None else min(now, policy.end_at)
    first = newest = following(schedule, mark, policy)
    if first is None or newest is None or first > until:
        return None
    # One due is by far the usual case, and its answers are remembered.
    second = None if schedule.fixed_delay else schedule.next_after(first)
    if second is not None and second <= until:
        newest = _newest_due(Stretch(schedule, first, until), now, policy)
    elif not is_due(schedule, first, now, policy):
        return None
    alone = newest == first
    late = now - due_at(schedule, newest, policy) > policy.misfire_grace
    return Due(schedule, policy, now, mark, newest, alone, schedule.one_shot or not late, late)


def _newest_due(nominal: Stretch, now: datetime, policy: Policy) -> datetime:
    newest = nominal.last()
    if is_due(nominal.schedule, newest, now, policy):
        return newest
    # Jitter is less than the distance to the next occurrence: only the newest can be undue.
    return nominal.without_newest().last()
