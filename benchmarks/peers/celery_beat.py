"""django-celery-beat: beat with its database scheduler, Redis, a worker of two processes."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime, timedelta

from celery import Celery

from .base import Peer, prefix, utc_now
from .noting import call

PATH = "benchmarks.peers.celery_beat"
app = Celery("peer", broker=os.environ.get("BENCHMARK_REDIS", "memory://"))
app.conf.update(
    task_ignore_result=True,
    task_default_queue=prefix(),
    broker_transport_options={"global_keyprefix": f"{prefix()}:"},
    broker_connection_retry_on_startup=True,
    beat_schedule_filename=os.environ["BENCHMARK_NOTES"] + ".beat",
)


@app.task(name="note")
def note(name: str) -> None:
    """Be called."""
    call(name)


class CeleryBeat(Peer):
    """Periodic tasks are rows; beat publishes, a worker calls."""

    package = "django-celery-beat"
    setup = "beat with DatabaseScheduler on PostgreSQL, Redis, one worker, prefork 2"
    apps = ("django_celery_beat",)
    grid = False

    def _store(self, count: int, seconds: int, last: datetime) -> None:
        from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

        every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")
        PeriodicTask.objects.bulk_create(
            [
                PeriodicTask(
                    name=f"job-{number}", task="note", args=f'["job-{number}"]',
                    interval=every, last_run_at=last,
                )
                for number in range(count)
            ],
            batch_size=1000,
        )  # fmt: skip
        PeriodicTasks.update_changed()

    def due(self, count: int, at: datetime) -> None:
        """Their last run was an hour before."""
        self._store(count, 3600, at - timedelta(hours=1))

    def far(self, count: int) -> None:
        """Each year, the last time just now."""
        self._store(count, 366 * 86400, utc_now())

    def each_second(self, count: int) -> None:
        """From the last run on, so they spread or gather by themselves."""
        self._store(count, 1, utc_now())

    def edit(self) -> None:
        """Save the row, as the admin does: its signal is what beat looks for."""
        from django_celery_beat.models import IntervalSchedule, PeriodicTask

        task = PeriodicTask.objects.get(name="job-0")
        task.interval = IntervalSchedule.objects.get_or_create(every=1, period="seconds")[0]
        task.save()

    def schedulers(self) -> list[list[str]]:
        """Beat."""
        pid = os.environ["BENCHMARK_NOTES"] + f".pid{time.monotonic_ns()}"
        scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
        beat = ["beat", "--scheduler", scheduler, "--pidfile", pid]
        return [[sys.executable, "-m", "celery", "-A", PATH, *beat]]

    def workers(self) -> list[list[str]]:
        """One worker, two processes."""
        options = ["--concurrency", "2", "--without-gossip", "--without-mingle"]
        return [[sys.executable, "-m", "celery", "-A", PATH, "worker", *options]]


peer = CeleryBeat()
