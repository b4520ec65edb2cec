"""APScheduler 3: a background scheduler with an SQLAlchemy job store and its thread pool."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from .base import Peer, utc_now
from .noting import call


def _url() -> str:
    config = json.loads(os.environ["BENCHMARK_DATABASE"])
    user = f"{config['USER']}:{config['PASSWORD']}" if config["PASSWORD"] else config["USER"]
    port = config["PORT"] or 5432
    return f"postgresql+psycopg://{user}@{config['HOST']}:{port}/{config['NAME']}"


def _scheduler() -> BackgroundScheduler:
    return BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=_url())},
        executors={"default": ThreadPoolExecutor(20)},
        # Its default forgets what is a second late.
        job_defaults={"misfire_grace_time": None},
        timezone="UTC",
    )


class APScheduler(Peer):
    """Jobs are pickled rows of one scheduler; a second one on the same store is not supported."""

    package = "apscheduler"
    setup = "BackgroundScheduler, SQLAlchemyJobStore on PostgreSQL, 20 threads, no misfire limit"

    def prepare(self) -> None:
        """It makes its table itself."""

    def _store(self, count: int, trigger: str, make: Any) -> None:
        scheduler = _scheduler()
        scheduler.start(paused=True)
        for number in range(count):
            name = f"job-{number}"
            scheduler.add_job(call, trigger, args=[name], id=name, **make(number))
        # It stays, paused: while it is shut down it takes what is due, and fails to call it.

    def due(self, count: int, at: datetime) -> None:
        """Hourly, the first time then."""
        self._store(count, "interval", lambda _: {"hours": 1, "next_run_time": at})

    def far(self, count: int) -> None:
        """Next year."""
        at = utc_now() + timedelta(days=366)
        self._store(count, "interval", lambda _: {"hours": 1, "start_date": at})

    def each_second(self, count: int) -> None:
        """Their seconds begin at different milliseconds."""
        at = utc_now()
        self._store(
            count,
            "interval",
            lambda number: {"seconds": 1, "start_date": at + timedelta(seconds=number / count)},
        )

    def edit(self) -> None:
        """By another scheduler on the same store, as another process would."""
        scheduler = _scheduler()
        scheduler.start(paused=True)
        scheduler.modify_job("job-0", next_run_time=utc_now())


peer = APScheduler()

if __name__ == "__main__":
    _scheduler().start()
    threading.Event().wait(3600)
