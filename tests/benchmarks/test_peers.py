"""What is asked of peers, and how their answers are read; the peers themselves are not needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from benchmarks import databases
from benchmarks.peers import asking, harness, noting
from benchmarks.peers.base import Peer
from benchmarks.running import Plan

CALLER = "from benchmarks.peers.noting import call\nfor n in range({times}): call(f'job-{{n % 5}}')"


class Loop(Peer):
    """A scheduler that calls at once and then stays."""

    times = 10

    def due(self, count: int, at: datetime) -> None:
        """It needs no rows."""

    def schedulers(self) -> list[list[str]]:
        """Call and wait."""
        wait = "\nimport time; time.sleep(60)"
        return [[sys.executable, "-c", CALLER.format(times=self.times) + wait]]


@pytest.fixture(autouse=True)
def _notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_NOTES", str(tmp_path / "notes"))
    monkeypatch.setattr(harness, "SETTLE", 0.1)


def test_a_rate_is_counted_between_the_first_and_the_last_call(tmp_path: Path) -> None:
    figure = harness.due(Loop(), 10, 20, tmp_path)
    calls = noting.noted()
    assert len(calls) == 10
    assert figure.value == pytest.approx(9 / (calls[-1][1] - calls[0][1]))
    assert figure.note == ""


def test_calls_that_are_missing_are_told(tmp_path: Path) -> None:
    figure = harness.due(Loop(), 1_000, 2, tmp_path)
    assert figure.note == "only 10 called in 2 s"


def test_a_scheduler_that_ends_by_itself_is_no_measurement(tmp_path: Path) -> None:
    class Broken(Loop):
        def schedulers(self) -> list[list[str]]:
            return [[sys.executable, "-c", CALLER.format(times=10) + "\nraise SystemExit('oh')"]]

    with pytest.raises(RuntimeError, match="oh"):
        harness.due(Broken(), 1_000, 1, tmp_path)


@pytest.mark.parametrize(
    ("calls", "late"),
    [
        ([10.25, 11.25, 12.26], [0, 0, 10]),
        # The calls of one job may lie on both sides of a full second.
        ([10.99, 11.995, 13.01], [0, 5, 20]),
    ],
)
def test_lateness_counts_from_the_jobs_own_second(calls: list[float], late: list[float]) -> None:
    found = harness._late([("a", at) for at in calls], grid=True)
    assert sorted(found) == pytest.approx(late, abs=0.01)


def test_who_counts_from_the_last_run_is_late_by_what_a_second_was_too_long() -> None:
    found = harness._late([("a", 1.0), ("a", 2.5), ("b", 7.0), ("a", 3.4)], grid=False)
    assert found == pytest.approx([500, 0])


def test_where_there_is_no_server_every_peer_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(kind: str) -> Iterator[None]:
        raise databases.Absent("no server")

    monkeypatch.setattr(databases, "reachable", away)
    rows = list(asking.ask_all(Plan(("peers",)), None))
    assert [row.where for row in rows] == list(asking.PEERS.values())
    assert {row.note for row in rows} == {"not measured: no server"}
