"""Coroutines for schedulers that run as processes of their own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from django_scheduler import job

from .jobs import note


@job("tests.awaits", takes_context=True)
async def awaits(context: Any, path: str) -> None:
    """Append the run's key and attempt to `path`, and wait until somebody ends it."""
    note(path, f"{context.key} {context.attempt}")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.to_thread(note, path, "cleaned up")


@job("tests.blocks")
async def blocks(path: str, seconds: float) -> str:
    """Hold the event loop, as nobody should, from when the file is there."""
    note(path)
    threading.Event().wait(seconds)
    return "let go"
