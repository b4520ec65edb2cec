"""The benchmark of next times runs and asks what it says it asks."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks import next_times
from django_scheduler.schedules import parse_schedule


def test_the_table_is_printed_and_ours_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others that are not installed are left out with a word."""
    monkeypatch.setattr(next_times, "OTHERS", [("no-such-package", "Nobody's", lambda: None)])
    monkeypatch.setattr(next_times, "memory", lambda: [(10, 20)])
    next_times.main(["--calls", "600"])
    printed = capsys.readouterr()
    assert "| ours, 100 jobs share a pair |" in printed.out
    assert "20 KiB after 10" in printed.out
    assert "Nobody's: not installed" in printed.err


def test_questions_move_forward_and_are_shared() -> None:
    """Each asked occurrence is the schedule's own; all pairs take part."""
    asked = list(islice(next_times.questions(3), 3000))
    assert asked[0] == asked[1] == asked[2]
    assert {each[:2] for each in asked} == set(next_times.PAIRS)
    instants = [each[2] for each in asked]
    assert instants == sorted(instants)
    for expression, zone, instant in asked[150:]:
        schedule = parse_schedule(expression, zone)
        assert instant == next_times.BEGIN or schedule.previous_before(instant) is not None
