"""What a run of chaos left behind, as values: rows, calls, and what befell the processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from .book import Book

FUSE = timedelta(milliseconds=100)
"""A call begins before the lease of its process is over; the look at the clock takes no longer."""

AWAKENING = 1.0
"""Seconds within which what was decided before a freeze is done after it, on a busy machine."""


@dataclass(frozen=True)
class Row:
    """One row of the table of runs, as it was in the end."""

    id: str
    job: str
    key: str
    number: int
    attempt: int
    trigger: str
    status: str
    reason: str
    missed: int
    scheduled_for: datetime
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stop_requested: bool = False
    epoch: int = 1


@dataclass(frozen=True)
class Call:
    """One call of a function, as the function itself noted it. Times are monotonic seconds.

    Attributes:
        process: the name of the scheduler that called it.
        at: the wall clock's instant of the call.
        outcome: ``ok``, ``raised``, ``stopped``; empty: it never said that it ended.
    """

    process: str
    run: str
    job: str
    key: str
    attempt: int
    start: float
    at: datetime
    end: float | None = None
    outcome: str = ""


@dataclass
class Fate:
    """What befell one process. Times are monotonic seconds.

    Attributes:
        frozen: when it was frozen.
        starved: when it was not, and the machine did not give it a turn for long.
        killed, asked: when its end was ordered, by SIGKILL or by SIGTERM.
        code: its exit code; None: it was alive to the last.
    """

    name: str
    born: float
    frozen: list[tuple[float, float]] = field(default_factory=list)
    starved: list[tuple[float, float]] = field(default_factory=list)
    killed: float | None = None
    asked: float | None = None
    ended: float | None = None
    code: int | None = None


@dataclass(frozen=True)
class JobFacts:
    """One job, as it was in the end.

    Attributes:
        policy: its policies under the names of the fields.
        success_count, failure_count, state, error: the row's; None of them once it was removed.
        brought_forward: whether its next run was ever brought forward.
    """

    name: str
    book: Book
    policy: Mapping[str, Any] = field(default_factory=dict)
    state: str | None = None
    error: str = ""
    success_count: int | None = None
    failure_count: int | None = None
    brought_forward: bool = False

    @property
    def is_removed(self) -> bool:
        """Whether its row is gone."""
        return self.state is None


@dataclass(frozen=True)
class ProcessRow:
    """One row of the table of processes. A process that starts over has another one."""

    id: str
    name: str
    state: str
    lease_until: datetime


@dataclass
class History:
    """Everything the checker looks at.

    Attributes:
        end: the instant up to which occurrences are owed.
        changed: what somebody saw of final rows that became something else later.
        triggered: keys of the runs that were triggered by hand.
        disturbed: monotonic times at which connections were cut or the database was away.
        steady: names of the jobs that nothing was done to, due each second.
    """

    end: datetime
    jobs: list[JobFacts] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)
    processes: list[ProcessRow] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    triggered: set[str] = field(default_factory=set)
    disturbed: list[tuple[float, float]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    steady: set[str] = field(default_factory=set)
    trouble: list[str] = field(default_factory=list)

    def chains(self) -> dict[tuple[str, str], list[Row]]:
        """Return the rows of each (job, key), in the order of their numbers."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: row.number):
            found.setdefault((row.job, row.key), []).append(row)
        return found

    def calls_by_key(self) -> dict[tuple[str, str], list[Call]]:
        """Return the calls for each (job, key), in the order of their starts."""
        return _grouped(self.calls)

    def gave_up(self, before: Call, after: Call) -> str:
        """Return how the first call's process was given up before the second; empty: it was not.

        Its lease was over when the second call began, and held when the first one did; or at
        least when that was decided, before it was frozen.
        """
        ends = [
            process.lease_until
            for process in self.processes
            if process.state == "dead" and process.name == before.process
        ]
        begun = self._begun(before)
        thawed = begun - self.thawed_into(before) * timedelta(seconds=1)
        if any(begun - FUSE <= end <= after.at for end in ends):
            return "in a process that was given up"
        if any(thawed - FUSE <= end <= after.at for end in ends):
            return "begun as its process thawed, which had been given up"
        return ""

    def _begun(self, call: Call) -> datetime:
        """Return when the call was decided: on a busy machine it follows noticeably later.

        If the run was begun again under its id, its row tells of the last time only.
        """
        started = self._starts.get(call.run)
        return call.at if started is None else min(started, call.at)

    @cached_property
    def _starts(self) -> dict[str, datetime]:
        return {row.id: row.started_at for row in self.rows if row.started_at is not None}

    def thawed_into(self, call: Call) -> float:
        """Return the seconds for which its process stood still just before the call, or 0.

        Between the look at the lease and the call lies a moment in which a process may be
        frozen; it cannot look again while it is.
        """
        fate = self.fate(call.process)
        stood = [
            call.start - since
            for since, until in (*fate.frozen, *fate.starved)
            if since < call.start and until >= call.start - AWAKENING
        ]
        return max(stood, default=0.0)

    def fate(self, name: str) -> Fate:
        """Return what befell a process; of one nobody knows, nothing did."""
        return self.fates.get(name) or Fate(name, 0.0)


def _grouped(calls: Iterable[Call]) -> dict[tuple[str, str], list[Call]]:
    found: dict[tuple[str, str], list[Call]] = {}
    for call in sorted(calls, key=lambda call: call.start):
        found.setdefault((call.job, call.key), []).append(call)
    return found
