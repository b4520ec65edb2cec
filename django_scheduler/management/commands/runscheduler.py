"""``manage.py runscheduler``: a scheduler in this process, until it is told to stop."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connections
from django.db.migrations.executor import MigrationExecutor

from django_scheduler import clock as clocks
from django_scheduler import conf, jobs
from django_scheduler.engine import Scheduler, Share
from django_scheduler.exceptions import SchedulerError, SchedulerNotStarted
from django_scheduler.management.reloading import run_with_reloader
from django_scheduler.models.vendors import connection_problems, session_problems
from django_scheduler.policies import to_timedelta
from django_scheduler.states import JobState

__all__ = ["Command"]

UNWRITTEN_OUTCOMES = 3
STOPPED_AT_ONCE = 1
START_TIMEOUT = 60.0
SIGNAL_LATENCY = 0.2
AWAY_PAUSE = 0.5
MOST_WARNINGS = 10
MOST_LOOKED_AT = 1_000


class Command(BaseCommand):
    """Parses, starts a scheduler, waits."""

    help = "Plans and runs jobs until it is stopped with SIGTERM or SIGINT."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--threads", type=int, help="jobs that run at once in the thread pool")
        parser.add_argument("--name", help="the name shown in the list of processes")
        parser.add_argument(
            "--queue", action="append", metavar="Q", help="serve only this queue; may be repeated"
        )
        parser.add_argument("--once", action="store_true", help="run what is due and exit")
        parser.add_argument("--check", action="store_true", help="check that it could run and exit")
        parser.add_argument("--ready-file", metavar="F", help="a file that exists while it runs")
        parser.add_argument("--no-sync", action="store_true", help="leave declared jobs alone")
        parser.add_argument("--no-reload", action="store_true", help="no autoreload in DEBUG")
        parser.add_argument(
            "--shutdown-grace", type=float, metavar="S", help="seconds running jobs may go on"
        )
        parser.add_argument("--database", metavar="ALIAS", help="the database it works on")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped. Exit codes: 0 stopped in order, 1 at once, 3 outcomes not written."""
        database = options["database"] or conf.current().database
        self._check(database, options["threads"] or conf.current().threads)
        if options["check"]:
            self.stdout.write("The scheduler can run.")
            return
        scheduler = self._scheduler(options, database)
        if options["once"]:
            self._once(scheduler)
        elif self._reloads(options):
            run_with_reloader(partial(self._until_stopped, scheduler, options))
        else:
            self._until_stopped(scheduler, options)

    def _reloads(self, options: dict[str, Any]) -> bool:
        off = ("once", "check", "no_reload", "ready_file")
        return settings.DEBUG and not any(options[name] for name in off)

    def _check(self, database: str, threads: int) -> None:
        if database not in connections:
            raise CommandError(f"There is no database alias {database!r} in DATABASES.")
        if not self._when_reached(database, _are_tables_up_to_date):
            raise CommandError("The scheduler's tables are not up to date: run manage.py migrate.")
        found = session_problems(database) + connection_problems(database, threads)
        for problem, remedy in found:
            self._warn(f"{problem} {remedy}")

    def _when_reached(self, database: str, ask: Callable[[str], bool]) -> bool:
        """Return the answer; a database that is away is waited for, as long as a start may take."""
        clock = clocks.installed()
        deadline = clock.monotonic() + START_TIMEOUT
        warned = False
        while True:
            try:
                return ask(database)
            except OperationalError as error:
                if clock.monotonic() >= deadline:
                    raise CommandError(f"The database cannot be reached: {error}") from error
                if not warned:
                    self._warn(f"The database cannot be reached yet, waiting for it: {error}")
                warned = True
                connections[database].close()
                clock.wait(threading.Event(), AWAY_PAUSE)

    def _scheduler(self, options: dict[str, Any], database: str) -> Scheduler:
        threads = options["threads"]
        if threads is not None and threads < 1:
            raise CommandError(f"--threads must be 1 or more, not {threads}.")
        try:
            to_timedelta(options["shutdown_grace"], "--shutdown-grace")
        except SchedulerError as error:
            raise CommandError(str(error)) from error
        return Scheduler(
            database=database,
            name=options["name"],
            threads=threads,
            queues=options["queue"],
            sync_code=not options["no_sync"],
        )

    def _once(self, scheduler: Scheduler) -> None:
        """Run what is due now, wait for it, and exit."""
        scheduler.run_once()
        self._finish(scheduler)

    def _until_stopped(self, scheduler: Scheduler, options: dict[str, Any]) -> None:
        asked = self._on_signals()
        if threading.current_thread() is not threading.main_thread():
            # Under the reloader the main thread ends the process, by a signal or a changed file.
            atexit.register(self._stop_at_exit, scheduler, options)
        scheduler.start()
        try:
            scheduler.wait_until_running(START_TIMEOUT)
        except (SchedulerError, TimeoutError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The scheduler is running (process {os.getpid()}). Stop it with Ctrl-C.")
        self.stdout.flush()
        with contextlib.suppress(DatabaseError):  # only hints; the scheduler itself waits for it
            self._tell_what_is_missing()
        _let_go_of_connections()
        try:
            with _ready_file(options["ready_file"]):
                while not (asked or scheduler.join(SIGNAL_LATENCY)):
                    pass
                if asked:
                    self._tell_what_is_waited_for(scheduler, options["shutdown_grace"])
        finally:
            # Whatever ends the waiting: what runs is to end in order.
            scheduler.stop(options["shutdown_grace"])
        if scheduler.failure is not None:
            raise CommandError(f"The scheduler ended: {scheduler.failure}")
        self._finish(scheduler)

    def _tell_what_is_missing(self) -> None:
        """Say what a person who sees nothing happen would look for."""
        active = jobs.all(state=JobState.ACTIVE)
        if not active.exists():
            self._warn("There is no active job. Is the app with your jobs.py in INSTALLED_APPS?")
        mine = set(Share().functions())
        # Not all of a million: this is for who has just begun.
        some = active.order_by("pk").values_list("name", "function")[:MOST_LOOKED_AT]
        unknown = [each for each in some if each[1] not in mine]
        for name, function in unknown[:MOST_WARNINGS]:
            self._warn(
                f"The job {name!r} calls {function!r}, which this process does not know. Unless "
                "another process does, it is set aside as broken after a while."
            )

    def _tell_what_is_waited_for(self, scheduler: Scheduler, grace: float | None) -> None:
        """Answer the first signal at once: what runs here may go on for a while."""
        session = scheduler.session
        count = 0 if session is None else len(session.watch.all())
        said = "Stopping."
        if count:
            span = conf.current().shutdown_grace.total_seconds() if grace is None else grace
            runs = "1 run" if count == 1 else f"{count} runs"
            said = f"Stopping: waiting up to {span:g} s for {runs}; a second signal stops at once."
        self.stdout.write(said)
        self.stdout.flush()

    def _warn(self, text: str) -> None:
        self.stderr.write(self.style.WARNING(text))

    def _stop_at_exit(self, scheduler: Scheduler, options: dict[str, Any]) -> None:
        with contextlib.suppress(SchedulerNotStarted):
            scheduler.stop(options["shutdown_grace"])
        if not scheduler.complete:
            os._exit(UNWRITTEN_OUTCOMES)

    def _on_signals(self) -> list[int]:
        """Return the list that grows with the first signal. The second ends the process at once.

        A list and no event: a handler runs within whatever the main thread was doing, and would
        wait for ever for a lock that it holds itself.
        """
        asked: list[int] = []

        def handle(number: int, _frame: object) -> None:
            if asked:
                os._exit(STOPPED_AT_ONCE)
            asked.append(number)

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handle)
            signal.signal(signal.SIGINT, handle)
        return asked

    def _finish(self, scheduler: Scheduler) -> None:
        if not scheduler.complete:
            self.stderr.write("Some outcomes could not be written; see the log.")
            sys.exit(UNWRITTEN_OUTCOMES)
        self.stdout.write("The scheduler has stopped.")


def _are_tables_up_to_date(database: str) -> bool:
    executor = MigrationExecutor(connections[database])
    leaves = executor.loader.graph.leaf_nodes()
    return not executor.migration_plan([key for key in leaves if key[0] == "django_scheduler"])


def _let_go_of_connections() -> None:
    """Close this thread's connections: from here on it only waits."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


@contextlib.contextmanager
def _ready_file(path: str | None) -> Any:
    """Keep a file with this process's id while the block runs."""
    if path is None:
        yield
        return
    file = Path(path)
    try:
        file.write_text(f"{os.getpid()}\n")
    except OSError as error:
        raise CommandError(f"The ready file cannot be written: {error}") from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
