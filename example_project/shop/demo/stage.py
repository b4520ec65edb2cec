"""One demo from an empty stage to an empty stage: database, processes, where to look."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from . import data, web
from .children import PROJECT, Asked, Children

#: How long starting may take on a slow machine.
PATIENCE_TO_START = 60.0
#: What a running job gets to reach its next checkpoint when the demo ends.
SHUTDOWN_GRACE = 10
#: After that a child is killed; tox gives the demo 40 seconds in all.
PATIENCE_TO_STOP = 25.0

WORKER = ("-m", "celery", "--app", "config.celery", "worker", "--queues", "default")
CHILD_ENVIRONMENT = {"DEMO_SHOWS_LOGIN": "1", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}


def check(*, worker: bool) -> None:
    """Do nothing if the demo can be played as asked."""
    if worker and not settings.CELERY_BROKER_URL:
        raise CommandError("--worker needs CELERY_BROKER_URL, such as redis://127.0.0.1:6379/0")


def remove_database() -> None:
    """Remove the demo's own SQLite file; any other database is refused."""
    name = Path(settings.DATABASES["default"]["NAME"])
    if name.parent != PROJECT or name.suffix != ".sqlite3":
        raise CommandError("--fresh only removes a SQLite file of the example project.")
    connections.close_all()
    for suffix in ("", "-wal", "-shm"):
        name.with_name(name.name + suffix).unlink(missing_ok=True)


def prepare() -> None:
    """Bring the database up to date and load what is missing."""
    call_command("migrate", verbosity=0, interactive=False)
    data.load()
    # What is inherited by child processes, or held while they work, could get in their way.
    connections.close_all()


def pages(port: int) -> list[tuple[str, str]]:
    """Return the names and addresses of the pages worth opening."""
    admin = {
        "Jobs": reverse("admin:django_scheduler_job_changelist"),
        "Runs": reverse("admin:django_scheduler_run_changelist"),
    }
    return [(name, f"http://{web.HOST}:{port}{path}") for name, path in admin.items()]


def worker_hint() -> str:
    """Return how to start a Celery worker by hand, in another terminal; empty without a broker."""
    return _by_hand(*WORKER) if settings.CELERY_BROKER_URL else ""


def command_hint() -> str:
    """Return how to use the command line on the demo's database, in another terminal."""
    return _by_hand("manage.py", "scheduler", "list")


def _by_hand(*words: str) -> str:
    file = os.environ.get("DEMO_DATABASE_FILE", "")
    database = "" if os.environ.get("DATABASE_URL") or not file else f"DEMO_DATABASE_FILE={file} "
    return f"in {PROJECT.name}, same environment: {database}{_python()} {' '.join(words)}"


def _python() -> str:
    """Return the interpreter to type in the project's folder: tox's is on nobody's PATH."""
    return os.path.relpath(sys.executable, PROJECT) if "TOX_ENV_NAME" in os.environ else "python"


@dataclass
class Show:
    """The processes of one demo, and what went wrong with them."""

    port: int
    children: Children
    ready_file: Path
    began: datetime = field(default_factory=timezone.now)
    problems: list[str] = field(default_factory=list)

    def start(self, *, worker: bool) -> None:
        """Start scheduler, web server and, if asked, a worker."""
        scheduler = ("manage.py", "runscheduler", "--no-reload", "--ready-file")
        scheduler += (str(self.ready_file), "--shutdown-grace", str(SHUTDOWN_GRACE))
        server = ("manage.py", "runserver", "--noreload", f"{web.HOST}:{self.port}")
        self.children.start("scheduler", scheduler, must_end_with=0)
        self.children.start("web server", server, quiet=True)
        if worker:
            self.children.start("Celery worker", WORKER)

    def is_up(self) -> bool:
        """Wait for scheduler and web server; tell whether both work."""
        until = time.monotonic() + PATIENCE_TO_START
        self.problems += self.children.wait_while(
            lambda: not self._answers() and time.monotonic() < until
        )
        if self.problems or self.children.asked.times:
            return False
        if not self._answers():
            self.problems.append(f"Not up after {PATIENCE_TO_START:g} s.")
        return not self.problems

    def _answers(self) -> bool:
        return self.ready_file.exists() and web.answers(self.port)

    def go_on(self, seconds: float | None) -> None:
        """Let it run for `seconds` from now; None: until the demo is asked to end."""
        until = None if seconds is None else time.monotonic() + seconds
        self.problems += self.children.wait_while(lambda: until is None or time.monotonic() < until)


@contextmanager
def performance(port: int, *, worker: bool) -> Iterator[Show]:
    """Start the processes, and end every one of them when the block is left, however it is."""
    with Asked().listening() as asked, tempfile.TemporaryDirectory() as folder:
        show = Show(port, Children(asked, CHILD_ENVIRONMENT), Path(folder) / "ready")
        try:
            show.start(worker=worker)
            yield show
        finally:
            show.problems += show.children.stop(PATIENCE_TO_STOP)
