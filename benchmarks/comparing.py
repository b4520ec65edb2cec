"""What is only seen by comparing figures of several measurements."""

from __future__ import annotations

from .figures import Figure

__all__ = ["by_size"]

TARGET = 0.8


def by_size(figures: list[Figure]) -> list[Figure]:
    """Return the largest size against the smallest, of the figures of one database."""
    sizes = sorted({int(each.series["size"][0]) for each in figures})
    if len(sizes) < 2:
        return []
    least, most = (_median_rate(figures, size) for size in (sizes[0], sizes[-1]))
    ratio = most / least
    return [
        Figure(
            "rate", f"rate at {sizes[-1]:,} jobs against {sizes[0]:,}", figures[0].where, most,
            "runs/s", ratio=ratio, target=f"≥ {TARGET}", good=ratio >= TARGET,
            note=f"{least:,.0f}/s with {sizes[0]:,}; ratio of the two; measured in turn",
        )
    ]  # fmt: skip


def _median_rate(figures: list[Figure], size: int) -> float:
    rates = sorted(
        each.series["count"][0] / seconds
        for each in figures
        if each.series["size"][0] == size
        for seconds in each.series["ours"]
    )
    return rates[len(rates) // 2]
