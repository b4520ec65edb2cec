"""What the benchmarks make of their figures: ratios, rows, pages."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks import comparing, databases, machine, plots, report
from benchmarks.figures import Figure, Pairs, absent, dump, load, machine_of, pairwise, percentile


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_the_sums() -> None:
    pairs = Pairs(ours=[2.0, 1.0, 100.0], raw=[1.0, 1.0, 1.0])
    assert pairs.ratio == 0.5
    assert pairs.rate(10) == 5.0
    assert pairs.raw_rate(10) == 10.0


def test_both_sides_are_warmed_up_and_take_turns_at_being_first() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    pairs = pairwise(lambda: side("ours"), lambda: side("raw"), 2)
    assert calls == ["ours", "raw", "raw", "ours", "ours", "raw"]
    assert pairs.ours == [4.0, 5.0]
    assert pairs.raw == [3.0, 6.0]


def test_time_ends_the_rounds_but_never_before_three() -> None:
    assert pairwise(lambda: 1.0, lambda: 1.0, 50, seconds=0).rounds == 3
    assert pairwise(lambda: 1.0, lambda: 1.0, 2, seconds=0).rounds == 2


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert percentile([7.0], 0.5) == 7.0


def test_the_most_jobs_are_compared_with_the_least() -> None:
    def measured(size: int, *seconds: float) -> Figure:
        series = {"size": [size], "count": [100], "ours": list(seconds)}
        return Figure("rate", "rate", "sqlite", series=series)

    (found,) = comparing.by_size([measured(10, 1.0, 1.0), measured(1000, 2.0), measured(10, 1.0)])
    assert found.name == "rate at 1,000 jobs against 10"
    assert (found.value, found.ratio, found.good) == (50.0, 0.5, False)
    assert comparing.by_size([measured(10, 1.0)]) == []


def test_the_page_shows_what_was_missed_and_what_was_absent() -> None:
    figures = [
        Figure("claim", "claim", "sqlite", 1234.5, "runs/s", 0.5, "≥ 0.75", False, "raw 2|3"),
        Figure("idle", "idle", "sqlite", 0.1234, "%", target="< 0.5 %", good=True, effort="smoke"),
        absent("pool", "asyncio", "no such\nexecutor", "sqlite"),
        Figure("lateness", "late", "sqlite", math.inf, "ms"),
    ]
    page = report.page(figures, ["2 cores"], ["images/benchmark-idle.svg"])
    assert "| claim | sqlite | 1,234 runs/s | 0.50 | ≥ 0.75 | missed; raw 2\\|3 |" in page
    assert "| idle | sqlite | 0.123 % |  | < 0.5 % | ✓ |" in page
    assert "| asyncio | sqlite | – |  |  | not measured: no such executor |" in page
    assert "| late | sqlite | ∞ ms |  |  |  |" in page
    assert "![What it costs while nothing is due](images/benchmark-idle.svg)" in page
    assert "figures mean nothing" in page
    assert "## Takeover" not in page
    absent_parts = page.partition("## Not in this run")[2]
    assert "Takeover" in absent_parts
    assert "Claiming" not in absent_parts


def test_figures_come_back_as_they_were_written(tmp_path: Path) -> None:
    figures = [Figure("claim", "a", value=math.inf, series={"ours": [1.0]}), absent("x", "y", "z")]
    dump(figures, tmp_path / "figures.json", ["2 cores"])
    assert machine_of(tmp_path / "figures.json") == ["2 cores"]
    assert load(tmp_path / "figures.json") == figures


@pytest.mark.plots
def test_the_same_figures_make_the_same_pictures(tmp_path: Path) -> None:
    figures = [
        Figure("claim", "claim", "sqlite", 1.0, ratio=0.5),
        Figure("idle", "idle", "sqlite", 0.2, series={"size": [10]}),
        Figure("lateness", "100 jobs: p99", "sqlite", 5.0, series={"ours": [1.0, 5.0]}),
        Figure("peers", "10,000 due: dispatched", "ours", 500.0),
    ]
    names = plots.draw(figures, tmp_path / "one")
    assert len(names) == 4
    assert plots.draw(figures, tmp_path / "two") == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert plots.draw([], tmp_path / "three") == []


def test_servers_of_other_machines_are_never_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, name in (("postgres", "TEST_POSTGRES_URL"), ("mariadb", "TEST_MARIADB_URL")):
        monkeypatch.setenv(name, "postgres://user@db.example.org/postgres")
        with pytest.raises(databases.Absent, match="another machine"):
            databases.reachable(kind)
    monkeypatch.setenv("TEST_REDIS_URL", "redis://db.example.org/0")
    with pytest.raises(databases.Absent, match="another machine"):
        databases.redis_url()


def test_the_machine_is_described_and_not_named() -> None:
    import platform

    lines = machine.describe(("sqlite",))
    assert "cores" in lines[0]
    assert "SQLite" in lines[-1]
    assert not any(platform.node() in line for line in lines)
