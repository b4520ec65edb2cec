"""``runs`` and ``run``: what has happened."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from django.utils.dateparse import parse_datetime

from ... import jobs, runs
from ...models import Run
from ...states import RunStatus
from .documents import run_document, run_summary
from .render import local_time, pairs, seconds, table
from .subcommand import Answer, Subcommand
from .values import INSTANT_HELP, read_instant

__all__ = ["RUN", "RUNS", "runs_table", "status_text"]


def _runs_arguments(parser: ArgumentParser) -> None:
    statuses = ", ".join(status.value for status in RunStatus)
    parser.add_argument("--job", help="only runs of this job, also a removed one")
    parser.add_argument("--status", help=f"only runs in this status: {statuses}")
    parser.add_argument(
        "--since",
        metavar="INSTANT",
        help=f"started at or after it; what never started is left out: {INSTANT_HELP}",
    )
    parser.add_argument("--until", metavar="INSTANT", help="started before it, and not at it")
    parser.add_argument("--limit", type=int, default=20, help="at most so many (default: 20)")
    parser.add_argument("--offset", type=int, default=0, help="leave so many out (default: 0)")
    parser.add_argument(
        "--order-by",
        default="-queued_at",
        help=f"{', '.join(runs.ORDERS)}; with a minus in front: descending "
        "(default: --order-by=-queued_at, as every run has one)",
    )


def status_text(run: Run) -> str:
    """Return the status with its reason, if it has one."""
    return f"{run.status} ({run.reason})" if run.reason else run.status


def _started(run: Run) -> str:
    """Return when it started, without the day and the zone that it was scheduled for."""
    day, _, zone = local_time(run.scheduled_for).split(" ", 2)
    started = local_time(run.started_at)
    if not (started.startswith(f"{day} ") and started.endswith(f" {zone}")):
        return started
    return started.removeprefix(f"{day} ").removesuffix(f" {zone}")


def runs_table(found: Iterable[Run]) -> str:
    """Return the runs as a table for people."""
    rows = [
        (
            run.pk,
            run.job_name,
            status_text(run),
            run.trigger,
            run.attempt,
            run.missed or "-",
            local_time(run.scheduled_for),
            _started(run),
            seconds(run.duration),
        )
        for run in found
    ]
    headers = (
        "run", "job", "status", "trigger", "try", "missed", "scheduled for", "started", "duration",
    )  # fmt: skip
    return table(headers, rows, empty="No runs.")


def _runs(options: Namespace) -> Answer:
    found = runs.query(
        job=options.job,
        status=options.status,
        since=read_instant(options.since, "--since"),
        until=read_instant(options.until, "--until"),
        order_by=options.order_by,
        limit=options.limit,
        offset=options.offset,
    )
    unseen = ("traceback", "log", "data", "carried_state", "metadata", "policy", "hook_errors")
    rows = list(found.defer(*unseen))
    text = runs_table(rows) if rows else _none_of(options.job)
    return Answer([run_summary(run) for run in rows], text)


def _none_of(job: str | None) -> str:
    """Say that there is no run, and whether anybody has ever heard of the job."""
    if job is None or runs.query(job=job, limit=1).exists() or jobs.all().filter(name=job).exists():
        return "No runs."
    return f"No runs: no job and no history is called {job!r}."


def _run_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", help="the run's id")


def _progress(run: Run) -> str:
    if run.completed is None:
        return ""
    return f"{run.completed} of {'?' if run.total is None else run.total} {run.message}"


def _occurrences(run: Run) -> str:
    """Return the stretch that a record stands for; its key says from where to where."""
    if not run.key.startswith("missed:"):
        return ""
    first, _, last = run.key.removeprefix("missed:").partition("/")
    instants = [parse_datetime(each) for each in (first, last)]
    if None in instants:
        return f"{first} to {last} ({run.missed})"
    return f"{local_time(instants[0])} to {local_time(instants[1])} ({run.missed})"


def _json(value: object) -> str:
    return json.dumps(value) if value else ""


def _run(options: Namespace) -> Answer:
    run = runs.get(options.id)
    text = pairs(
        [
            ("run", run.pk),
            ("job", run.job_name),
            ("key", run.key),
            ("function", run.function),
            ("status", run.status),
            ("reason", run.reason),
            ("trigger", run.trigger),
            ("attempt", run.attempt),
            ("missed", run.missed or ""),
            ("occurrences", _occurrences(run)),
            ("scheduled for", local_time(run.scheduled_for)),
            ("started", local_time(run.started_at)),
            ("finished", local_time(run.finished_at)),
            ("duration", seconds(run.duration)),
            ("lateness", seconds(run.lateness)),
            ("process", run.process),
            ("executor", run.executor),
            ("args", _json(run.args)),
            ("kwargs", _json(run.kwargs)),
            ("progress", _progress(run)),
            ("data", _json(run.data)),
            ("result", _json(run.result)),
            ("error", run.error),
            ("traceback", run.traceback),
            ("hook errors", _json(run.hook_errors)),
            ("log", run.log),
        ]
    )
    return Answer(run_document(run), text)


RUNS = Subcommand("runs", "the runs, newest first", _runs_arguments, _runs)
RUN = Subcommand("run", "one run with everything kept of it", _run_arguments, _run)
