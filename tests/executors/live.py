"""A real broker with a queue of its own, and real workers that are started and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.executors.celery_app import PATH, make_app
from tests.waiting import wait_until

BROKERS = [
    pytest.param("TEST_REDIS_URL", marks=pytest.mark.redis, id="redis"),
    pytest.param("TEST_RABBITMQ_URL", marks=pytest.mark.rabbitmq, id="rabbitmq"),
]
"""The settings that say where the brokers listen, as values of a parametrised test."""


class LiveBroker:
    """One queue of a running broker."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.queue = f"scheduler-tests-{uuid.uuid4().hex}"
        self.app: Celery = make_app(url, self.queue)

    def receive(self) -> str:
        """Take a message from the queue, as a worker that dies at once would, and return its id."""
        queue = self.app.amqp.queues[self.queue]
        with self.app.connection_for_read() as connection, connection.SimpleQueue(queue) as simple:
            message = simple.get(timeout=20)
            message.ack()
            return str(message.headers["id"])

    def send_again(self, run_id: Any) -> None:
        """Deliver the run's message once more."""
        self.app.send_task(
            "django_scheduler.run", args=(str(run_id),), task_id=str(run_id), ignore_result=True
        )

    def remove(self) -> None:
        """Delete the queue and all that is left of it."""
        with self.app.connection_for_write() as connection:
            channel = connection.default_channel
            channel.queue_delete(self.queue)
            if self.url.startswith("redis"):
                keys = list(channel.client.scan_iter(f"{self.queue}:*"))
                # The client puts the prefix before every key it is given.
                for key in keys:
                    channel.client.delete(key.decode().removeprefix(f"{self.queue}:"))


class LiveWorker:
    """One `celery worker` with its pool, in a process group of its own."""

    def __init__(
        self,
        broker: LiveBroker,
        env: dict[str, str],
        settings: dict[str, Any],
        folder: Path,
        pool: str = "prefork",
    ) -> None:
        name = uuid.uuid4().hex
        self.log = folder / f"{name}.log"
        command = [
            sys.executable, "-m", "celery", "--app", PATH, "worker", "--loglevel", "INFO",
            "--pool", pool, "--concurrency", "2", "--hostname", f"{name}@test",
            "--queues", broker.queue, "--without-gossip", "--without-mingle",
        ]  # fmt: skip
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                env={
                    **env,
                    "TEST_CELERY_BROKER": broker.url,
                    "TEST_CELERY_QUEUE": broker.queue,
                    "TEST_DJANGO_SCHEDULER": json.dumps(settings),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: self._is_ready() or self.process.poll() is not None, seconds=40)
        assert self.process.poll() is None, self.log.read_text()

    def _is_ready(self) -> bool:
        return " ready." in self.log.read_text()

    def terminate(self) -> None:
        """Ask it to end in order, and wait for that."""
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()

    def kill(self) -> None:
        """End it with its children at once, as a crash of the machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
