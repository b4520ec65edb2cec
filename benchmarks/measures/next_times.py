"""Next times a second, as `benchmarks.next_times` measures them."""

from __future__ import annotations

from .. import next_times
from ..figures import Figure, absent
from .place import Effort

__all__ = ["measure"]

TARGET = 100_000
CALLS = {"smoke": 600, "quick": 200_000, "full": 1_000_000}


def measure(effort: Effort) -> list[Figure]:
    """Ours first; the ratio of the others is how many times faster ours is."""
    found: list[Figure] = []
    first = 0.0
    for name, version, rate in next_times.rows(CALLS[effort]):
        first = first or rate
        found.append(Figure("next_times", name, version, rate, "calls/s", ratio=first / rate))
    shown = {each.name for each in found}
    found += [
        absent("next_times", name, "not installed beside this package")
        for _, name, _ in next_times.OTHERS
        if name not in shown
    ]
    found[0].target, found[0].good = f"≥ {TARGET:,}/s", first >= TARGET
    return found
