"""procrastinate: its worker on PostgreSQL, which defers periodic tasks and carries jobs out."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime, timedelta

import procrastinate

from .base import Peer, utc_now
from .noting import call


def _connector() -> procrastinate.PsycopgConnector:
    config = json.loads(os.environ["BENCHMARK_DATABASE"])
    return procrastinate.PsycopgConnector(
        kwargs={
            "host": config["HOST"], "port": config["PORT"] or None, "user": config["USER"],
            "password": config["PASSWORD"] or None, "dbname": config["NAME"],
        }
    )  # fmt: skip


app = procrastinate.App(connector=_connector())


@app.task(name="note")
async def note(name: str) -> None:
    """Be called."""
    call(name)


def _declare(count: int) -> None:
    """Periodic tasks are declared in code: this many, of every second."""
    for number in range(count):

        async def periodic(timestamp: int, name: str = f"job-{number}") -> None:
            call(name)

        app.periodic(cron="* * * * * *")(app.task(name=f"job-{number}")(periodic))


class Procrastinate(Peer):
    """Jobs are rows; what repeats is declared in code, so there is no job to edit."""

    package = "procrastinate"
    setup = "worker with concurrency 20 on PostgreSQL; periodic tasks all on the full second"

    def prepare(self) -> None:
        """Apply its schema."""
        asyncio.run(self._within(app.schema_manager.apply_schema_async))

    async def _within(self, act) -> None:
        async with app.open_async():
            await act()

    async def _defer(self, count: int, at: datetime) -> None:
        deferrer = app.configure_task("note", schedule_at=at)
        for begin in range(0, count, 1000):
            names = range(begin, min(begin + 1000, count))
            await deferrer.batch_defer_async(*({"name": f"job-{number}"} for number in names))

    def due(self, count: int, at: datetime) -> None:
        """Deferred until then."""
        asyncio.run(self._within(lambda: self._defer(count, at)))

    def far(self, count: int) -> None:
        """Deferred until next year."""
        asyncio.run(self._within(lambda: self._defer(count, utc_now() + timedelta(days=366))))

    def each_second(self, count: int) -> None:
        """The worker is told by the environment how many tasks to declare."""
        os.environ["BENCHMARK_PERIODIC"] = str(count)


peer = Procrastinate()

if __name__ == "__main__":
    _declare(int(os.environ.get("BENCHMARK_PERIODIC", "0")))
    app.run_worker(concurrency=20)
