"""What is known of a run when it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Facts"]


@dataclass(frozen=True)
class Facts:
    """What is known when a run begins; it never changes while the run goes on."""

    job_name: str
    run_id: str
    key: str
    trigger: str
    attempt: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    schedule: str
    scheduled_for: datetime
    started_at: datetime
    missed: int = 0
    last_finished_at: datetime | None = None
    last_success_at: datetime | None = None
