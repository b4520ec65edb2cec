"""Which occurrences are due, which were missed, and when to look again: one pure function.

``plan`` takes what was dealt with (the high-water mark) and the time; the engine carries out what
it returns. It reads no clock and no row, and costs the same after a month of outage as after a
minute.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from .exceptions import InvalidSchedule
from .policies import CatchUp
from .schedules import Schedule

__all__ = ["Plan", "Planned", "Policy", "Summary", "initial_high_water", "next_from", "plan"]

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Policy:
    """What a job says about late, missed and bounded occurrences.

    Attributes:
        catch_up: what becomes of missed occurrences.
        catch_up_window: older than this is missed for good.
        catch_up_limit: how many missed occurrences ``all`` runs; the newest are kept.
        misfire_grace: the newest due occurrence is on time if late by at most this.
        start_at, end_at: no occurrence before or after; both ends belong to the window; None is
            no bound.
        remaining: how many more occurrences may run; None is no bound.
        jitter: each occurrence is due up to this later, by a hash of ``seed`` and the occurrence;
            None is none.
        seed: stable per job.
        serial: True if catching up runs one missed occurrence at a time (``skip``, ``queue``,
            ``replace``); False under ``allow`` and ``queue_all``.
    """

    catch_up: CatchUp = CatchUp.LATEST
    catch_up_window: timedelta = timedelta(hours=24)
    catch_up_limit: int = 100
    misfire_grace: timedelta = timedelta(seconds=60)
    start_at: datetime | None = None
    end_at: datetime | None = None
    remaining: int | None = None
    jitter: timedelta | None = None
    seed: str = ""
    serial: bool = True

    @property
    def spent(self) -> bool:
        """True if no further occurrence may run."""
        return self.remaining is not None and self.remaining <= 0


@dataclass(frozen=True)
class Planned:
    """An occurrence to make a run of.

    Attributes:
        scheduled_for: the nominal instant, the occurrence's identity.
        missed: how many older occurrences the run stands for besides its own.
        late: True if it is caught up, False if it is on time.
    """

    scheduled_for: datetime
    missed: int = 0
    late: bool = False


@dataclass(frozen=True)
class Summary:
    """Occurrences that are not run, to be recorded in one row.

    Attributes:
        first, last: the oldest and the newest of them, nominal.
        count: how many they are.
        reason: ``missed`` (by policy), ``window`` (too old) or ``limit`` (too many).
    """

    first: datetime
    last: datetime
    count: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to look again.

    Attributes:
        occurrences: to run, oldest first.
        summaries: to record, oldest first.
        next_occurrence: the next nominal instant; None if there is none, or none is known yet.
        next_at: when to look again: the next occurrence with its jitter, or now if more missed
            ones are to be planned after these have ended; None with ``next_occurrence``.
        planned_until: the newest nominal instant dealt with; never earlier than it was.
        ended: True if no occurrence will come any more.
    """

    occurrences: tuple[Planned, ...]
    summaries: tuple[Summary, ...]
    next_occurrence: datetime | None
    next_at: datetime | None
    planned_until: datetime
    ended: bool


def plan(schedule: Schedule, high_water: datetime | None, now: datetime, policy: Policy) -> Plan:
    """The occurrences in (``high_water``, ``now``] sorted into runs and records.

    Under ``all`` with a serial policy only the oldest missed occurrence is planned and ``next_at``
    is ``now``: call again when its run has ended. A fixed-delay schedule has one occurrence after
    ``high_water``, its last finish, and none known after that until the next one.

    Args:
        high_water: newest nominal instant dealt with, see ``initial_high_water``; for a fixed
            delay the end of the last run; None: nothing dealt with, and only a ``once`` may be
            owed from the past.
        now: the database's time.
    """
    mark = initial_high_water(schedule, now) if high_water is None else high_water
    if policy.spent:
        return Plan((), (), None, None, mark, True)
    due = _due(schedule, mark, now, policy)
    if due is None:
        return Plan((), (), *_ahead(schedule, mark, policy, mark))
    runs, records, until = due.sorted_out()
    if policy.remaining is not None:
        runs = runs[: policy.remaining]
        policy = replace(policy, remaining=policy.remaining - len(runs))
    if policy.spent:
        return Plan(runs, records, None, None, runs[-1].scheduled_for, True)
    if until < due.newest:
        following, _, ended = next_from(schedule, until, policy)
        return Plan(runs, records, following, now, until, ended)
    if schedule.fixed_delay:
        # What was run sets the next time when it has finished; what was not, sets it now.
        ahead = (None, None, until, False) if runs else _ahead(schedule, now, policy, until)
        return Plan(runs, records, *ahead)
    return Plan(runs, records, *_ahead(schedule, until, policy, until))


def next_from(
    schedule: Schedule, after: datetime, policy: Policy
) -> tuple[datetime | None, datetime | None, bool]:
    """(next nominal occurrence strictly after ``after``, when it is due, is the job over?).

    For first planning, resuming and edits. A schedule that only runs when triggered has no next
    occurrence and is not over.
    """
    if policy.spent:
        return None, None, True
    if schedule.on_demand:
        return None, None, False
    found = _following(schedule, after, policy)
    if found is None or (policy.end_at is not None and found > policy.end_at):
        return None, None, True
    return found, _due_at(schedule, found, policy), False


def initial_high_water(schedule: Schedule, created_at: datetime) -> datetime:
    """The mark a new job starts with: its creation, or just before an instant it owes.

    A new job never catches up from before its creation; only ``once`` in the past is owed.
    """
    first = schedule.first(created_at) if schedule.one_shot else None
    return created_at if first is None else min(created_at, first - _INSTANT)


def _ahead(
    schedule: Schedule, after: datetime, policy: Policy, until: datetime
) -> tuple[datetime | None, datetime | None, datetime, bool]:
    """The last four values of a plan that leaves nothing due behind."""
    occurrence, at, ended = next_from(schedule, after, policy)
    return occurrence, at, until, ended


@dataclass(frozen=True)
class _Due:
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
        boundary = max(self.now - self.policy.catch_up_window - _INSTANT, self.low)
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
        newest = last if last <= boundary else self._before(boundary + _INSTANT)
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


def _due(schedule: Schedule, mark: datetime, now: datetime, policy: Policy) -> _Due | None:
    """What is due in (mark, now]; None if nothing is."""
    until = now if policy.end_at is None else min(now, policy.end_at)
    low = _floor(mark, policy)
    first = _following(schedule, mark, policy)
    if first is None or first > until:
        return None
    newest, total = first, 1
    second = None if schedule.fixed_delay else schedule.next_after(first)
    # One due is by far the usual case, and its answers are remembered.
    if second is not None and second <= until:
        newest = _newest_due(schedule, until, now, policy) or first
        total = schedule.count_between(low, newest)
    elif not _is_due(schedule, first, now, policy):
        return None
    late = now - _due_at(schedule, newest, policy) > policy.misfire_grace
    on_time = schedule.one_shot or not late
    return _Due(schedule, policy, now, low, newest, total, on_time, late)


def _newest_due(
    schedule: Schedule, until: datetime, now: datetime, policy: Policy
) -> datetime | None:
    found = schedule.previous_before(until + _INSTANT)
    if found is None or _is_due(schedule, found, now, policy):
        return found
    # Jitter is less than the distance to the next occurrence: only the newest can be undue.
    return schedule.previous_before(found)


def _is_due(schedule: Schedule, occurrence: datetime, now: datetime, policy: Policy) -> bool:
    return _due_at(schedule, occurrence, policy) <= now


def _floor(after: datetime, policy: Policy) -> datetime:
    return after if policy.start_at is None else max(after, policy.start_at - _INSTANT)


def _following(schedule: Schedule, after: datetime, policy: Policy) -> datetime | None:
    if not schedule.fixed_delay:
        return schedule.next_after(_floor(after, policy))
    found = schedule.next_after(after)
    if found is None or policy.start_at is None:
        return found
    return max(found, policy.start_at)


def _due_at(schedule: Schedule, occurrence: datetime, policy: Policy) -> datetime:
    """The occurrence plus its jitter, which stays below the distance to the next one."""
    if not policy.jitter:
        return occurrence
    following = schedule.next_after(occurrence)
    bound = policy.jitter if following is None else min(policy.jitter, following - occurrence)
    text = f"{policy.seed}|{occurrence.astimezone(timezone.utc).isoformat()}"
    # Whole numbers: a float fraction could round up to the bound itself.
    drawn = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return occurrence + (bound // _INSTANT * drawn >> 64) * _INSTANT
