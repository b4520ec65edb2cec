"""Functions that note what they were called with, and jobs made of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_scheduler import registry
from django_scheduler.registry import Definition
from django_scheduler.testing import ManualClock
from tests.engine.lasting import LastingScheduler


class Recorder:
    """A registered function that notes its contexts and does what it is told."""

    def __init__(self) -> None:
        self.contexts: list[Any] = []
        self.behaviour: Any = None

    def __call__(self, context: Any) -> Any:
        self.contexts.append(context)
        return self.behaviour(context) if callable(self.behaviour) else self.behaviour

    @property
    def times(self) -> int:
        return len(self.contexts)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """The function registered as `recorder`."""
    made = Recorder()

    def recorder(context: Any) -> Any:
        return made(context)

    registry.register(Definition("recorder", recorder, takes_context=True))
    yield made
    registry.unregister("recorder")


@pytest.fixture
def stage(scheduler_clock: ManualClock, db: None) -> Iterator[LastingScheduler]:
    """A scheduler whose runs of `lasting` take the minutes that the job's metadata says.

    The metadata may also say that they are `deaf` to orders, or that they fail `badly` at the end.
    """
    scheduler = LastingScheduler(scheduler_clock)

    def lasting(context: Any) -> None:
        said = context.metadata
        span = timedelta(minutes=said.get("minutes", 0))
        scheduler.executor.stay(context, span, deaf=said.get("deaf", False))
        if said.get("badly"):
            raise ValueError("as it was told")

    registry.register(Definition("lasting", lasting, takes_context=True))
    yield scheduler
    scheduler.close()
    registry.unregister("lasting")
