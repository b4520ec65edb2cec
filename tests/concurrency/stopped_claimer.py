"""A scheduler process that stops itself within its first claim, its rows locked."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import django
from django.db.backends.signals import connection_created


def stop_within_the_claim(*, connection: Any, **_kwargs: object) -> None:
    """Stop this process once, after a run was inserted and before that is committed."""
    if threading.current_thread().name == "scheduler":
        connection.execute_wrappers.append(_stop_after_insert)


def _stop_after_insert(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    answer = execute(sql, params, many, context)
    note = Path(sys.argv[1])
    inserts = str(sql).lstrip().upper().startswith("INSERT") and "django_scheduler_run" in str(sql)
    if inserts and not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
        # A thread may go on for a moment; this one must not reach its commit before it is thawed.
        threading.Event().wait(1)
    return answer


if __name__ == "__main__":
    connection_created.connect(stop_within_the_claim)
    django.setup()
    from django_scheduler.engine import Scheduler

    scheduler = Scheduler(name="stopped")
    scheduler.start()
    scheduler.join()
