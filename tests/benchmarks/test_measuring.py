"""The benchmarks still measure: the command is run in its smallest form."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import raw, running
from benchmarks.figures import load
from benchmarks.measures.takeover import count_doubled
from django_scheduler.models import Run
from tests.house.sources import REPOSITORY

PARTS = ("claim", "end_to_end", "pool", "start", "rate")


def test_the_command_measures_and_writes_its_report(tmp_path: Path) -> None:
    """SQLite, a few jobs, one round: all steps are gone through, no figure is judged."""
    answer = subprocess.run(
        [
            sys.executable, "-m", "benchmarks", "--smoke", "--databases", "sqlite",
            "--sizes", "30", "--parts", *PARTS, "--out", str(tmp_path), "--timeout", "120",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    measured = {f.part: f for f in load(tmp_path / "figures.json") if f.value is not None}
    assert set(measured) == set(PARTS), answer.stderr
    assert (measured["claim"].ratio or 0) > 0
    assert "## Claiming" in (tmp_path / "benchmarks.md").read_text(encoding="utf-8")


def test_the_bare_driver_writes_every_column_of_a_run() -> None:
    """Or the comparison flatters the bare driver."""
    assert set(raw.RUN_COLUMNS) == {
        field.column
        for field in Run._meta.concrete_fields
        if not getattr(field, "generated", False)
    }


def test_every_part_has_a_measurement() -> None:
    for part in (*running.ALONE, *running.BY_SIZE, "celery", "load"):
        assert callable(import_module(f"benchmarks.measures.{part}").measure), part


def test_what_a_killed_process_could_not_record_is_called_again_and_is_no_double() -> None:
    noted = {
        "once": [(1, 10.0)],
        "called again": [(2, 25.0), (1, 19.9)],
        "by both while both lived": [(1, 10.0), (2, 11.0)],
        "twice by the one that lived": [(2, 30.0), (2, 31.0)],
        "again and again": [(1, 19.0), (2, 25.0), (2, 26.0)],
    }
    assert count_doubled(noted, victim=1, killed=20.0) == (3, 1)
