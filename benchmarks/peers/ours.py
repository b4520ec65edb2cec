"""This package, asked what its peers are asked: `runscheduler` with 20 threads on PostgreSQL."""

from __future__ import annotations

import sys
import time
from datetime import datetime

from .base import Peer


class Ours(Peer):
    """Jobs are rows."""

    package = "django-runscheduler"
    setup = "runscheduler with 20 threads on PostgreSQL"
    apps = ("django_scheduler", "benchmarks")

    def _store(self, count: int) -> list[int]:
        from benchmarks.loading import load

        return load(count, "benchmarks.peers")

    def due(self, count: int, at: datetime) -> None:
        """On time, not for the first time."""
        from benchmarks.loading import make_due

        make_due(self._store(count), at)

    def far(self, count: int) -> None:
        """In 2100."""
        self._store(count)

    def each_second(self, count: int) -> None:
        """They count from their creation, which is spread over the second."""
        from django_scheduler import jobs

        for number in range(count):
            jobs.add(f"job-{number}", function="benchmarks.peers", schedule="@every 1s")
            time.sleep(0.01)

    def edit(self) -> None:
        """By the facade, as the admin does."""
        from django_scheduler import jobs

        jobs.update(jobs.all().order_by("pk")[0].name, schedule="* * * * * *")

    def schedulers(self) -> list[list[str]]:
        """One process does it all."""
        return [[sys.executable, "-m", "django", "runscheduler", "--no-sync"]]


peer = Ours()
