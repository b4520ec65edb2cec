"""A thousand jobs due at one instant: each in a thread of its own, or all in one event loop."""

from __future__ import annotations

import time
from datetime import timedelta

from .. import jobs
from ..figures import Figure, percentile
from ..loading import clear, load, make_due, utc_now
from ..processes import wait_until
from ..seams import running
from .place import Place

__all__ = ["measure"]


def measure(place: Place) -> list[Figure]:
    """Functions that sleep and use no database: all running within how long of being due."""
    count = place.pick(10, 1_000, 1_000)
    return [
        _at_once(place, count, "threads", "benchmarks.pause", "default"),
        _at_once(place, count, "asyncio", "benchmarks.apause", "asyncio"),
    ]


def _at_once(place: Place, count: int, what: str, function: str, executor: str) -> Figure:
    pause, ahead = place.pick(0.5, 3.0, 3.0), place.pick(1.0, 5.0, 5.0)
    clear()
    ids = load(count, function, kwargs={"seconds": pause}, executor=executor)
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
        "pool", f"{count:,} at once, {what}", place.kind, last, "s",
        target="all within 1 s", good=last <= 1.0,
        note=f"median of {len(rounds)}; half were running after"
        f" {percentile(rounds[-1], 0.5):.2f} s; functions sleep {pause:g} s",
        series={"ours": sorted(rounds[-1])[::10]},
    )  # fmt: skip
