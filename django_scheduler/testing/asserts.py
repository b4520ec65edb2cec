"""What a test of jobs asks most: did it run, is it scheduled, what would run between."""

from __future__ import annotations

from datetime import datetime

from .. import jobs, runs
from ..states import JobState, RunStatus

__all__ = ["assert_ran", "assert_scheduled", "runs_between"]


def assert_ran(
    job: str, *, times: int | None = None, status: RunStatus | str = RunStatus.SUCCEEDED
) -> None:
    """Do nothing if the job has runs that ended in ``status``.

    Args:
        times: exactly so many; None: at least one.

    Raises:
        AssertionError: saying what runs there are.
    """
    found = runs.query(job=job, status=status).count()
    if found != times if times is not None else not found:
        seen = [(str(run.scheduled_for), run.status, run.error) for run in runs.query(job=job)]
        wanted = "at least once" if times is None else f"{times} times"
        raise AssertionError(f"{job!r} was to be {status} {wanted}; its runs are: {seen}")


def assert_scheduled(job: str, at: datetime | None = None) -> None:
    """Do nothing if the job is active and has a next run.

    Args:
        at: it must be exactly then; None: at any time.

    Raises:
        AssertionError: saying how it stands.
    """
    found = jobs.get(job)
    if found.state != JobState.ACTIVE or found.next_run_at is None:
        raise AssertionError(f"{job!r} is {found.state} and has no next run. {found.error}")
    if at is not None and found.next_run_at != at:
        raise AssertionError(f"{job!r} runs next at {found.next_run_at}, not at {at}.")


def runs_between(job: str, after: datetime, until: datetime) -> list[datetime]:
    """Return the nominal instants in (``after``, ``until``] at which the job's schedule is due."""
    schedule = jobs.get(job).parsed_schedule()
    found: list[datetime] = []
    instant = schedule.next_after(after)
    while instant is not None and instant <= until:
        found.append(instant)
        instant = schedule.next_after(instant)
    return found
