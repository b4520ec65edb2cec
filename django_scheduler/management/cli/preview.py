"""``next`` and ``explain``: what is to come, of jobs and of a schedule that is no job's yet."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from ... import clock as clocks
from ... import jobs
from ...schedules import parse_schedule
from ...states import JobState
from .documents import iso
from .render import local_time, table
from .subcommand import Answer, Subcommand
from .upcoming import soonest, upcoming
from .values import read_count

__all__ = ["EXPLAIN", "NEXT"]


def _next_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a job's name; left out: all jobs together")
    parser.add_argument("--count", type=int, default=10, help="how many (default: 10)")


def _next(options: Namespace) -> Answer:
    count = read_count(options.count, "--count")
    if options.name is not None:
        found = upcoming(jobs.get(options.name), count)
    else:
        active = jobs.all(state=JobState.ACTIVE).select_related("clock")
        due = active.filter(clock__next_run_at__isnull=False)
        found = soonest(due.order_by("clock__next_run_at", "name")[:count], count)
    rows = [(local_time(each.due_at), each.job.name) for each in found]
    text = table(("due", "job"), rows, empty="Nothing is scheduled.")
    return Answer([each.document() for each in found], text)


def _explain_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("spec", help='such as "0 9 * * 1-5", "@every 1h30m", "@daily"')
    parser.add_argument("--tz", help="IANA name of the time zone (default: TIME_ZONE)")
    parser.add_argument("--count", type=int, default=5, help="how many instants (default: 5)")


def _wall_clock(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S %Z}"


def _explain(options: Namespace) -> Answer:
    count = read_count(options.count, "--count")
    now = clocks.installed().now()
    schedule = parse_schedule(options.spec, timezone=options.tz or settings.TIME_ZONE, anchor=now)
    zone = schedule.zone_name
    instants = schedule.upcoming(now, count)
    document = {
        "schedule": str(schedule),
        "timezone": zone,
        "description": schedule.describe(),
        "upcoming": [iso(each) for each in instants],
    }
    rows = [(_wall_clock(each, zone), iso(each)) for each in instants]
    nexts = table(
        (f"next in {zone}", "in utc"), rows, empty="It never fires by itself from now on."
    )
    return Answer(document, f"{schedule}\n{schedule.describe()}\n\n{nexts}")


NEXT = Subcommand("next", "what runs next", _next_arguments, _next)
EXPLAIN = Subcommand(
    "explain", "a schedule in words, with its next instants", _explain_arguments, _explain
)
