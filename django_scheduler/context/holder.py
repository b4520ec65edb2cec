"""Who keeps a run at its checkpoint while it is to pause."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Holder", "NoHolder"]


class Holder(Protocol):
    """Keeps a run at its checkpoint. Both return when it is to go on, or to end."""

    def hold(self) -> None:
        """Hold in the function's own thread."""

    async def ahold(self) -> None:
        """Hold in the function's event loop, and nothing else that runs there."""


class NoHolder:
    """Holds nothing: for a context that nobody carries out, as in a test of a function."""

    def hold(self) -> None:
        """Return at once."""

    async def ahold(self) -> None:
        """Return at once."""
