"""Functions that note what they were called with, and jobs made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_scheduler import registry
from django_scheduler.registry import Definition


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
