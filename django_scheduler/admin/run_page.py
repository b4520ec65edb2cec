"""What the page of one run shows: what happened, in order, and everything that was kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

from .. import reports
from ..models import Process, Run
from ..states import RunStatus
from .base import page_of, using
from .display import NOTHING, absolute, badge, duration_text, pretty_json, relative

__all__ = ["run_page"]

ATTEMPTS_SHOWN = 50


def run_page(run: Run, now: datetime) -> dict[str, Any]:
    """Return everything the template shows of the run."""
    return {
        "badge": badge(run.status),
        "reason": run.reason,
        "open": not run.is_final,
        "lingers": _lingers(run),
        "job_url": page_of("job", run.job_id),
        "figures": list(_figures(run, now)),
        "steps": list(_steps(run, now)),
        "progress": _progress(run, now),
        "where": list(_where(run)),
        "attempts": _attempts(run, now),
        "documents": list(_documents(run)),
    }


def _lingers(run: Run) -> bool:
    """Whether the run was given up while its function still goes on."""
    given_up = run.status in (RunStatus.TIMED_OUT, RunStatus.INTERRUPTED)
    return given_up and run.started_at is not None and run.left_at is None


def _figures(run: Run, now: datetime) -> Iterator[tuple[str, str]]:
    running = run.started_at is not None and run.finished_at is None
    yield _("Scheduled for"), absolute(run.scheduled_for)
    yield _("Lateness"), duration_text(run.lateness)
    if running and run.started_at is not None:
        yield _("Running for"), duration_text(now - run.started_at)
    else:
        yield _("Duration"), duration_text(run.duration)
    yield _("Trigger"), run.get_trigger_display()
    yield _("Attempt"), str(run.attempt)
    if run.missed:
        yield _("Stands for missed"), str(run.missed)


def _steps(run: Run, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the instants of the run in the order they happened, each with what came between."""
    known = [
        (_("Scheduled"), run.scheduled_for, "scheduled"),
        (_("Queued"), run.queued_at, "queued"),
        (_("Dispatched"), run.dispatched_at, "dispatched"),
        (_("Started"), run.started_at, "running"),
        (_("Pause requested"), run.pause_requested_at, "paused"),
        (_("Stop requested"), run.stop_requested_at, "stopped"),
        (_("Finished"), run.finished_at, run.status),
        (_("Function left"), run.left_at, "left"),
    ]
    # Python's sort is stable: what happened at one instant stays in the order of the list.
    reached = [(at, label, word) for label, at, word in known if at is not None]
    reached.sort(key=lambda step: step[0])
    before: datetime | None = None
    for at, label, word in reached:
        yield {
            "label": label,
            "word": word,
            "at": absolute(at),
            "relative": relative(at, now),
            "after": duration_text(at - before) if before is not None else "",
        }
        before = at


def _progress(run: Run, now: datetime) -> dict[str, Any] | None:
    if run.completed is None and not run.message:
        return None
    percent = run.progress_percent
    return {
        "completed": run.completed,
        "total": run.total,
        "percent": None if percent is None else f"{percent:.0f}",
        "message": run.message,
        "at": relative(run.progress_at, now) if run.progress_at else "",
    }


def _where(run: Run) -> Iterator[tuple[str, str]]:
    yield _("Function"), format_html("<code>{}</code>", run.function)
    yield _("Executor"), run.executor
    yield _("Queue"), run.queue or NOTHING
    process = None
    if run.process is not None:
        process = Process.objects.using(using()).filter(pk=run.process).first()
    if process is None:
        yield _("Process"), str(run.process) if run.process else NOTHING
    else:
        link = '<a href="{}">{}</a>'
        yield _("Process"), format_html(link, page_of("process", process.pk), process.name)
        yield _("Host"), f"{process.host}, {_('process id')} {process.pid}"
    yield _("Occurrence"), format_html("<code>{}</code>", run.key)
    yield _("Run"), format_html("<code>{}</code>", run.pk)


def _attempts(run: Run, now: datetime) -> list[dict[str, Any]]:
    """Return the other rows of the same occurrence, together with this one; [] if it is alone."""
    rows = Run.objects.using(using()).filter(key=run.key)
    rows = rows.filter(job_id=run.job_id) if run.job_id else rows.filter(job_name=run.job_name)
    found = list(
        rows.defer("log", "traceback", "data", "carried_state", "result").order_by("number")
    )
    if len(found) < 2:
        return []
    names = reports.process_names(row.process for row in found)
    return [
        {
            "number": row.number,
            "attempt": row.attempt,
            "badge": badge(row.status, row.reason),
            "reason": row.reason,
            "started": absolute(row.started_at) if row.started_at else NOTHING,
            "duration": duration_text(row.duration),
            "process": names.get(row.process, NOTHING) if row.process else NOTHING,
            "here": row.pk == run.pk,
            "url": page_of("run", row.pk),
        }
        for row in found[-ATTEMPTS_SHOWN:]
    ]


def _documents(run: Run) -> Iterator[dict[str, Any]]:
    """Yield what was kept as text, most telling first; what is empty is left out."""
    hooks = run.hook_errors if isinstance(run.hook_errors, dict) else {"": run.hook_errors}
    told = "\n".join(f"{hook}: {error}" for hook, error in hooks.items())
    documents = [
        ("traceback", _("Traceback"), run.traceback, "traceback", True),
        ("hook-errors", _("Hook errors"), told, "error", True),
        ("log", _("Log"), run.log, "log", True),
        ("result", _("Result"), pretty_json(run.result), "json", True),
        ("data", _("Saved data"), pretty_json(run.data), "json", True),
        ("state", _("Carried state"), pretty_json(run.carried_state), "json", True),
        ("args", _("Arguments"), pretty_json(run.args), "json", True),
        ("kwargs", _("Keyword arguments"), pretty_json(run.kwargs), "json", True),
        ("metadata", _("Metadata"), pretty_json(run.metadata), "json", False),
        ("policy", _("Policy at the time"), pretty_json(run.policy), "json", False),
    ]
    for name, title, text, kind, unfolded in documents:
        if text:
            yield {
                "name": name,
                "title": title,
                "text": text,
                "kind": kind,
                "unfolded": unfolded,
            }
