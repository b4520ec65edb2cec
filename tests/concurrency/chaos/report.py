"""What a run of chaos says in the end."""

from __future__ import annotations

from collections import Counter

from .effects_check import gaps_of, started_again
from .history import History
from .verdict import FAULTS, Verdict

BINS = (1.05, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0)
MOST_SHOWN = 40


def told(history: History, verdict: Verdict, counted: Counter[str]) -> str:
    """Return the report, a line for each figure and each fault."""
    figures = Counter(verdict.counted)
    figures.update(counted)
    figures["takeovers"] = figures["processes dead"]
    figures["runs begun again under the same id, their process being lost"] = sum(
        count > 1 for count in started_again(history).values()
    )
    for kind in FAULTS:
        figures[f"faults: {kind}"] = len(verdict.of_kind(kind))
    width = max(len(name) for name in figures)
    lines = [f"{name:<{width}}  {figures[name]:>8}" for name in sorted(figures)]
    lines += [_gaps(history, name) for name in sorted(history.steady)]
    worst = max((gap for name in history.steady for gap in gaps_of(history, name)), default=0)
    lines.append(f"worst gap between two starts of a steady one-second job: {worst:.2f} s")
    # What went wrong with the run itself first: much else may follow from it.
    shown = sorted(verdict.faults, key=lambda fault: fault.kind != "other")
    lines += [f"FAULT {fault}" for fault in shown[:MOST_SHOWN]]
    if len(verdict.faults) > MOST_SHOWN:
        lines.append(f"… and {len(verdict.faults) - MOST_SHOWN} more faults")
    return "\n".join(lines)


def _gaps(history: History, name: str) -> str:
    """The distances between consecutive starts of one job, the worst and how they spread."""
    gaps = gaps_of(history, name)
    if not gaps:
        return f"{name}: no two starts"
    counts = Counter(next((b for b in BINS if gap <= b), float("inf")) for gap in gaps)
    spread = "  ".join(f"≤{b:g}: {counts[b]}" for b in BINS)
    return f"{name}: worst gap {max(gaps):.2f} s  {spread}  longer: {counts[float('inf')]}"
