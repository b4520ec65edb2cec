"""What a measurement found: plain values that travel between processes as JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Figure", "absent", "dump", "load", "machine_of", "pairwise", "percentile"]

FEWEST = 3


@dataclass
class Figure:
    """One row of the report.

    ``ratio`` is ours over the bare driver's rate where there is one to compare with. ``good``
    says whether the target is met; None: there is no target, or nothing was measured.
    """

    part: str
    name: str
    where: str = ""
    value: float | None = None
    unit: str = ""
    ratio: float | None = None
    target: str = ""
    good: bool | None = None
    note: str = ""
    effort: str = ""
    series: dict[str, list[float]] = field(default_factory=dict)


def absent(part: str, name: str, why: str, where: str = "") -> Figure:
    """Return the row of what could not be measured, which is told and never left out."""
    return Figure(part, name, where, note=f"not measured: {why}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def pairwise(
    ours: Callable[[], float], raw: Callable[[], float], rounds: int, seconds: float = 60.0
) -> Pairs:
    """Measure A B A B, so that what disturbs the machine meets both.

    So many rounds, or as many as ``seconds`` allow, but three.
    """
    ours(), raw()  # caches, prepared statements, pages: warm for both
    mine: list[float] = []
    bare: list[float] = []
    end = time.perf_counter() + seconds
    for number in range(rounds):
        if number >= FEWEST and time.perf_counter() > end:
            break
        for measure, into in ((ours, mine), (raw, bare))[:: 1 if number % 2 else -1]:
            into.append(measure())
    return Pairs(mine, bare)


@dataclass
class Pairs:
    """Seconds of ours and of the bare driver, round by round."""

    ours: list[float]
    raw: list[float]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(self.ours)

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios of rates: 1 is as fast as the bare driver."""
        return statistics.median(
            bare / mine for mine, bare in zip(self.ours, self.raw, strict=True)
        )

    def rate(self, count: int) -> float:
        """Ours: things a second, of the median round."""
        return count / statistics.median(self.ours)

    def raw_rate(self, count: int) -> float:
        """The bare driver's: things a second, of the median round."""
        return count / statistics.median(self.raw)


def dump(figures: Iterable[Figure], path: Path, machine: Sequence[str] = ()) -> None:
    """Write the figures to a file, and what was said of the machine they were measured on."""
    found = {"machine": list(machine), "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(found, indent=1), encoding="utf-8")


def load(path: Path) -> list[Figure]:
    """Read the figures of a file."""
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return [Figure(**each) for each in found]


def machine_of(path: Path) -> list[str]:
    """Read what the file says of the machine its figures were measured on."""
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))["machine"]
    return found
