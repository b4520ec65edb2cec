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
from ...schedules import Schedule, parse_schedule
from ...schedules.base import check_within_calendar
from ...schedules.effects import DstEffect
from ...schedules.preview import Preview, preview
from .documents import iso
from .render import table
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
    parser.add_argument("--at", metavar="INSTANT", help=f"instead of now: {INSTANT_HELP}")


def _schedule(options: Namespace, at: datetime) -> Schedule:
    if (options.spec is None) == (options.job is None):
        raise InvalidArguments("Give a schedule, or a job with --job NAME; one of the two.")
    if options.job is None:
        zone = options.tz or settings.TIME_ZONE
        return parse_schedule(options.spec, timezone=zone, anchor=at)
    schedule = jobs.get(options.job).parsed_schedule()
    return schedule if options.tz is None else schedule.with_timezone(options.tz)


def _explain(options: Namespace) -> Answer:
    count = read_count(options.count, "--count")
    at = read_instant(options.at, "--at") or clocks.installed().now()
    check_within_calendar(at, field="--at")
    shown = preview(_schedule(options, at), at, count, past=count)
    parts = [
        f"{shown.text}\n{shown.words}",
        _instants("next", shown.upcoming, shown.zone) or "It never fires by itself from now on.",
        _instants("previous", shown.previous, shown.zone),
        _warnings(shown),
    ]
    return Answer(_document(shown, at), "\n\n".join(filter(None, parts)))


def _instants(title: str, instants: Sequence[datetime], zone: str) -> str:
    names, rows = zone_columns(instants, zone)
    return table([f"{title}, {name}" for name in names], rows, empty="")


def _warnings(shown: Preview) -> str:
    if not shown.warnings:
        return ""
    told = "\n".join(f"  {each.describe()}" for each in shown.warnings)
    return f"Daylight saving within a year, {shown.zone}:\n{told}"


def _document(shown: Preview, at: datetime) -> dict[str, Any]:
    return {
        "schedule": shown.text,
        "timezone": shown.zone,
        "description": shown.words,
        "at": iso(at),
        "upcoming": [iso(each) for each in shown.upcoming],
        "previous": [iso(each) for each in shown.previous],
        "warnings": [_warning(each) for each in shown.warnings],
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
