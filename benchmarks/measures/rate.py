"""Runs a second, due to recorded, when the due jobs are few among many."""

from __future__ import annotations

import random

from ..figures import Figure, pairwise
from ..loading import utc_now
from ..seams import running
from .end_to_end import THREADS, drained, drained_raw
from .place import Place

__all__ = ["measure"]


def measure(place: Place) -> list[Figure]:
    """Due are jobs from everywhere in the tables, as they are in life, not neighbours."""
    from django_scheduler.models import Job

    count = min(place.size, place.pick(20, 500, 1_000))
    lowest = Job.objects.order_by("pk").values_list("pk", flat=True)[0]
    chosen = random.Random(place.size)
    begun = utc_now()

    def some() -> list[int]:
        return sorted(chosen.sample(range(lowest, lowest + place.size), count))

    with place.bare() as bare:

        def ours() -> float:
            with running(THREADS) as scheduler:
                return drained(scheduler, bare, some())

        pairs = pairwise(
            ours, lambda: drained_raw(bare, some()), place.pick(1, 3, 3), place.seconds / 3
        )
    name = f"rate with {place.size:,} jobs"
    series = {"size": [place.size], "ours": pairs.ours, "raw": pairs.raw, "count": [count]}
    return [
        Figure(
            "rate", name, place.kind, pairs.rate(count), "runs/s", ratio=pairs.ratio,
            note=f"raw {pairs.raw_rate(count):,.0f}/s; {count:,} due at once"
            f" at {begun:%H:%M:%S}", series=series,
        )
    ]  # fmt: skip
