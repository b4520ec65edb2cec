"""A schedule as it would be: what a job's page shows of it before anything is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _

from ..exceptions import SchedulerError
from ..job_fields import TIMING_FIELDS
from ..lifecycle import planning_policy
from ..models import Job, JobClock, Run
from ..planning import Policy, initial_high_water, next_from
from ..planning.edits import EditNotice, edit_notices
from ..schedules import Schedule
from ..schedules.preview import preview
from ..states import JobState, RunStatus, Trigger
from .base import using
from .display import readable, relative, schedule_words

__all__ = ["confirmation", "form_preview", "job_notices", "schedule_times"]

SHOWN, PAST = 5, 3


def _zones(schedule: Schedule | None) -> list[str]:
    """Return the zones in which instants are shown: the job's, the viewer's, UTC, each once."""
    # A job whose zone is unknown has no readable schedule either.
    own = [schedule.zone_name] if schedule else []
    return list(dict.fromkeys([*own, get_current_timezone_name(), "UTC"]))


def schedule_times(
    schedule: Schedule | None, upcoming: Sequence[datetime], now: datetime
) -> dict[str, Any]:
    """Return what the table of a schedule's instants shows, with what DST does within a year."""
    zones = _zones(schedule)
    try:
        shown = preview(schedule, now, count=0, past=PAST) if schedule else None
    except Exception:  # a kind of somebody else's may raise anything; a page shows what it can
        shown = None
    past = shown.previous if shown else ()
    return {
        "zones": zones,
        "heads": [_head(name) for name in zones],
        "next": [
            {**row, "relative": _("at once") if at <= now else row["relative"]}
            for at, row in zip(upcoming, _rows(upcoming, zones, now), strict=True)
        ],
        # An instant that has passed and is still owed is told once, as the next run.
        "previous": _rows([at for at in past if at not in upcoming], zones, now),
        "warnings": [each.describe() for each in shown.warnings] if shown else [],
        "fixed_delay": bool(schedule and schedule.fixed_delay),
    }


def _head(zone: str) -> str:
    """The name of a zone, which breaks behind a slash only."""
    return format_html_join(mark_safe("/<wbr>"), "{}", ((part,) for part in zone.split("/")))


def _rows(instants: Sequence[datetime], zones: list[str], now: datetime) -> list[dict[str, Any]]:
    return [
        {"relative": relative(at, now), "texts": [readable(at, now, name) for name in zones]}
        for at in instants
    ]


def form_preview(job: Job, now: datetime) -> dict[str, Any] | None:
    """Return what is shown of a job as it was typed in; None if its schedule cannot be shown."""
    try:
        schedule = job.parsed_schedule().anchored(job.anchor or now)
        words = schedule_words(schedule, job.schedule, "")
        times = schedule_times(schedule, _planned(job, schedule, now), now)
    except Exception:  # as above; what is wrong with it stands at its field
        return None
    return {"words": words, "spec": str(schedule), "times": times}


def _planned(job: Job, schedule: Schedule, now: datetime) -> list[datetime]:
    """Return when a job with this schedule and its own window would run next; at most five."""
    policy = _policy(job)
    after = initial_high_water(schedule, now) if schedule.one_shot else now
    found: list[datetime] = []
    occurrence: datetime | None = after
    while occurrence is not None and len(found) < (1 if schedule.fixed_delay else SHOWN):
        occurrence, due, _ended = next_from(schedule, occurrence, policy)
        if due is not None:
            found.append(due)
        if policy.remaining is not None:
            policy = replace(policy, remaining=policy.remaining - 1)
    return found


def _policy(job: Job) -> Policy:
    clocks = JobClock.objects.using(using()).filter(job_id=job.pk)
    return planning_policy(job, None if job._state.adding else clocks.first())


def job_notices(job: Job, changed: Sequence[str], now: datetime) -> list[EditNotice]:
    """Return what saving the edited ``job`` would repeat, leave out, end or run at once.

    Args:
        job: with what was typed in; its row still has what was before.
        changed: names of the fields that were changed.
    """
    if not TIMING_FIELDS & set(changed) or job.state == JobState.PAUSED:
        return []
    try:
        new, old, policy = job.parsed_schedule(), _stored(job), _policy(job)
        return edit_notices(old, new, now, coming=_coming(job), had=_had(job), policy=policy)
    except Exception:  # as above; the facade, which is asked next, says what is wrong
        return []


def _stored(job: Job) -> Schedule | None:
    """The schedule of the job's row; None of a new job, or if it cannot be read."""
    if job._state.adding:
        return None
    try:
        return job.as_loaded().parsed_schedule()
    except SchedulerError:
        return None


def _coming(job: Job) -> datetime | None:
    """The occurrence the job is planned for; None of a new job, or one that waits for none."""
    clocks = JobClock.objects.using(using()).filter(job_id=job.pk)
    if job._state.adding:
        return None
    return clocks.values_list("next_occurrence", flat=True).first()


def _had(job: Job) -> datetime | None:
    """The newest occurrence of its schedule that the job has run for."""
    if job._state.adding:
        return None
    own = Run.objects.using(using()).filter(
        job=job, trigger__in=[Trigger.SCHEDULE.value, Trigger.CATCH_UP.value]
    )
    # By id, which has an index: a job of many runs must not make its form slow.
    newest = own.exclude(status=RunStatus.SKIPPED.value).order_by("-id")
    return newest.values_list("scheduled_for", flat=True).first()


def confirmation(notices: Sequence[EditNotice]) -> str:
    """Return what a form sends to say that these very notices have been read."""
    return " ".join(f"{each.kind.value}:{each.before}:{each.following}" for each in notices)
