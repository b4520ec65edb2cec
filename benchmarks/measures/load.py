"""So many jobs, all due far ahead: where the measurements of size take place."""

from __future__ import annotations

from ..figures import Figure
from ..loading import load
from ..raw import timed
from .place import Place

__all__ = ["measure"]


def measure(place: Place) -> list[Figure]:
    """Store the jobs; the figure is only told, for whoever wonders what the time goes into."""
    seconds = timed(lambda: load(place.size))
    return [Figure("load", f"{place.size:,} jobs stored", place.kind, seconds, "s")]
