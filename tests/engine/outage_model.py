"""What an outage of two days must leave behind, told by another hand than the engine's.

It walks the occurrences one by one and sorts them by the words of the documentation; it shares
nothing with the planning but the schedules themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from django_scheduler.models import Job
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule
from django_scheduler.schedules.once import Once

_GRACE = timedelta(seconds=60)
_WINDOW = timedelta(hours=24)
_LIMIT = 100


@dataclass(frozen=True)
class Outage:
    """Jobs were made, two minutes later the scheduler was killed, and two days later came another.

    ``back`` is ten seconds after a half hour: what is due each minute is late by less than the
    grace then, what is due each quarter of an hour by more.
    """

    back: datetime

    @property
    def killed(self) -> datetime:
        return self.back - timedelta(hours=48)

    @property
    def created(self) -> datetime:
        return self.killed - timedelta(minutes=2)


#: Most of Europe changes its clocks an hour after the last night began, Beirut and Nuuk near that.
SPRING = Outage(datetime(2026, 3, 30, 0, 30, 10, tzinfo=timezone.utc))
AUTUMN = Outage(datetime(2026, 10, 26, 0, 30, 10, tzinfo=timezone.utc))


@dataclass
class Aftermath:
    """What is on record of one job.

    Attributes:
        runs: by nominal instant: what triggered the run and how many more it stands for.
        records: (first, last, count) of what will never run.
        refused: what came due and did not succeed.
        owed: the occurrences of the outage, oldest first.
    """

    runs: dict[datetime, tuple[str, int]] = field(default_factory=dict)
    records: set[tuple[datetime, datetime, int]] = field(default_factory=set)
    refused: list[tuple[datetime, str, str]] = field(default_factory=list)
    owed: list[datetime] = field(default_factory=list)

    def write_off(self, missed: list[datetime]) -> None:
        """Record these as one."""
        if missed:
            self.records.add((missed[0], missed[-1], len(missed)))

    @property
    def on_record(self) -> tuple[object, ...]:
        """What can be compared: everything but what was owed."""
        return self.runs, self.records, self.refused

    def accounts_for(self) -> list[datetime]:
        """Name every occurrence that a run or a record stands for, oldest first."""
        place = {instant: number for number, instant in enumerate(self.owed)}
        named: list[datetime] = []
        for instant, (_, missed) in self.runs.items():
            named += self.owed[place[instant] - missed : place[instant] + 1]
        for first, last, count in self.records:
            covered = self.owed[place[first] : place[last] + 1]
            assert len(covered) == count
            named += covered
        return sorted(named)


class Walk:
    """The occurrences of jobs, walked once for all jobs that share a schedule."""

    def __init__(self, outage: Outage) -> None:
        self.outage = outage
        self._seen: dict[object, list[datetime]] = {}

    def of(self, job: Job) -> list[datetime]:
        """Return the job's occurrences from its creation to the end, within its window."""
        schedule = job.parsed_schedule()
        anchored = job.anchor if job.schedule.startswith("@every") else None
        key = (job.schedule, job.timezone, anchored)
        if key not in self._seen:
            self._seen[key] = _walk(schedule, self.outage)
        high = min(job.end_at or self.outage.back, self.outage.back)
        inside = [instant for instant in self._seen[key] if instant <= high]
        return [each for each in inside if job.start_at is None or job.start_at <= each]


def _walk(schedule: Schedule, outage: Outage) -> list[datetime]:
    if isinstance(schedule, Once):
        # Only this is owed from before the job was made.
        return [schedule.at] if schedule.at <= outage.back else []
    found, after = [], outage.created
    while (instant := schedule.next_after(after)) is not None and instant <= outage.back:
        found.append(instant)
        if schedule.fixed_delay and instant > outage.killed:
            # When the one after that comes depends on the end of this one.
            break
        after = instant
    return found


def expected(job: Job, walk: Walk) -> Aftermath:
    """Return what the outage must leave of the job, from the documented words alone."""
    back = walk.outage.back
    before, owed = _split(walk.of(job), walk.outage.killed)
    left = None if job.max_runs is None else job.max_runs - len(before)
    aftermath = Aftermath(owed=owed)
    if not owed or left == 0:
        aftermath.owed = []
        return aftermath
    newest = owed[-1]
    if job.parsed_schedule().one_shot:
        aftermath.runs[newest] = (_trigger(job, newest, back), 0)
        return aftermath
    on_time = [newest] if _trigger(job, newest, back) == "schedule" else []
    missed = owed[: len(owed) - len(on_time)]
    _CATCHING_UP[CatchUp(job.catch_up)](job, missed, on_time, aftermath, back)
    if left is not None and left <= len(aftermath.runs):
        _end(aftermath, left)
    return aftermath


def _split(instants: Iterable[datetime], killed: datetime) -> tuple[list[datetime], list[datetime]]:
    """Return what ran before the scheduler was killed, and what came due after that."""
    before, owed = [], []
    for instant in instants:
        (before if instant <= killed else owed).append(instant)
    return before, owed


def _trigger(job: Job, instant: datetime, back: datetime) -> str:
    """Return why a run of this occurrence begins when everything is back."""
    grace = _GRACE if job.misfire_grace is None else job.misfire_grace
    return "schedule" if back - instant <= grace else "catch_up"


def _skip(
    job: Job,
    missed: list[datetime],
    on_time: list[datetime],
    aftermath: Aftermath,
    back: datetime,
) -> None:
    """None of them; one record with the count."""
    aftermath.write_off(missed)
    for instant in on_time:
        aftermath.runs[instant] = ("schedule", 0)


def _latest(
    job: Job,
    missed: list[datetime],
    on_time: list[datetime],
    aftermath: Aftermath,
    back: datetime,
) -> None:
    """One run for the newest, which says how many more it stands for."""
    recent = _within_window(job, missed, aftermath, back) + on_time
    if recent:
        aftermath.runs[recent[-1]] = (_trigger(job, recent[-1], back), len(recent) - 1)


def _all(
    job: Job,
    missed: list[datetime],
    on_time: list[datetime],
    aftermath: Aftermath,
    back: datetime,
) -> None:
    """One run each, but no more than the limit: the newest."""
    recent = _within_window(job, missed, aftermath, back)
    limit = _LIMIT if job.catch_up_limit is None else job.catch_up_limit
    surplus = max(0, len(recent) - limit)
    aftermath.write_off(recent[:surplus])
    for instant in recent[surplus:]:
        aftermath.runs[instant] = ("catch_up", 0)
    for instant in on_time:
        aftermath.runs[instant] = ("schedule", 0)


_CATCHING_UP = {CatchUp.SKIP: _skip, CatchUp.LATEST: _latest, CatchUp.ALL: _all}


def _within_window(
    job: Job, missed: list[datetime], aftermath: Aftermath, back: datetime
) -> list[datetime]:
    """Record what is too old for good and return the rest."""
    window = _WINDOW if job.catch_up_window is None else job.catch_up_window
    recent = [instant for instant in missed if instant >= back - window]
    aftermath.write_off(missed[: len(missed) - len(recent)])
    return recent


def _end(aftermath: Aftermath, left: int) -> None:
    """Forget what comes after the last run the job may make: it is over."""
    kept = sorted(aftermath.runs)[:left]
    aftermath.runs = {instant: aftermath.runs[instant] for instant in kept}
    aftermath.owed = [instant for instant in aftermath.owed if instant <= kept[-1]]
