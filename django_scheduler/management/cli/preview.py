"""``explain``: a schedule in words, with its instants, before it is any job's."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from ... import clock as clocks
from ... import jobs
from ...exceptions import InvalidArguments
from ...models import Job
from ...schedules import Schedule, parse_schedule
from ...schedules.base import check_within_calendar
from ...schedules.effects import DstEffect
from ...schedules.preview import Preview, preview
from ...states import JobState
from .documents import iso
from .render import one_line, table
from .subcommand import Answer, Subcommand
from .values import INSTANT_HELP, read_count, read_instant
from .zones import zone_columns

__all__ = ["EXPLAIN"]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "spec", nargs="?", help='such as "0 9 * * 1-5", "@every 1h30m", "@daily"; or --job'
    )
    parser.add_argument("--job", metavar="NAME", help="the schedule of this job, in its zone")
    parser.add_argument("--tz", metavar="ZONE", help="IANA name (default: TIME_ZONE)")
    parser.add_argument("--count", type=int, default=5, help="how many instants (default: 5)")
    parser.add_argument(
        "--at", metavar="INSTANT", help=f"instead of now: {INSTANT_HELP}, or in --tz"
    )


def _job(options: Namespace) -> Job | None:
    """Return the job asked about; None if a schedule was given instead."""
    if (options.spec is None) == (options.job is None):
        raise InvalidArguments("Give a schedule, or a job with --job NAME; one of the two.")
    return None if options.job is None else jobs.get(options.job)


def _schedule(options: Namespace, job: Job | None, at: datetime) -> Schedule:
    if job is None:
        zone = options.tz or settings.TIME_ZONE
        return parse_schedule(options.spec, timezone=zone, anchor=at)
    schedule = job.parsed_schedule()
    return schedule if options.tz is None else schedule.with_timezone(options.tz)


def _explain(options: Namespace) -> Answer:
    count = read_count(options.count, "--count")
    at = read_instant(options.at, "--at", options.tz) or clocks.installed().now()
    check_within_calendar(at, field="--at")
    job = _job(options)
    schedule = _schedule(options, job, at)
    shown = preview(schedule, at, count, past=count)
    since = "now" if options.at is None else "that instant"
    lines = [shown.text, shown.words, _counted(schedule, since) if job is None else _planned(job)]
    never = "from now on" if options.at is None else "after that instant"
    parts = [
        "\n".join(filter(None, lines)),
        _instants("next", shown.upcoming, shown.zone) or f"It never fires by itself {never}.",
        _instants("previous", shown.previous, shown.zone),
        _warnings(shown),
    ]
    return Answer(_document(shown, at, job), "\n\n".join(filter(None, parts)))


def _counted(schedule: Schedule, since: str) -> str:
    """Say from when the schedule counts, if it is of a kind that depends on it."""
    if schedule.anchored(None) == schedule:
        return ""
    return f"Counted from {since}; in a job, from its creation."


def _planned(job: Job) -> str:
    """Say what the job's clock has planned, and its state where that is not active."""
    if job.state == JobState.ACTIVE:
        state = ""
    else:
        why = one_line(job.error if job.state == JobState.BROKEN else job.pause_reason)
        state = f"{job.state}: {why}" if why else f"{job.state}: it is not planned."
    if job.next_run_at is None:
        return state
    _zones, [[planned, *_]] = zone_columns([job.next_run_at], job.timezone)
    planned = f"Planned next: {planned}"
    return f"{state}\n{planned}" if state else planned


def _instants(title: str, instants: Sequence[datetime], zone: str) -> str:
    names, rows = zone_columns(instants, zone)
    return table([f"{title}, {name}" for name in names], rows, empty="")


def _warnings(shown: Preview) -> str:
    if not shown.warnings:
        return ""
    told = "\n".join(f"  {each.describe()}" for each in shown.warnings)
    return f"Daylight saving within a year, {shown.zone}:\n{told}"


def _document(shown: Preview, at: datetime, job: Job | None) -> dict[str, Any]:
    planned = None if job is None else job.next_run_at
    return {
        "schedule": shown.text,
        "timezone": shown.zone,
        "description": shown.words,
        "at": iso(at),
        "upcoming": [iso(each) for each in shown.upcoming],
        "previous": [iso(each) for each in shown.previous],
        "warnings": [_warning(each) for each in shown.warnings],
        "state": None if job is None else str(job.state),
        "next_run_at": None if planned is None else iso(planned),
    }


def _warning(effect: DstEffect) -> dict[str, Any]:
    return {
        "at": iso(effect.at),
        "kind": "gap" if effect.gap else "fold",
        "low": effect.low.isoformat(),
        "high": effect.high.isoformat(),
        "action": effect.action.value,
        "first": effect.first.isoformat(),
        "count": effect.count,
        "description": effect.describe(),
    }


EXPLAIN = Subcommand(
    "explain", "a schedule in words, with its next and previous instants", _arguments, _explain
)
