"""What a checker says: faults, and what it counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

FAULTS = ("lost", "doubled", "overwritten", "early", "miscounted", "hanging", "other")
"""The kinds of faults. ``other`` is whatever else breaks a promise."""


@dataclass(frozen=True)
class Fault:
    """One broken promise, told so that somebody can look it up."""

    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


@dataclass
class Verdict:
    """The faults found, and the figures."""

    faults: list[Fault] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def blame(self, kind: str, words: str) -> None:
        """Add a fault."""
        assert kind in FAULTS
        self.faults.append(Fault(kind, words))

    def of_kind(self, kind: str) -> list[Fault]:
        """Return the faults of one kind."""
        return [fault for fault in self.faults if fault.kind == kind]
