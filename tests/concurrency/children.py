"""Schedulers as processes of their own, on the test's own database."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

SHORT_LEASE = {
    "LEASE": 1.5,
    "HEARTBEAT_INTERVAL": 0.3,
    "MONITOR_INTERVAL": 0.1,
    "POLL_INTERVAL": 0.1,
    "RECONCILE_INTERVAL": 0.5,
}


class Child:
    """One `runscheduler`, started and ready."""

    def __init__(
        self,
        env: dict[str, str],
        folder: Path,
        name: str,
        *options: str,
        overrides: dict[str, Any] | None = None,
    ) -> None:
        self.ready = folder / f"{name}.ready"
        self.log = folder / f"{name}.log"
        self.ready.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "django", "runscheduler", "--name", name,
            "--ready-file", str(self.ready), *options,
        ]  # fmt: skip
        settings = json.dumps(
            {"COMMANDS_ALLOWED": ["clearsessions"], **SHORT_LEASE, **(overrides or {})}
        )
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                env={**env, "TEST_DJANGO_SCHEDULER": settings},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: self.ready.exists() or self.process.poll() is not None)
        except AssertionError as error:
            self.kill()
            raise AssertionError(self.log.read_text()) from error
        assert self.process.poll() is None, self.log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def terminate(self) -> int:
        """Ask it to stop in order and return its exit code."""
        self.send(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def scheduler_process(
    env: dict[str, str],
    folder: Path,
    name: str = "one",
    *options: str,
    overrides: dict[str, Any] | None = None,
) -> Iterator[Child]:
    """A running scheduler that is gone after the block, whatever happened in it."""
    child = Child(env, folder, name, *options, overrides=overrides)
    try:
        yield child
    finally:
        child.kill()
