"""Mutants that mean the same as the original, and why: (module, where, before, after) -> reason."""

from __future__ import annotations

from .equivalent_schedules import EQUIVALENT_SCHEDULES
from .mutations import bare

__all__ = ["EQUIVALENT"]

_TRUTH = "Only its truth is asked, and None is as false."

_EXPLAINED: dict[tuple[str, str, str, str], str] = {
    **EQUIVALENT_SCHEDULES,
    (
        "planning/chosen",
        "_caught_up",
        "newest = found.occurrences[-1]",
        "newest = found.occurrences[-0]",
    ): "Under latest there is one run at the most.",
    (
        "planning/due",
        "Sorted",
        "waits: bool = False",
        "waits: bool = True",
    ): "It is read only if something is left, and then it is given.",
    (
        "planning/stretch",
        "Stretch.keep_newest",
        "if self.count() <= limit:",
        "if self.count() < limit:",
    ): "The search then finds an instant before the first, and none lie beyond it.",
    (
        "planning/stretch",
        "Stretch._leaving",
        "if count < wanted:",
        "if count <= wanted:",
    ): "As many as wanted returned above.",
    (
        "planning/stretch",
        "Stretch._leaving",
        "middle = early + (late - early) / 2",
        "middle = early + (late - early) / 3",
    ): "Any instant between the two will do; the half is only the quickest.",
    (
        "policies",
        "Retry._growth",
        "return float(2 ** min(attempt - 1, 60))",
        "return float(2 ** min(attempt - 1, 61))",
    ): "Even a microsecond grown so often is beyond the longest delay.",
    (
        "policies",
        "Retry._growth",
        "return float(2 ** min(attempt - 1, 60))",
        "return float(2 ** min(attempt - 1, 59))",
    ): "Even a microsecond grown so often is beyond the longest delay.",
}

EQUIVALENT = {
    (module, where, bare(before), bare(after)): reason
    for (module, where, before, after), reason in _EXPLAINED.items()
}
