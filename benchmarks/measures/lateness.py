"""How late jobs of every second begin, on a scheduler process of its own."""

from __future__ import annotations

import math
import statistics
import time

from django_scheduler import jobs
from django_scheduler.models import Run
from django_scheduler.states import RunStatus

from ..figures import Figure, percentile
from ..loading import clear, utc_now
from ..processes import scheduler
from .place import Place

__all__ = ["measure"]

TARGET = "p50 < 3 ms, p99 < 10 ms"
WARM_UP = 3.0


def measure(place: Place) -> list[Figure]:
    """100, then 1,000 jobs, spread over the second as people's are."""
    return [
        _of(place, count, place.pick(2.0, 8.0, 20.0))
        for count in ((5, 10) if place.effort == "smoke" else (100, 1_000))
    ]


def _of(place: Place, count: int, seconds: float) -> Figure:
    for number in range(count):
        jobs.add(f"every-second-{number}", function="benchmarks.noop", schedule="@every 1s")
        if count <= 100:
            # An interval counts from its job's creation: made too fast, all would meet.
            time.sleep(0.01)
    with scheduler(place.folder):
        time.sleep(place.pick(0.5, WARM_UP, WARM_UP))
        begun = utc_now()
        time.sleep(seconds)
        ended = utc_now()
        late = _lateness(begun, ended)
    clear()
    name, due = f"{count:,} one-second jobs: p99", f"{count * seconds:,.0f} occurrences"
    if not late:
        note = f"it does not keep up: none of {due} of {seconds:.0f} s had begun"
        return Figure(
            "lateness", name, place.kind, math.inf, "ms", target=TARGET, good=False, note=note
        )
    p50, p99, most = percentile(late, 0.5), percentile(late, 0.99), max(late)
    return Figure(
        "lateness", name, place.kind, p99, "ms", target=TARGET, good=p50 < 3 and p99 < 10,
        note=f"p50 {p50:.1f}, mean {statistics.fmean(late):.1f}, max {most:.0f} ms;"
        f" {len(late):,} of {due} ran in {seconds:.0f} s",
        series={"ours": sorted(late)[:: max(1, len(late) // 500)]},
    )  # fmt: skip


def _lateness(begun: object, ended: object) -> list[float]:
    """Milliseconds of what was due in between and has begun."""
    due = Run.objects.filter(scheduled_for__gte=begun, scheduled_for__lt=ended)
    found = due.exclude(status=RunStatus.SKIPPED.value).values_list("lateness", flat=True)
    return [late.total_seconds() * 1000 for late in found if late is not None]
