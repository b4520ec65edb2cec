"""django-q2: a cluster with Redis as its broker, two workers."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from .base import Peer, utc_now

FUNCTION = "benchmarks.peers.noting.call"


class DjangoQ(Peer):
    """Schedules are rows, looked at twice a minute; seconds cannot be said."""

    package = "django-q2"
    setup = "qcluster on PostgreSQL, Redis, 2 workers; it looks for due schedules every 30 s"
    apps = ("django_q",)

    def _store(self, count: int, at: datetime) -> None:
        from django_q.models import Schedule

        Schedule.objects.bulk_create(
            [
                Schedule(
                    name=f"job-{number}", func=FUNCTION, args=f"'job-{number}'",
                    schedule_type=Schedule.HOURLY, repeats=-1, next_run=at,
                )
                for number in range(count)
            ],
            batch_size=1000,
        )  # fmt: skip

    def due(self, count: int, at: datetime) -> None:
        """Hourly, the next time then."""
        self._store(count, at)

    def far(self, count: int) -> None:
        """Next year."""
        self._store(count, utc_now() + timedelta(days=366))

    def edit(self) -> None:
        """Save the row, as the admin does."""
        from django_q.models import Schedule

        schedule = Schedule.objects.get(name="job-0")
        schedule.next_run = utc_now()
        schedule.save()

    def schedulers(self) -> list[list[str]]:
        """The cluster."""
        return [[sys.executable, "-m", "django", "qcluster"]]


peer = DjangoQ()
