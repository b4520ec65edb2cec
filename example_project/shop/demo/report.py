"""What ran during the demo: counted from the rows, shown as a table, judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django_scheduler import jobs
from django_scheduler.models import Run
from django_scheduler.states import JobState, RunStatus


@dataclass
class JobReport:
    """What one job did. `state` None: the job does not exist."""

    name: str
    state: str | None
    expected: bool
    statuses: Counter[str] = field(default_factory=Counter)
    first_success: datetime | None = None
    worst_lateness: timedelta | None = None

    def add(self, run: Run, since: datetime) -> None:
        """Count one run; lateness only if it was due after `since`, when a scheduler was there."""
        self.statuses[run.status] += 1
        if run.status == RunStatus.SUCCEEDED and run.finished_at is not None:
            self.first_success = min(self.first_success or run.finished_at, run.finished_at)
        # A retry starts later by its delay: that is no lateness of the scheduler either.
        if run.lateness is not None and run.attempt == 1 and run.scheduled_for >= since:
            self.worst_lateness = max(self.worst_lateness or run.lateness, run.lateness)

    @property
    def problem(self) -> str | None:
        """What is wrong, in a sentence; None when nothing is."""
        if not self.expected or self.statuses[RunStatus.SUCCEEDED.value]:
            return None
        if self.state is None:
            return f"{self.name} should have run, but there is no such job."
        done = _in_words(self.statuses) or "no runs"
        return f"{self.name} should have succeeded at least once: {done}, job {self.state}."


def collect(expected: Collection[str], since: datetime) -> list[JobReport]:
    """Return a report on every job, and on every expected name, by name.

    A job that somebody paused is not expected to run.

    Args:
        since: only runs made at or after this instant count.
    """
    states = dict(jobs.all().values_list("name", "state"))
    reports = {
        name: JobReport(
            name, states.get(name), name in expected and states.get(name) != JobState.PAUSED
        )
        for name in sorted({*states, *expected})
    }
    for run in Run.objects.filter(queued_at__gte=since, job_name__in=reports).iterator():
        reports[run.job_name].add(run, since)
    return list(reports.values())


def problems(reports: Iterable[JobReport]) -> list[str]:
    """Return what should have run and did not, one sentence each."""
    return [report.problem for report in reports if report.problem]


def table(reports: Sequence[JobReport], since: datetime) -> str:
    """Return the reports as a table for people; instants are told from `since`."""
    head = ("job", "expected", "runs", "first success", "worst lateness")
    rows = [head, *(_row(report, since) for report in reports)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))


def _row(report: JobReport, since: datetime) -> tuple[str, ...]:
    first = report.first_success
    return (
        report.name,
        "yes" if report.expected else "no",
        _in_words(report.statuses) or "-",
        "-" if first is None else f"after {(first - since).total_seconds():.1f} s",
        "-" if report.worst_lateness is None else f"{_milliseconds(report.worst_lateness)} ms",
    )


def _in_words(statuses: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()) if count)


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
