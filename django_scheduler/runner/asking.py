"""Asking whether a fact held, without keeping an event loop from its other tasks meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from django.db import connections

from ..lifecycle import Fact

__all__ = ["Answerer", "ask_in_loop", "ask_in_thread"]

Answerer = Callable[[bool], None]


class Asked(Protocol):
    """What can be asked: a reporter."""

    def ask_then(self, fact: Fact, answer: Answerer) -> None:
        """Have the fact written down, and ``answer`` called once, from any thread."""


async def ask_in_loop(reporter: Asked, fact: Fact) -> bool:
    """Have the fact written down and return whether it still held; the event loop goes on."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bool] = loop.create_future()

    def settle(won: bool) -> None:
        if not answered.done():
            answered.set_result(won)

    def answer(won: bool) -> None:
        # In a loop that was closed meanwhile nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, won)

    reporter.ask_then(fact, answer)
    return await answered


def ask_in_thread(ask: Callable[[Fact], bool], fact: Fact, answer: Answerer) -> None:
    """Do ``ask_then`` for a reporter that can only wait: in a thread of its own."""

    def work() -> None:
        won = False
        try:
            won = ask(fact)
        finally:
            answer(won)
            connections.close_all()

    threading.Thread(target=work, name="scheduler-ask", daemon=True).start()
