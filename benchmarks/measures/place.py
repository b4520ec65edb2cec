"""Where a measurement takes place: which database, how large, how thorough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..raw import Bare, bare

__all__ = ["Effort", "Place"]

Effort = Literal["smoke", "quick", "full"]
"""``smoke`` only shows that the measurement works; its figures mean nothing."""

Number = TypeVar("Number", int, float)


@dataclass
class Place:
    """Given to each measurement, which leaves the database as it found it, or empty."""

    kind: str
    config: dict[str, Any]
    effort: Effort = "full"
    size: int = 0
    folder: Path = field(default_factory=Path)

    @property
    def seconds(self) -> float:
        """How long rounds may be repeated; three are made in any case."""
        return self.pick(0.0, 20.0, 90.0)

    def pick(self, smoke: Number, quick: Number, full: Number) -> Number:
        """Return the one that belongs to the effort made here."""
        return {"smoke": smoke, "quick": quick, "full": full}[self.effort]

    @contextmanager
    def bare(self) -> Iterator[Bare]:
        """A connection of the bare driver."""
        connection = bare(self.config)
        try:
            yield connection
        finally:
            connection.close()
