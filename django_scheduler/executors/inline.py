"""Runs in the very thread that dispatches them: for tests, where nothing may happen by itself."""

from __future__ import annotations

from ..clock import Clock
from ..runner import Dispatch, Reporter, Runner
from .base import Executor

__all__ = ["InlineExecutor"]


class InlineExecutor(Executor):
    """Carries out each run before ``submit`` returns."""

    def __init__(self, alias: str, slots: int = 1_000_000) -> None:
        super().__init__(alias)
        self.slots = slots
        self._runner: Runner | None = None

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Remember who carries runs out."""
        self._runner = runner

    def free_slots(self) -> int:
        """Return the slots: between two dispatches nothing goes on."""
        return self.slots

    def submit(self, dispatch: Dispatch) -> None:
        """Carry the run out now."""
        assert self._runner is not None
        self._runner.carry_out(dispatch)

    def withdraw(self) -> list[Dispatch]:
        """Return nothing: nothing ever waits here."""
        return []

    def stop(self, timeout: float) -> bool:
        """Return at once: nothing goes on."""
        return True
