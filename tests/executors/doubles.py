"""What executor tests are made of: dispatches without rows, and a reporter that remembers."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from django_scheduler.lifecycle import Fact
from django_scheduler.runner import Dispatch

DUE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_dispatch(**fields: Any) -> Dispatch:
    """Return a dispatch of a fresh run; any field can be given."""
    values: dict[str, Any] = {
        "run_id": uuid.uuid4(),
        "job_id": None,
        "job_name": "contract",
        "function": "contract",
        "key": "k",
        "trigger": "schedule",
        "attempt": 1,
        "process": uuid.uuid4(),
        "epoch": 1,
        "executor": "tried",
        "queue": "",
        "priority": 0,
        "scheduled_for": DUE,
        "due_at": DUE,
    }
    return Dispatch(**{**values, **fields})


class Recorder:
    """A reporter that keeps what it is told, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: list[Fact] = []
        self.holds = True

    def tell(self, fact: Fact) -> None:
        """Keep the fact."""
        with self._lock:
            self._facts.append(fact)

    def ask(self, fact: Fact) -> bool:
        """Keep the fact; it holds unless it was said that nothing does."""
        self.tell(fact)
        return self.holds

    def ask_then(self, fact: Fact, answer: Callable[[bool], None]) -> None:
        """Keep the fact and answer from another thread, as the engine does."""
        threading.Thread(target=lambda: answer(self.ask(fact))).start()

    def of(self, kind: type[Fact]) -> list[Fact]:
        """Return the facts of one kind, oldest first."""
        with self._lock:
            return [fact for fact in self._facts if isinstance(fact, kind)]
