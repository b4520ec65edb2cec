"""A thousand jobs due at one instant, each in a thread of its own."""

from __future__ import annotations

import time
from datetime import timedelta

from .. import jobs
from ..figures import Figure, absent, percentile
from ..loading import load, make_due, utc_now
from ..processes import wait_until
from ..seams import has_executor, running
from .place import Place

__all__ = ["measure"]


def measure(place: Place) -> list[Figure]:
    """Functions that sleep and use no database: all running within how long of being due."""
    count = place.pick(10, 1_000, 1_000)
    found = [_threads(place, count)]
    if not has_executor("asyncio"):
        found.append(absent("pool", f"{count:,} at once, asyncio", "no such executor", place.kind))
    return found


def _threads(place: Place, count: int) -> Figure:
    pause, ahead = place.pick(0.5, 3.0, 3.0), place.pick(1.0, 5.0, 5.0)
    ids = load(count, "benchmarks.pause", kwargs={"seconds": pause})
    rounds = []
    for _ in range(place.pick(1, 2, 5)):
        jobs.began.clear()
        with running(count):
            due = make_due(ids, utc_now() + timedelta(seconds=ahead)).timestamp()
            wait_until(lambda: len(jobs.began) >= count, 60 + ahead, "all running")
            rounds.append([began - due for began in jobs.began])
            time.sleep(pause)
    last = percentile([max(each) for each in rounds], 0.5)
    return Figure(
        "pool", f"{count:,} at once, threads", place.kind, last, "s",
        target="all within 1 s", good=last <= 1.0,
        note=f"median of {len(rounds)}; half were running after"
        f" {percentile(rounds[-1], 0.5):.2f} s; functions sleep {pause:g} s",
        series={"ours": sorted(rounds[-1])[::10]},
    )  # fmt: skip
