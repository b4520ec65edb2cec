"""Jobs as they were read last: a row that has not changed is not taken apart again.

A job that fires each second is the same job each time. What is derived from its definition (the
schedule as a value, the snapshot its runs get, its planning policy) is kept with the very values it
was derived from, and used only while the row still has those.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .. import conf, lifecycle
from ..lifecycle import Template
from ..models import Job, JobClock, object_of
from ..models.vendors import vendor_of
from ..planning import Policy
from ..policies import Overlap
from ..schedules import Schedule

__all__ = ["COLUMNS", "Due", "Known", "KnownJobs"]

MOST = 10_000
"""How many jobs are kept, the ones used last."""

_CLOCK = tuple(field.attname for field in JobClock._meta.concrete_fields)
_NEEDED = ("last_finished_at", "last_success_at")
_DEFINITION = (
    "id", "name", "function", "schedule", "timezone", "anchor", "args", "kwargs", "metadata",
    "executor", "queue", "priority", "timeout", "stall_timeout", "retry", "pause_after_failures",
    "on_lost", "overlap", "max_running", "buffer_limit", "catch_up", "catch_up_window",
    "catch_up_limit", "misfire_grace", "start_deadline", "start_at", "end_at", "max_runs", "jitter",
)  # fmt: skip
"""What planning and snapshots are made of. Counters are not: they move at every firing."""

COLUMNS = (
    *_CLOCK,
    *(f"job__{name}" for name in _NEEDED),
    *(f"job__{name}" for name in _DEFINITION),
)
"""What a claim reads of each due clock and its job."""

_CUT = len(_CLOCK) + len(_NEEDED)


@dataclass
class Known:
    """A job, and what is derived from it."""

    job: Job
    template: Template
    _policy: Policy | None = None
    _schedule: Schedule | None = None

    def schedule(self) -> Schedule:
        """Return the job's schedule.

        Raises:
            SchedulerError: it cannot be read.
        """
        if self._schedule is None:
            self._schedule = self.job.parsed_schedule()
        return self._schedule

    def policy(self, clock: JobClock) -> Policy:
        """Return the job's planning policy, as the clock bends it."""
        if clock.catch_up or self.job.max_runs is not None:
            return lifecycle.planning_policy(self.job, clock)
        if self._policy is None:
            self._policy = lifecycle.planning_policy(self.job, clock)
        return self._policy

    @property
    def supersedes(self) -> bool:
        """Whether an occurrence takes the place of a retry that waits."""
        retry = self.job.retry
        return isinstance(retry, dict) and retry.get("on_next_occurrence") == "supersede"

    @property
    def overlaps_freely(self) -> bool:
        """Whether no other run of the job can matter to a new one."""
        return self.job.overlap == Overlap.ALLOW and self.job.max_running is None


@dataclass
class Due:
    """A clock that is due and locked, its job, and when that ended last and last succeeded."""

    clock: JobClock
    known: Known
    last_finished_at: datetime | None
    last_success_at: datetime | None


class KnownJobs:
    """The jobs one thread has claimed from one database."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._settings = conf.current()
        self._kept: OrderedDict[int, tuple[tuple[Any, ...], Known]] = OrderedDict()

    def of(self, row: Sequence[Any]) -> Due:
        """Return what a row of ``COLUMNS``, as the driver gave it, says."""
        vendor = vendor_of(self._using)
        clock_row, moving, definition = row[: len(_CLOCK)], row[len(_CLOCK) : _CUT], row[_CUT:]
        values = vendor.read(JobClock, _CLOCK, clock_row)
        clock = object_of(JobClock, _CLOCK, values, self._using)
        known = self._known(clock.job_id, tuple(definition))
        return Due(clock, known, *vendor.read(Job, _NEEDED, moving))

    def _known(self, job_id: int, definition: tuple[Any, ...]) -> Known:
        if self._settings is not conf.current():
            self._settings = conf.current()
            self._kept.clear()
        kept = self._kept.get(job_id)
        if kept is not None and kept[0] == definition:
            self._kept.move_to_end(job_id)
            return kept[1]
        values = vendor_of(self._using).read(Job, _DEFINITION, definition)
        job = object_of(Job, _DEFINITION, values, self._using)
        known = Known(job, Template(job))
        self._kept[job_id] = definition, known
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return known

    def forget(self, job_id: int) -> None:
        """Read the job anew the next time: this object of it may have been changed."""
        self._kept.pop(job_id, None)
