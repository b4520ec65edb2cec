"""``next``: what runs next, and why nothing does."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from shlex import quote

from django.db.models import Count

from ... import jobs
from ...models import Job
from ...states import JobState
from .render import one_line, table
from .subcommand import Answer, Subcommand
from .upcoming import Coming, soonest, upcoming
from .values import read_count
from .zones import zone_columns

__all__ = ["NEXT"]


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a job's name; left out: all jobs together")
    parser.add_argument("--count", type=int, default=10, help="how many (default: 10)")


def _next(options: Namespace) -> Answer:
    count = read_count(options.count, "--count")
    if options.name is not None:
        job = jobs.get(options.name)
        found = upcoming(job, count)
        text = _table(found, job.timezone) or _why_nothing(job)
        return Answer([each.document() for each in found], text)
    active = jobs.all(state=JobState.ACTIVE).select_related("clock")
    due = active.filter(clock__next_run_at__isnull=False)
    found = soonest(due.order_by("clock__next_run_at", "name")[:count], count)
    lines = [_table(found) or "Nothing is scheduled.", _not_planned()]
    return Answer([each.document() for each in found], "\n".join(filter(None, lines)))


def _table(found: Sequence[Coming], zone: str | None = None) -> str:
    """Return when each is due, and its nominal instant where that is another one."""
    zones, due = zone_columns([each.due_at for each in found], zone)
    headers, rows = [f"due, {name}" for name in zones], due
    if any(each.due_at != each.scheduled_for for each in found):
        [name, *_], nominal = zone_columns([each.scheduled_for for each in found], zone)
        headers = [*headers, f"nominal, {name}"]
        rows = [[*row, reading] for row, (reading, *_) in zip(rows, nominal, strict=True)]
    if zone is None:
        headers = [*headers, "job"]
        rows = [[*row, each.job.name] for row, each in zip(rows, found, strict=True)]
    return table(headers, rows, empty="")


def _why_nothing(job: Job) -> str:
    """Say why the job has no next run."""
    if job.state == JobState.PAUSED:
        reason = f" ({one_line(job.pause_reason)})" if job.pause_reason else ""
        again = f"scheduler resume {quote(job.name)}"
        return f"Nothing: {job.name} is paused{reason}. Plan it again with `{again}`."
    if job.state == JobState.BROKEN:
        return f"Nothing: {job.name} is broken: {one_line(job.error)}"
    schedule = job.parsed_schedule()
    if schedule.on_demand:
        return f"Nothing: {job.name} runs only when it is triggered."
    if schedule.fixed_delay and job.state == JobState.ACTIVE:
        return f"Nothing yet: the next run of {job.name} is planned when the present one has ended."
    return f"Nothing: no occurrence of {job.name} is left."


def _not_planned() -> str:
    """Say how many jobs are in no table because of their state."""
    others = jobs.all().exclude(state=JobState.ACTIVE.value).order_by()
    counted = others.values_list("state").annotate(number=Count("pk")).order_by("state")
    told = ", ".join(f"{number} {state}" for state, number in counted)
    return f"Not planned: {told}." if told else ""


NEXT = Subcommand("next", "what runs next", _arguments, _next)
