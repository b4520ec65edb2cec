"""Each signal has its log line, or is silent on purpose: the page says which, and it is so."""

from __future__ import annotations

import logging
import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.dispatch import Signal

from django_scheduler import logs, signals
from django_scheduler.lifecycle import Finished
from django_scheduler.models import Job, Process, Run
from django_scheduler.runner.reporting import record_failed
from django_scheduler.states import RunStatus
from tests.house.sources import REFERENCE, documented, modules, table_rows

SIGNALS = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}
LEVELS = {row[0].strip("`"): row[1] for row in table_rows("logs.md")}
ABOUT_RUNS = ("job", "run_id", "scheduler_process", "attempt")
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def _job() -> Job:
    return Job(name="report", schedule="@every 1h", pause_reason="maintenance")


def _run(**fields: Any) -> Run:
    values = {"status": "succeeded", "duration": timedelta(seconds=0.12), "due_at": NOW, **fields}
    return Run(pk=uuid.uuid4(), job_name="report", process=uuid.uuid4(), **values)


def _facts(name: str) -> dict[str, Any]:
    """What the signal is sent with, as far as a line may tell of it."""
    if name.startswith("run_"):
        status = "skipped" if name == "run_skipped" else "succeeded"
        following = {"next_run": _run(attempt=2)} if name == "run_retry_planned" else {}
        return {"run": _run(status=status, reason="overlap" * (status == "skipped")), **following}
    if name.startswith("scheduler_"):
        return {"name": "one", "process": uuid.uuid4()}
    if name == "process_lost":
        return {"process": Process(pk=uuid.uuid4(), host="here", pid=1)}
    return {"job": _job(), "error": "no such zone"}


def _said(caplog: pytest.LogCaptureFixture, name: str, **facts: Any) -> list[logging.LogRecord]:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="django_scheduler"):
        signals.send(SIGNALS[name], object, **(facts or _facts(name)))
    return [record for record in caplog.records if record.name == "django_scheduler"]


def test_the_page_names_every_logger():
    page = (REFERENCE / "logs.md").read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in modules("django_scheduler")]
    names = {name for text in texts for name in re.findall(r'getLogger\("([\w.]+)"\)', text)}
    assert len(names) > 5
    short = {name.removeprefix("django_scheduler") or name for name in names}
    assert {name for name in short if f"`{name}`" not in page} <= {".runs"}
    assert "`django_scheduler.runs`" in page


def test_the_page_names_every_signal():
    assert documented("logs.md") == set(SIGNALS)


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_has_the_line_that_the_page_says(name, caplog):
    """O1"""
    said = _said(caplog, name)
    if name == "run_record_failed" or LEVELS[name] == "–":
        assert said == []
        return
    (record,) = said
    assert record.levelname in LEVELS[name].split(", ")
    wanted = ABOUT_RUNS if name.startswith("run_") else ()
    assert all(getattr(record, each) for each in wanted)
    shown = next(row[2] for row in table_rows("logs.md") if row[0] == f"`{name}`").split("`")[1]
    pieces = [piece for piece in shown.split("…") if piece]
    assert all(piece in record.getMessage() for piece in pieces), record.getMessage()


@pytest.mark.parametrize("status", ["failed", "timed_out", "interrupted", "stopped", "lost"])
def test_a_run_that_did_not_succeed_is_a_warning(status, caplog):
    (record,) = _said(caplog, "run_finished", run=_run(status=status, reason="x", error="E: y"))
    assert record.levelname == "WARNING"
    assert f"report {status}, x after 0.120 s" in record.getMessage()
    assert (record.status, record.duration) == (status, 0.12)


def test_a_skipped_run_has_one_line(caplog):
    run = _run(status="skipped", reason="missed", missed=9)
    assert _said(caplog, "run_finished", run=run) == []
    (record,) = _said(caplog, "run_skipped", run=run)
    assert (record.levelname, record.missed) == ("INFO", 9)
    assert "missed, 9 occurrences" in record.getMessage()


def test_the_line_of_an_unwritten_outcome_is_written_where_it_happens(caplog):
    process, run = uuid.uuid4(), uuid.uuid4()
    record_failed(
        Finished(run, None, process, 1, RunStatus.SUCCEEDED, job_name="report"), OSError("full")
    )
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("django_scheduler.runs", LEVELS["run_record_failed"])
    about = (record.job, record.run_id, record.scheduler_process)
    assert about == ("report", str(run), str(process))
    assert "of report could not be recorded (full): succeeded" in record.getMessage()


def test_connecting_twice_logs_once(caplog):
    logs.connect()
    assert len(_said(caplog, "run_started")) == 1


def test_a_line_that_nobody_wants_is_not_sent(monkeypatch):
    """It would take a fact the way through a queue for nothing."""
    wants = {name: signals._gates[id(SIGNALS[name])] for name in ("run_started", "run_finished")}
    monkeypatch.setattr(logs.logger, "isEnabledFor", lambda level: level >= logging.WARNING)
    assert not wants["run_started"](_facts("run_started"))
    assert not wants["run_finished"](_facts("run_finished"))
    assert wants["run_finished"]({"run": _run(status="lost")})
