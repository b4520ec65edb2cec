"""Two schedulers, one of them killed: how soon the other takes over, and what runs twice."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path

from django_scheduler import jobs
from django_scheduler.models import Run
from django_scheduler.states import RunStatus

from ..figures import Figure
from ..loading import clear, load, make_due
from ..processes import Child, scheduler, wait_until
from .place import Place

__all__ = ["count_doubled", "measure"]

LEASE, BEAT = 3.0, 0.5
SETTINGS = json.dumps({"LEASE": LEASE, "HEARTBEAT_INTERVAL": BEAT, "MONITOR_INTERVAL": 0.2})
ONE_SECOND_JOBS = 100


def measure(place: Place) -> list[Figure]:
    """The gap, then duplicates with one kill in the middle."""
    kills = place.pick(1, 2, 5)
    return [_gap(place, kills), _duplicates(place, place.pick(2.0, 8.0, 15.0))]


def _gap(place: Place, kills: int) -> Figure:
    ids = load(10, "benchmarks.pause", kwargs={"seconds": 120})
    gaps = []
    for number in range(kills):
        with scheduler(place.folder, f"victim-{number}", SETTINGS) as victim:
            make_due(ids)
            running = Run.objects.filter(status=RunStatus.RUNNING.value)
            wait_until(lambda running=running: running.count() == len(ids), 60, "all running")
            with scheduler(place.folder, f"heir-{number}", SETTINGS):
                gaps.append(_killed(victim, len(ids)))
        Run.objects.all().delete()
    clear()
    most = max(gaps)
    return Figure(
        "takeover", "kill -9: until the runs are taken over", place.kind, most, "s",
        ratio=most / (LEASE + BEAT), target="≤ lease + one beat", good=most <= LEASE + BEAT,
        note=f"the longest of {kills}; lease {LEASE:g} s, beat {BEAT:g} s; ratio to their sum",
        series={"ours": gaps},
    )  # fmt: skip


def _killed(victim: Child, count: int) -> float:
    victim.kill()
    lost = Run.objects.filter(status=RunStatus.LOST.value)
    return wait_until(lambda: lost.count() == count, 10 * LEASE, "the takeover")


def _duplicates(place: Place, seconds: float) -> Figure:
    """Count what functions noted, not what rows say."""
    notes = place.folder / "notes"
    for number in range(ONE_SECOND_JOBS):
        jobs.add(
            f"note-{number}", function="benchmarks.note", schedule="@every 1s",
            kwargs={"path": str(notes)}, misfire_grace=60, catch_up="all",
        )  # fmt: skip
    with (
        scheduler(place.folder, "first", SETTINGS) as first,
        scheduler(place.folder, "second", SETTINGS) as second,
    ):
        time.sleep(seconds / 2)
        first.kill()
        killed = time.time()
        time.sleep(seconds / 2 + LEASE)
        second.stop(20)
    noted = _noted(notes)
    doubled, again = count_doubled(noted, first.pid, killed)
    clear()
    return Figure(
        "takeover", "two schedulers, one killed: doubled", place.kind, doubled, "attempts",
        target="0", good=doubled == 0,
        note=f"{len(noted):,} attempts noted by {ONE_SECOND_JOBS} one-second jobs; {again} were"
        " called again because the killed process could not record them (at least once)",
    )  # fmt: skip


Notes = dict[str, list[tuple[int, float]]]


def _noted(path: Path) -> Notes:
    """Return, of each attempt, which processes called it and when."""
    found: Notes = defaultdict(list)
    for line in path.read_text().splitlines() if path.exists() else ():
        pid, at, attempt = line.split(" ", 2)
        found[attempt].append((int(pid), float(at)))
    return found


def count_doubled(noted: Notes, victim: int, killed: float) -> tuple[int, int]:
    """Return how many attempts were called twice, and how many of the victim's once more later.

    What the victim had called and not recorded when it was killed is called again: that is what
    "at least once" promises. Everything else that is called twice is a fault.
    """
    doubled = again = 0
    for calls in noted.values():
        if len(calls) == 1:
            continue
        (first, _), *later = sorted(calls, key=lambda call: call[1])
        if len(later) == 1 and first == victim != later[0][0] and later[0][1] > killed:
            again += 1
        else:
            doubled += 1
    return doubled, again
