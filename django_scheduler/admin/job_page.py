"""What a job's page and its row in the list show beside the form: the job as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from .. import reports
from ..models import Job
from ..schedules import Schedule
from ..states import JobState
from .display import (
    NOTHING,
    badge,
    duration_text,
    instant,
    label_of,
    schedule_words,
    sparkline,
)
from .preview import schedule_times

__all__ = ["now_panel", "read_schedule", "state_note", "words_of"]

SHOWN = 5
RECENT = 40
DAY = timedelta(days=1)


def read_schedule(job: Job) -> tuple[Schedule | None, str]:
    """Return the job's schedule, or None and what is wrong with it."""
    try:
        schedule = job.parsed_schedule()
        schedule.describe()
    except Exception as problem:  # a kind of somebody else's may raise anything; a page shows it
        return None, str(problem) or type(problem).__name__
    return schedule, ""


def words_of(job: Job) -> str:
    """Return the job's schedule in few words, as HTML; its error if it cannot be read."""
    schedule, error = read_schedule(job)
    return schedule_words(schedule, job.schedule, error, brief=True)


def state_note(job: Job) -> str:
    """Return why the job is in its state; empty when there is nothing to add."""
    if job.state == JobState.PAUSED:
        by = _("by %s") % job.paused_by if job.paused_by else ""
        return ", ".join(filter(None, [job.pause_reason, by]))
    return job.error


def _instants(job: Job, schedule: Schedule | None, now: datetime) -> list[datetime]:
    clock = getattr(job, "clock", None)
    due = clock.next_run_at if clock else None
    found = [due] if due is not None else []
    # What follows a fixed delay depends on when the run ends.
    if schedule is None or job.state != JobState.ACTIVE or schedule.fixed_delay:
        return found
    after = max(filter(None, [now, clock.next_occurrence if clock else None, due]))
    try:
        later = schedule.upcoming(after, SHOWN - len(found))
    except Exception:  # as in read_schedule: the first one is known, the others are not
        later = []
    return found + [at for at in later if job.end_at is None or at <= job.end_at]


def now_panel(job: Job, now: datetime) -> dict[str, Any]:
    """Return what the top of the job's page shows."""
    schedule, error = read_schedule(job)
    outcomes = reports.recent_outcomes([job.pk], RECENT)[job.pk]
    runs = f"{reverse('admin:django_scheduler_run_changelist')}?job={job.pk}"
    return {
        "state": badge(job.state),
        "note": state_note(job),
        "words": schedule_words(schedule, job.schedule, error),
        "spec": job.schedule,
        "facts": list(_facts(job, now)),
        "chart": sparkline(outcomes),
        "day": _day(job, now),
        "times": schedule_times(schedule, _instants(job, schedule, now), now),
        "runs_url": runs,
    }


def _day(job: Job, now: datetime) -> str:
    counted = reports.counts_by_status(job, since=now - DAY)
    if not counted:
        return format_html('<span class="sched-quiet">{}</span>', _("no runs"))
    return format_html_join(
        " ",
        '<span class="sched-count sched-{}">{} {}</span>',
        ((status, count, label_of(status)) for status, count in sorted(counted.items())),
    )


def _facts(job: Job, now: datetime) -> Iterator[tuple[str, str]]:
    yield _("Next run"), instant(job.next_run_at, now)
    if job.state == JobState.PAUSED:
        yield _("Paused"), instant(job.paused_at, now)
        yield _("Paused by"), job.paused_by or NOTHING
        yield _("Paused until"), instant(job.paused_until, now)
    yield _("Open runs"), str(reports.open_runs(job))
    yield _("Last status"), badge(job.last_status)
    yield _("Last start"), instant(job.last_started_at, now)
    yield _("Last finish"), instant(job.last_finished_at, now)
    yield _("Last success"), instant(job.last_success_at, now)
    yield _("Last duration"), duration_text(job.last_duration)
    yield _("Successes"), _number(job.success_count)
    failures = _number(job.failure_count)
    if job.consecutive_failures:
        failures = _("%(all)s (%(row)s in a row)") % {
            "all": failures,
            "row": _number(job.consecutive_failures),
        }
    yield _("Failures"), failures
    yield _("Declared in code"), _("yes") if job.declared_in_code else _("no")
    yield _("Created"), instant(job.created_at, now)
    yield _("Changed"), instant(job.updated_at, now)


def _number(count: int) -> str:
    return number_format(count, force_grouping=True)
