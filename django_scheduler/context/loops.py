"""Whether code is called from an event loop."""

from __future__ import annotations

import asyncio

__all__ = ["is_in_loop"]


def is_in_loop() -> bool:
    """Tell whether this code is called from an event loop, which it must not hold up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
