"""How long the jobs notice that one of two schedulers was killed: measured under load.

``python -m tests.concurrency.chaos.gap --database postgres --csv takeover.csv`` runs many
one-second jobs on two schedulers, kills one of them again and again, and says how late each
occurrence began. `docs/pictures/takeover.py` draws the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from django_scheduler.clock import SystemClock

from .coverage import instant_of
from .history import Call
from .options import DATABASES, SETTINGS

if TYPE_CHECKING:
    from .keeper import Orders

WARM_UP, AFTERWARDS = 6.0, 4.0
OVERLAPS = {"allow": 0.0, "skip": 1.0}
"""By policy, the seconds that may come on top of lease and beat: no retry comes sooner."""


@dataclass(frozen=True)
class Sample:
    """One occurrence: when it was due, in seconds after the nearest kill, and how late it began."""

    kill: int
    due: float
    late: float
    job: str


def main() -> int:
    """Measure, write the file, and return 1 if a gap is longer than the lease and one beat."""
    told = _read()
    settings = {**SETTINGS, "LEASE": told.lease, "HEARTBEAT_INTERVAL": told.beat}
    os.environ["TEST_DJANGO_SCHEDULER"] = json.dumps(settings)
    folder = Path(tempfile.mkdtemp(prefix="scheduler-gap-"))
    try:
        samples, gaps = _measure(told, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if told.csv:
        _write(Path(told.csv), samples)
    return 0 if _tell(told, samples, gaps) else 1


def _read() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.concurrency.chaos.gap")
    add = parser.add_argument
    add("--database", choices=DATABASES)
    add("--jobs", type=int, default=60, help="one-second jobs (default: %(default)s)")
    add("--kills", type=int, default=6, help="one after the other (default: %(default)s)")
    add("--lease", type=float, default=2.0)
    add("--beat", type=float, default=0.5)
    add("--csv", help="the file that gets a line for each occurrence")
    return parser.parse_args()


def _measure(told: argparse.Namespace, folder: Path) -> tuple[list[Sample], dict[str, float]]:
    from . import database

    with database.prepared(told.database, folder):
        from django.core.management import call_command
        from django.db import connections

        from . import chronicle, effects
        from .child import live
        from .keeper import fork_keeper

        call_command("runscheduler", check=True, stdout=(folder / "check").open("w"))
        connections.close_all()
        orders = fork_keeper(folder / "fates", partial(live, folder), _longest(told) + 60)
        try:
            _play(told, orders)
        finally:
            orders.close()
        calls, _ = effects.read(folder)
        fates, _ = chronicle.read_fates(folder / "fates")
        kills = sorted(fate.killed for fate in fates.values() if fate.killed is not None)
        connections.close_all()
    return _samples(calls, kills), _worst_gaps(calls)


def _longest(told: argparse.Namespace) -> float:
    return float(WARM_UP + told.kills * (told.lease + 3 * told.beat + AFTERWARDS) + 60)


def _play(told: argparse.Namespace, orders: Orders) -> None:
    from django_scheduler import jobs

    clock = SystemClock()
    orders.give("slots", count=2)
    for number in range(told.jobs):
        overlap = list(OVERLAPS)[number % len(OVERLAPS)]
        name = f"{overlap} {number}"
        jobs.add(name, function="chaos.work", schedule="@every 1s", overlap=overlap)
    clock.wait(threading.Event(), WARM_UP)
    for number in range(told.kills):
        orders.give("kill", slots=[number % 2])
        clock.wait(threading.Event(), told.lease + 3 * told.beat + AFTERWARDS)
    orders.give("stop")


def _samples(calls: list[Call], kills: list[float]) -> list[Sample]:
    """Return the first call for each occurrence, beside the kill that it is nearest to."""
    found: dict[tuple[str, str], Sample] = {}
    for call in sorted(calls, key=lambda call: call.start):
        late = (call.at - instant_of(call.key)).total_seconds()
        due = call.start - late
        after = [number for number, at in enumerate(kills) if at <= due + 2]
        if after and (call.job, call.key) not in found:
            sample = Sample(after[-1], due - kills[after[-1]], late, call.job)
            found[call.job, call.key] = sample
    return list(found.values())


def _worst_gaps(calls: list[Call]) -> dict[str, float]:
    """Return by job the longest time between two starts, less the second that lies between any."""
    starts: dict[str, list[float]] = {}
    for call in sorted(calls, key=lambda call: call.start):
        starts.setdefault(call.job, []).append(call.start)
    return {
        job: max(later - sooner for sooner, later in pairwise(each)) - 1
        for job, each in starts.items()
        if len(each) > 1
    }


def _write(path: Path, samples: list[Sample]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kill", "due_after_kill_s", "late_s", "job"])
        for each in sorted(samples, key=lambda each: (each.kill, each.due)):
            writer.writerow([each.kill, f"{each.due:.4f}", f"{each.late:.4f}", each.job])


def _tell(told: argparse.Namespace, samples: list[Sample], gaps: dict[str, float]) -> bool:
    bound = told.lease + told.beat
    calm = sorted(each.late for each in samples if not 0 <= each.due + each.late < bound + 1)
    worst = max(samples, key=lambda each: each.late)
    lines = [
        f"{len(samples)} occurrences of {told.jobs} jobs, {told.kills} kills,"
        f" lease {told.lease:g} s, beat {told.beat:g} s",
        f"undisturbed: median {_share(calm, 0.5):.1f} ms late, p99 {_share(calm, 0.99):.1f} ms",
        f"latest begin: {worst.late:.2f} s ({worst.job}, due {worst.due:+.2f} s after a kill)",
    ]
    is_good = True
    for overlap, more in OVERLAPS.items():
        mine = [gap for job, gap in gaps.items() if job.startswith(overlap)]
        is_within = bool(mine) and max(mine) <= bound + more
        is_good &= is_within
        lines.append(
            f"longest gap of a job with overlap={overlap}: {max(mine, default=0):.2f} s, "
            f"{'within' if is_within else 'OVER'} {bound + more:g} s"
        )
    sys.stdout.write("\n".join([*lines, ""]))
    return is_good


def _share(values: list[float], share: float) -> float:
    return 1000 * values[int(share * (len(values) - 1))] if values else 0.0


if __name__ == "__main__":
    sys.exit(main())
