"""The Celery application of the tests: imported by live workers, and by the scheduler's side."""

from __future__ import annotations

import os

from celery import Celery

PATH = "tests.executors.celery_app"


def make_app(broker: str, queue: str) -> Celery:
    """Return an application that keeps to keys of its own where the broker is shared."""
    made = Celery("remote", broker=broker)
    made.conf.update(
        broker_connection_retry_on_startup=True,
        task_default_queue=queue,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
    )
    if broker.startswith("redis"):
        made.conf.broker_transport_options = {"global_keyprefix": f"{queue}:"}
    return made


app = make_app(
    os.environ.get("TEST_CELERY_BROKER", "memory://"), os.environ.get("TEST_CELERY_QUEUE", "memory")
)
