"""Hearing what is told: what a test wants to know of signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.dispatch import Signal

__all__ = ["heard"]


@contextmanager
def heard(*signals: Signal) -> Iterator[list[tuple[Signal, Any]]]:
    """Collect, while the block lasts, each signal that is sent with the run or job it is about."""
    told: list[tuple[Signal, Any]] = []
    with ExitStack() as stack:
        for signal in signals:

            def hear(signal: Signal, run: Any = None, job: Any = None, **_facts: Any) -> None:
                told.append((signal, job if run is None else run))

            signal.connect(hear, weak=False)
            stack.callback(signal.disconnect, hear)
        yield told
