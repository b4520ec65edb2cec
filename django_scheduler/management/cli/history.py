"""``runs`` and ``run``: what has happened."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from ... import runs
from ...models import Run
from ...states import RunStatus
from .documents import run_document, run_summary
from .render import local_time, pairs, seconds, table
from .subcommand import Answer, Subcommand
from .values import INSTANT_HELP, read_instant

__all__ = ["RUN", "RUNS", "runs_table"]


def _runs_arguments(parser: ArgumentParser) -> None:
    statuses = ", ".join(status.value for status in RunStatus)
    parser.add_argument("--job", help="only runs of this job, also a removed one")
    parser.add_argument("--status", help=f"only runs in this status: {statuses}")
    parser.add_argument(
        "--since", metavar="INSTANT", help=f"started at or after it: {INSTANT_HELP}"
    )
    parser.add_argument("--until", metavar="INSTANT", help="started before it")
    parser.add_argument("--limit", type=int, default=20, help="at most so many (default: 20)")
    parser.add_argument("--offset", type=int, default=0, help="leave so many out (default: 0)")
    parser.add_argument(
        "--order-by",
        default="-started_at",
        help=f"{', '.join(runs.ORDERS)}; with a minus in front: descending "
        "(default: --order-by=-started_at)",
    )


def runs_table(found: Iterable[Run]) -> str:
    """Return the runs as a table for people."""
    rows = [
        (
            run.pk,
            run.job_name,
            run.status,
            run.reason or "-",
            run.trigger,
            run.attempt,
            local_time(run.started_at),
            seconds(run.duration),
        )
        for run in found
    ]
    headers = ("run", "job", "status", "reason", "trigger", "attempt", "started", "duration")
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
    rows = list(found.defer("traceback", "log", "data", "metadata", "policy", "hook_errors"))
    return Answer([run_summary(run) for run in rows], runs_table(rows))


def _run_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", help="the run's id")


def _progress(run: Run) -> str:
    if run.completed is None:
        return ""
    return f"{run.completed} of {'?' if run.total is None else run.total} {run.message}"


def _json(value: object) -> str:
    return json.dumps(value) if value else ""


def _run(options: Namespace) -> Answer:
    run = runs.get(options.id)
    text = pairs(
        [
            ("run", run.pk),
            ("job", run.job_name),
            ("function", run.function),
            ("status", run.status),
            ("reason", run.reason),
            ("trigger", run.trigger),
            ("attempt", run.attempt),
            ("missed", run.missed or ""),
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
