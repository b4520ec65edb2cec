"""``list`` and ``show``: the jobs, and one of them."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import timedelta

from ... import jobs, runs
from ...exceptions import SchedulerError
from ...models import Job
from ...states import JobState
from .documents import job_document, run_summary
from .history import runs_table
from .render import local_time, pairs, seconds, table
from .subcommand import Answer, Subcommand
from .upcoming import upcoming

__all__ = ["LIST", "SHOW"]

RECENT = 5


def _words(job: Job) -> str:
    try:
        return job.parsed_schedule().describe()
    except SchedulerError:
        return job.schedule


def _list_arguments(parser: ArgumentParser) -> None:
    states = ", ".join(state.value for state in JobState)
    parser.add_argument("--state", help=f"only jobs in this state: {states}")
    parser.add_argument("--function", help="only jobs that call this function")
    parser.add_argument("--tag", help="only jobs with this tag")


def _list(options: Namespace) -> Answer:
    found = jobs.all(state=options.state, function=options.function, tag=options.tag)
    rows = list(found.select_related("clock").prefetch_related("tags"))
    text = table(
        ("name", "state", "schedule", "next run", "last", "last finish"),
        [
            (
                job.name,
                job.state,
                _words(job),
                local_time(job.next_run_at),
                job.last_status or "-",
                local_time(job.last_finished_at),
            )
            for job in rows
        ],
        empty="No jobs.",
    )
    return Answer([job_document(job) for job in rows], text)


def _show_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", help="the job's name")


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return seconds(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value) if value else ""
    return "" if value is None else str(value)


_SHOWN = (
    "description", "function", "args", "kwargs", "metadata", "executor", "queue", "priority",
    "timeout", "stall_timeout", "retry", "pause_after_failures", "on_lost", "overlap", "catch_up",
    "start_deadline", "max_runs", "jitter", "version",
)  # fmt: skip


def _paused(job: Job) -> str:
    if job.state != JobState.PAUSED:
        return ""
    until = f" until {local_time(job.paused_until)}" if job.paused_until else ""
    who = f" by {job.paused_by}" if job.paused_by else ""
    why = f": {job.pause_reason}" if job.pause_reason else ""
    return f"since {local_time(job.paused_at)}{until}{who}{why}"


def _last(job: Job) -> str:
    return f"{job.last_status}, {local_time(job.last_finished_at)}" if job.last_status else "-"


def _details(job: Job) -> str:
    counted = f"{job.success_count} succeeded, {job.failure_count} failed"
    return pairs(
        [
            ("name", job.name),
            ("state", job.state),
            ("paused", _paused(job)),
            ("error", job.error),
            ("schedule", f"{job.schedule} ({_words(job)})"),
            ("timezone", job.timezone),
            ("next run", local_time(job.next_run_at)),
            ("last run", _last(job)),
            ("runs", f"{counted}, {job.consecutive_failures} failures in a row"),
            *((name, _value(getattr(job, name))) for name in _SHOWN),
            ("tags", ", ".join(sorted(tag.name for tag in job.tags.all()))),
            ("code", "declared in code" if job.declared_in_code else ""),
        ]
    )


def _show(options: Namespace) -> Answer:
    job = jobs.get(options.name)
    coming = upcoming(job, RECENT)
    recent = list(runs.query(job=job, order_by="-queued_at", limit=RECENT))
    document = {
        **job_document(job),
        "upcoming": [each.document() for each in coming],
        "recent_runs": [run_summary(run) for run in recent],
    }
    nexts = "\n".join(f"  {local_time(each.due_at)}" for each in coming) or "  none"
    text = f"{_details(job)}\n\nNext:\n{nexts}\n\n{runs_table(recent)}"
    return Answer(document, text)


LIST = Subcommand("list", "the jobs, their state and next run", _list_arguments, _list)
SHOW = Subcommand("show", "one job with its next and last runs", _show_arguments, _show)
