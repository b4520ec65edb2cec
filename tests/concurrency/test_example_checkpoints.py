"""The example's job of 9,000 rows is paused half-way, outlives its scheduler, misses nothing."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import wait_until

ORDERS = 9_000
ROOT = Path(__file__).resolve().parents[2]
LOAD = f"""
from django.utils import timezone
from shop.models import Order, Product
product = Product.objects.create(name="Teapot", category="Kitchen", price=7)
Order.objects.bulk_create(
    Order(reference=str(n), product=product, quantity=1, amount=n % 50, placed_at=timezone.now())
    for n in range({ORDERS})
)
"""


class Shop:
    """The example project with a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shop.sqlite3"
        self._folder = folder
        self._env = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{self._file}",
            "DJANGO_DEBUG": "0",  # or else it would start anew at each change of the code
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
        }
        self.manage("migrate", "--verbosity", "0")
        self.manage("scheduler", "sync")
        self.manage("shell", "-c", LOAD)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, str(ROOT / "example_project" / "manage.py"), *words]

    def manage(self, *words: str) -> str:
        """Carry out a command and return what it prints."""
        done = subprocess.run(
            self._command(*words), env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def order(self, what: str, run: str) -> None:
        """Pause or resume the run."""
        self.manage("shell", "-c", f"from django_scheduler import runs; runs.{what}('{run}')")

    @contextmanager
    def scheduler(self, name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a scheduler within the block; it is told to end, and has ended, after it."""
        with (self._folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                self._command("runscheduler", "--name", name, *options),
                env=self._env, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(40) == 0, (self._folder / f"{name}.log").read_text()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Read from the database's file."""
        with closing(sqlite3.connect(self._file, timeout=20)) as connection:
            return connection.execute(statement).fetchall()

    def runs(self) -> list[tuple[Any, ...]]:
        """The job's runs, oldest first: id, status, reason and how far each is."""
        return self.ask(
            "SELECT lower(id), status, reason, coalesce(completed, 0) FROM django_scheduler_run"
            " WHERE job_name = 'score-orders' ORDER BY queued_at, number"
        )

    def scored(self) -> list[tuple[Any, ...]]:
        """How many of the orders that were there at first are scored how often."""
        return self.ask(
            "SELECT times_scored, count(*) FROM shop_order WHERE batch_id IS NULL"
            " GROUP BY 1 ORDER BY 1"
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_nine_thousand_rows_are_each_processed_once_across_a_pause_and_a_restart(shop):
    """X3, C2"""
    with shop.scheduler("one"):
        shop.manage("scheduler", "trigger", "score-orders")
        first = wait_until(lambda: shop.runs()[0][0] if shop.runs() else "")
        wait_until(lambda: shop.runs()[0][3] >= 500)
        shop.order("pause", first)
        wait_until(lambda: shop.runs()[0][1] == "paused")
    before = shop.runs()
    assert [run[1:3] for run in before] == [("stopped", "shutdown"), ("queued", "")]
    half = before[0][3]
    assert 500 <= half < ORDERS
    with shop.scheduler("two"):
        wait_until(lambda: shop.runs()[1][1] == "paused")
        assert shop.scored() == [(0, ORDERS - half), (1, half)]
        shop.order("resume", shop.runs()[1][0])
        wait_until(lambda: shop.runs()[1][1] == "succeeded", seconds=60)
    assert shop.scored() == [(1, ORDERS)]
    # The shop goes on meanwhile: orders that were imported since are scored as well.
    assert shop.runs()[1][3] >= ORDERS - half
    carried = shop.ask("SELECT carried_state FROM django_scheduler_job WHERE name='score-orders'")
    assert json.loads(carried[0][0])["last_order"] >= ORDERS


def test_nine_thousand_rows_are_each_processed_once_across_a_restart_in_the_middle(shop):
    """X3, C4: a scheduler that is told to end without grace stops the run at its checkpoint."""
    with shop.scheduler("one", "--shutdown-grace", "0"):
        shop.manage("scheduler", "trigger", "score-orders")
        wait_until(lambda: shop.runs() and shop.runs()[0][3] >= 500)
    before = shop.runs()
    assert [run[1:3] for run in before] == [("stopped", "shutdown"), ("queued", "")]
    half = before[0][3]
    assert 500 <= half < ORDERS
    assert shop.scored() == [(0, ORDERS - half), (1, half)]
    with shop.scheduler("two"):
        wait_until(lambda: shop.runs()[1][1] == "succeeded", seconds=60)
    assert shop.scored() == [(1, ORDERS)]
    assert shop.runs()[1][3] >= ORDERS - half
