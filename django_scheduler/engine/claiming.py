"""What a process takes of what is due: at most what it has room for, and a little ahead of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q

from .. import conf, lifecycle
from ..clock import Clock
from ..executors import Executor
from ..lifecycle import Draft, Room
from ..models import Run
from ..runner import Dispatch, Membership
from .ahead import Ahead
from .edges import OVERDUE, Edges, Sight
from .enqueue import Planning, lock_due, store
from .known import Due, KnownJobs
from .pace import Pace
from .share import Share

__all__ = ["NOTHING", "PATIENCE", "Claimed", "Claims"]

PATIENCE = timedelta(milliseconds=50)
"""How long to wait when something is due that could not be taken: somebody else has it."""

MOST_OVERDUE = 20
"""How many jobs are locked at once although there is no room for what becomes of them."""

BESIDE = 0.5
"""Seconds until it is looked again for what has room behind what has none, if there was nothing."""

NOTHING = timedelta(0)


@dataclass
class Claimed:
    """What was taken, each run with the instant it is due at, and how long to wait now."""

    runs: list[tuple[Run | Draft, datetime]] = field(default_factory=list)
    wait: timedelta = NOTHING


class Claims:
    """Claims for one process. Its methods belong to the database thread."""

    def __init__(
        self,
        membership: Membership,
        executors: Mapping[str, Executor],
        ahead: Ahead,
        share: Share,
        clock: Clock,
        *,
        using: str,
        poll_interval: timedelta,
        horizon: timedelta,
    ) -> None:
        self._membership = membership
        self._executors = executors
        self._ahead = ahead
        self._share = share
        self._clock = clock
        self._using = using
        self._poll_interval = poll_interval
        self._horizon = horizon
        self._known = KnownJobs(using)
        self._edges = Edges(share, clock, using, poll_interval + horizon)
        self.pace = Pace(clock)
        self._held_back: dict[int, datetime] = {}
        self._in_use: set[str] = set()
        """The executors of what was due last: the room of others is no reason to read more."""
        self._beside_from = 0.0
        self.was_full = False
        """Whether an executor had no slot left at the last look: more may be due."""

    def free_slots(self) -> dict[str, int]:
        """Return how many runs each executor could begin now, or in a moment.

        What is held for it until it is due counts as begun.
        """
        held = self._ahead.by_executor()
        return {
            alias: max(0, executor.free_slots() + self._waiting_room(executor) - held[alias])
            for alias, executor in self._executors.items()
        }

    def _waiting_room(self, executor: Executor) -> int:
        return max(0, self.pace.waiting_room(executor.alias) - executor.waiting())

    def reclaim(self) -> list[Dispatch]:
        """Return the runs that wait for slots which do not become free; they wait no longer."""
        return [
            dispatch
            for executor in self._executors.values()
            if executor.waiting() and self.pace.is_stuck(executor.alias)
            for dispatch in executor.reclaim()
        ]

    def only_until(self, moment: datetime) -> None:
        """From now on take nothing that falls due after ``moment``."""
        self._share = replace(self._share, until=moment)
        reach = self._poll_interval + self._horizon
        self._edges = Edges(self._share, self._clock, self._using, reach)

    def look(self) -> Sight:
        """Look at what is due, without a lock. Nothing but the question: it is asked all day."""
        limits = conf.current().queue_limits
        return self._look(self.free_slots(), lifecycle.full_queues(limits, self._using))

    def _look(self, slots: Mapping[str, int], full: Sequence[str]) -> Sight:
        free = [alias for alias, number in slots.items() if number > 0]
        self.was_full = len(free) < len(slots)
        return self._edges.look(free, full)

    def is_due(self, sight: Sight, by: datetime | None = None) -> bool:
        """Tell whether there is anything to claim that is due ``by``; None: within the horizon."""
        edge = self._edge(sight)
        return not sight.is_paused and _is_by(edge, by or sight.now + self._horizon)

    def take(self, batch: int) -> Claimed:
        """Take what is due now and within the horizon. To be called in a transaction."""
        limits = conf.current().queue_limits
        full = lifecycle.full_queues(limits, self._using)
        room = Room(self.free_slots(), dict.fromkeys(full, 0))
        sight = self._look(room.slots, full)
        if not self.is_due(sight):
            return Claimed(wait=self.until_next(sight))
        claimed = Claimed()
        self._held_back = {job: at for job, at in self._held_back.items() if at > sight.now}
        took = self._claim(claimed, room, limits, sight, batch)
        claimed.wait = self.until_next(self._look(room.slots, room.full()), took=took)
        return claimed

    def _claim(
        self, claimed: Claimed, room: Room, limits: Mapping[str, int], sight: Sight, batch: int
    ) -> bool:
        """Claim what was seen, once, and return whether there was anything to claim."""
        now, until = sight.now, sight.now + self._horizon
        due = self._lock_due(room, now, until, batch) if _is_by(sight.job_at, until) else []
        room.queues = lifecycle.lock_queues(limits, self._using)
        process = self._membership.id
        waiting: list[tuple[Run, datetime]] = []
        if _is_by(sight.run_at, until):
            mine = self._share.of_runs()
            waiting = lifecycle.claim_waiting(
                process, room, mine, now=now, until=until, using=self._using
            )
        planning = Planning(self._known, now=now, using=self._using)
        planning.carry_out(due)
        self._held_back |= planning.held_back
        claimed.runs += waiting
        claimed.runs += store(planning, process, room, using=self._using)
        return len(planning.held_back) < len(due) or bool(waiting)

    def _lock_due(self, room: Room, now: datetime, until: datetime, batch: int) -> list[Due]:
        """Lock the due clocks there is room for, and those that have waited for it too long."""
        free = [alias for alias, number in room.slots.items() if number > 0]
        overdue = Q(next_run_at__lt=now - OVERDUE)
        clocks = self._edges.clocks(self._held_back).filter(Q(job__executor__in=free) | overdue)
        likely = sum(room.slots.get(alias, 0) for alias in self._in_use)
        most = min(batch, likely or sum(room.slots.values()) or MOST_OVERDUE)
        locked = lock_due(clocks, self._known, until=until, most=most)
        due = _with_room(locked, room.slots, now - OVERDUE)
        if len(locked) == most:
            due += self._lock_beside(due, room, until, batch)
        self._in_use = {one.known.job.executor for one in due} or self._in_use
        return due

    def _lock_beside(
        self, due: Sequence[Due], room: Room, until: datetime, batch: int
    ) -> list[Due]:
        """Lock those there is room for all the same: they may be due behind many without any.

        While there are none they are looked for now and then: it walks through all that is due.
        """
        limits = conf.current().queue_limits
        left = Counter(room.slots)
        left.subtract(d.known.job.executor for d in due if d.known.job.queue not in limits)
        left = +left
        if not left or self._clock.monotonic() < self._beside_from:
            return []
        clocks = self._edges.clocks([*self._held_back, *(d.clock.job_id for d in due)])
        # More of a limited queue that has its turn already would find it full.
        shut = {d.known.job.queue for d in due if d.known.job.queue in limits} | {*room.full()}
        clocks = clocks.filter(job__executor__in=list(left)).exclude(job__queue__in=shut)
        most = min(batch, sum(left.values()))
        found = _with_room(lock_due(clocks, self._known, until=until, most=most), left)
        if not found:
            self._beside_from = self._clock.monotonic() + BESIDE
        return found

    def _edge(self, sight: Sight) -> datetime | None:
        """Return when the next thing is due, those that are held back included."""
        known = [sight.job_at, sight.run_at, *self._held_back.values()]
        return min((instant for instant in known if instant is not None), default=None)

    def until_next(self, sight: Sight, *, took: bool = False) -> timedelta:
        """Return how long to wait: until what comes next is half a horizon ahead.

        Then the claim takes what else comes due within the other half, and has the time to.
        """
        edge = self._edge(sight)
        if sight.is_paused or edge is None:
            return self._poll_interval
        if edge <= sight.now:
            return NOTHING if took else PATIENCE
        lead = NOTHING if edge in self._held_back.values() else self._horizon / 2
        ahead = edge - lead - self._clock.now()
        if ahead <= NOTHING < lead and not took:
            ahead = min(PATIENCE, edge - sight.now)
        return min(max(ahead, NOTHING), self._poll_interval)


def _with_room(
    due: Sequence[Due], slots: Mapping[str, int], overdue: datetime | None = None
) -> list[Due]:
    """Return those there is a slot for, or that have waited for one since ``overdue``.

    The others stay as they are: their turn comes when a slot does.
    """
    left = Counter(slots)
    taken = []
    for one in due:
        executor, instant = one.known.job.executor, one.clock.next_run_at
        waited = overdue is not None and instant is not None and instant < overdue
        if left[executor] > 0 or waited:
            left[executor] -= 1
            taken.append(one)
    return taken


def _is_by(instant: datetime | None, until: datetime) -> bool:
    return instant is not None and instant <= until
