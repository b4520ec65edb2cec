"""Compare the schedules with brute force, many thousand times, and say what was found.

``python -m tests.rules.differential --cases 120000 --seed 7``: a case is one schedule with its
options in one window of one zone, walked forwards, walked backwards, counted, and asked at random
instants. The seed is random if not given, and always printed: with it and the same time zone
database a run repeats exactly. Exits 1 and shows the smallest form of the first difference.
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random, SystemRandom

from django_scheduler.exceptions import UnsatisfiableSchedule
from django_scheduler.schedules import Schedule, parse_schedule, zones_version

from .random_cases import Case, Corner, CronCase, IntervalCase, Place
from .transitions import MONTH_ENDS, TRANSITIONS, more_transitions

TICK = timedelta(microseconds=1)
_MORE_ZONES = 30
#: Cases at one place before going to another one.
_A_CORNER = 100


class Tally(Counter[str]):
    """What has been compared."""

    zones: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.zones = set()

    def add(self, case: Case, occurrences: int) -> None:
        """Count one case."""
        self["cases"] += 1
        self["occurrences"] += occurrences
        self["empty"] += not occurrences
        self["intervals"] += isinstance(case, IntervalCase)
        self["six fields"] += isinstance(case, CronCase) and len(case.expression.split()) == 6
        self.zones.add(case.window.zone)

    def __str__(self) -> str:
        numbers = ", ".join(
            f"{self[name]} {name}" for name in ("cases", "intervals", "six fields", "occurrences")
        )
        return f"{numbers}, {self['empty']} empty windows, {len(self.zones)} zones"


def places(random: Random, more: int = _MORE_ZONES) -> list[Place]:
    """The transitions everybody knows, ends of months, and some from anywhere."""
    return [*TRANSITIONS, *MONTH_ENDS, *more_transitions(random, more)]


def difference(case: Case, random: Random) -> tuple[str, int]:
    """What differs, in words, or nothing; and how many occurrences were expected."""
    expected = case.expected()
    try:
        schedule = case.schedule()
    except UnsatisfiableSchedule:
        return ("refused, but there are occurrences" if expected else ""), len(expected)
    found = next(_differences(case, schedule, expected, random), "")
    return found, len(expected)


def _differences(
    case: Case, schedule: Schedule, expected: list[datetime], random: Random
) -> Iterator[str]:
    start, end = case.window.start, case.window.end
    yield from _unlike("forwards", _walk(schedule, start, end, len(expected)), expected)
    back = _walk_back(schedule, start, end, len(expected))
    yield from _unlike("backwards", back[::-1], expected)
    yield from _miscounted(schedule, start, end, expected)
    for _ in range(2):
        instant = start + random.random() * (end - start)
        yield from _miscounted(schedule, instant, end, expected)
        yield from _misplaced(schedule, instant, end, expected)
    if expected:
        yield from _misplaced(schedule, random.choice(expected), end, expected)
    again = parse_schedule(str(schedule), schedule.timezone, getattr(schedule, "anchor", None))
    if again != schedule:
        yield f"{schedule!r} written and read again is {again!r}"


def _walk(schedule: Schedule, start: datetime, end: datetime, enough: int) -> list[datetime]:
    found: list[datetime] = []
    instant = schedule.next_after(start - TICK)
    while instant is not None and instant < end and len(found) <= enough:
        found.append(instant)
        instant = schedule.next_after(instant)
    return found


def _walk_back(schedule: Schedule, start: datetime, end: datetime, enough: int) -> list[datetime]:
    found: list[datetime] = []
    instant = schedule.previous_before(end)
    while instant is not None and instant >= start and len(found) <= enough:
        found.append(instant)
        instant = schedule.previous_before(instant)
    return found


def _unlike(way: str, found: list[datetime], expected: list[datetime]) -> Iterator[str]:
    if found != expected:
        invented = [f"{each:%d %H:%M:%S.%f}" for each in found if each not in expected][:5]
        left_out = [f"{each:%d %H:%M:%S.%f}" for each in expected if each not in found][:5]
        yield f"{way}: {len(found)} instead of {len(expected)}: {invented=} {left_out=}"


def _miscounted(
    schedule: Schedule, after: datetime, end: datetime, expected: list[datetime]
) -> Iterator[str]:
    """(after, end) holds as many as it should."""
    wanted = len(expected) - bisect_left(expected, after)
    counted = schedule.count_between(after - TICK, end - TICK)
    if counted != wanted:
        yield f"counted from {after}: {counted} instead of {wanted}"


def _misplaced(
    schedule: Schedule, instant: datetime, end: datetime, expected: list[datetime]
) -> Iterator[str]:
    """Next and previous of an instant are its neighbours."""
    right = bisect_right(expected, instant)
    following = schedule.next_after(instant)
    if following is not None and following >= end:
        following = None
    if following != (expected[right] if right < len(expected) else None):
        yield f"next_after({instant}) is {following}"
    left = bisect_left(expected, instant)
    if left and schedule.previous_before(instant) != expected[left - 1]:
        yield f"previous_before({instant}) is {schedule.previous_before(instant)}"


def smallest(case: Case) -> Case:
    """A simpler case that still differs, as far as leaving things out one by one leads."""
    for simpler in _simpler(case):
        if difference(simpler, Random(0))[0]:
            return smallest(simpler)
    return case


def _simpler(case: Case) -> Iterator[Case]:
    if not isinstance(case, CronCase):
        return
    for name, calm in (("day_mode", "or"), ("gap", "shift"), ("fold", "first")):
        if case.options[name] != calm:
            yield replace(case, options={**case.options, name: calm})
    words = case.expression.split()
    for place, word in enumerate(words):
        items = word.split(",")
        shorter = [",".join(items[:cut] + items[cut + 1 :]) for cut in range(len(items))]
        shorter = [each for each in shorter if each] + ["*"] * (word != "*" and place >= 2)
        for each in shorter:
            yield replace(case, expression=" ".join([*words[:place], each, *words[place + 1 :]]))


def compare(cases: int, seed: int, more: int = _MORE_ZONES) -> tuple[Tally, list[str]]:
    """So many cases compared; the first differences, smallest form first."""
    random = Random(seed)
    where = places(random, more)
    tally = Tally()
    for number in range(cases):
        if number % _A_CORNER == 0:
            corner = Corner.random(random, where)
        case = corner.case(random)
        found, occurrences = difference(case, random)
        tally.add(case, occurrences)
        if found:
            small = smallest(case)
            said = difference(small, Random(0))[0] or found
            return tally, [f"{small}: {said}", f"found as case {number}: {case}: {found}"]
    return tally, []


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.rules.differential")
    parser.add_argument("--cases", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = SystemRandom().randrange(2**32) if asked.seed is None else asked.seed
    sys.stdout.write(f"seed {seed}, time zone database {zones_version()}\n")
    sys.stdout.flush()
    begun = time.perf_counter()
    tally, found = compare(asked.cases, seed)
    spent = time.perf_counter() - begun
    sys.stdout.write(f"{tally}\n{len(found[:1])} differences in {spent:.0f} s\n")
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
