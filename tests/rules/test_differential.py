"""A share of the comparison with brute force in every run; all of it is ``tox -e oracle``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random, SystemRandom

import pytest

from django_scheduler.schedules import Schedule, parse_schedule

from . import differential
from .differential import compare, difference, smallest
from .random_cases import CronCase, Window
from .times import UTC, at

PARIS = Window("Europe/Paris", at("2026-03-28 21:00"), at("2026-03-29 05:00"))


def test_a_random_share_agrees_with_brute_force(capsys: pytest.CaptureFixture[str]) -> None:
    """S1, S4, S11: cron and intervals; the seed is printed, and repeats the run."""
    seed = SystemRandom().randrange(2**32)
    tally, found = compare(1500, seed, more=3)
    with capsys.disabled():
        sys.stdout.write(f" seed {seed}: {tally} ")
    assert found == [], f"python -m tests.rules.differential --seed {seed}"
    assert tally["cases"] == 1500
    assert tally["occurrences"] > 5000


@dataclass(frozen=True)
class Off(Schedule):
    """A schedule that errs in a chosen way."""

    real: Schedule
    error: str

    def next_after(self, instant: datetime) -> datetime | None:
        """Leaves out, invents or repeats."""
        found = self.real.next_after(instant)
        if self.error == "leaves out" and found is not None and found.hour == 1:
            return self.real.next_after(found)
        if self.error == "invents" and found is not None:
            return min(found, instant + timedelta(minutes=7))
        return instant if self.error == "repeats" and found is not None else found

    def previous_before(self, instant: datetime) -> datetime | None:
        """Too early."""
        found = self.real.previous_before(instant)
        late = self.error == "looks back wrongly" and found is not None
        return self.real.previous_before(found) if late and found else found

    def count_between(self, after: datetime, until: datetime) -> int:
        """One too many."""
        return self.real.count_between(after, until) + (self.error == "miscounts")

    def __str__(self) -> str:
        return str(self.real)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("leaves out", "forwards"),
        ("invents", "forwards"),
        ("repeats", "forwards"),
        ("looks back wrongly", "backwards"),
        ("miscounts", "counted"),
        ("reads back otherwise", "written and read again"),
    ],
)
def test_every_kind_of_error_is_noticed(
    monkeypatch: pytest.MonkeyPatch, error: str, said: str
) -> None:
    """A comparison that never fails proves nothing."""
    case = CronCase("*/15 * * * *", PARIS)
    assert difference(case, Random(1)) == ("", 32)
    off = Off(parse_schedule(case.text, PARIS.zone), error)
    monkeypatch.setattr(CronCase, "schedule", lambda self: off)
    assert said in difference(case, Random(1))[0]


def test_a_difference_is_told_in_its_smallest_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not matter to it is left out one by one."""
    right = CronCase.schedule

    def off(case: CronCase) -> Schedule:
        return Off(right(case), "leaves out" if "30" in case.expression else "")

    monkeypatch.setattr(CronCase, "schedule", off)
    options = {"day_mode": "and", "gap": "skip", "fold": "last"}
    case = CronCase("5,30 */3,1-3 29,28 3 1-7", PARIS, options)
    assert difference(case, Random(1))[0]
    small = smallest(case)
    assert isinstance(small, CronCase)
    assert "30" in small.expression and len(small.expression) < len(case.expression)
    assert small.options == {"day_mode": "or", "gap": "shift", "fold": "first"}


@pytest.mark.parametrize(("wrong", "code"), [(False, 0), (True, 1)])
def test_the_command_prints_seed_and_count_and_fails_on_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: bool, code: int
) -> None:
    """What it prints is enough to repeat it."""
    if wrong:
        right = CronCase.schedule
        monkeypatch.setattr(CronCase, "schedule", lambda self: Off(right(self), "miscounts"))
    monkeypatch.setattr(differential, "_MORE_ZONES", 0)
    monkeypatch.setattr(
        differential, "places", lambda random, more: [("UTC", "2026-02-28 12:00")] * 30
    )
    monkeypatch.setattr("sys.argv", ["differential", "--cases", "40", "--seed", "99"])
    assert differential.main() == code
    printed = capsys.readouterr().out
    assert "seed 99" in printed
    assert f"{int(wrong)} differences" in printed
    assert ("found as case" in printed) is wrong
    assert wrong or ("40 cases" in printed and "1 zones" in printed)


def test_windows_say_where_they_are() -> None:
    """In a form that can be typed in."""
    assert str(PARIS) == "Europe/Paris from 2026-03-28T21:00:00Z to 2026-03-29T05:00:00Z"
    assert PARIS.start.tzinfo is UTC
