"""`manage.py demo`: the whole product at work on this machine, for looking around."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...demo import data, report, stage, web


def seconds(text: str) -> float:
    """Return the number of seconds; argparse shows the error of anything else."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text} is not a number of seconds above 0.")
    return number


def port(text: str) -> int:
    """Return the number of the port; argparse shows the error of anything else."""
    number = int(text)
    if not 0 < number < 2**16:
        raise ArgumentTypeError(f"{text} is not a port: use 1 to 65535.")
    return number


class Command(BaseCommand):
    """Parses, calls, prints."""

    help = "Migrate, load data, run the scheduler and the web server together; Ctrl-C ends both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--for",
            dest="seconds",
            type=seconds,
            metavar="SECONDS",
            help="stop after so long, and exit non-zero if an expected job had no success",
        )
        parser.add_argument("--port", type=port, default=8000, help="of the web server (8000)")
        parser.add_argument(
            "--fresh", action="store_true", help="start with an empty SQLite file of the demo"
        )
        parser.add_argument(
            "--worker", action="store_true", help="also start a Celery worker (CELERY_BROKER_URL)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the demo to its end.

        Raises:
            CommandError: something that should have run did not, or a process ended by itself.
        """
        seconds, port = options["seconds"], self._port(options["port"])
        stage.check(worker=options["worker"])
        if options["fresh"]:
            stage.remove_database()
        stage.prepare()
        with stage.performance(port, worker=options["worker"]) as show:
            if show.is_up():
                hint = "" if options["worker"] else stage.worker_hint()
                self._say_where_to_look(port, seconds, hint)
                show.go_on(seconds)
        self._tell(show, judged=seconds is not None)

    def _port(self, wanted: int) -> int:
        if web.is_free(wanted):
            return wanted
        port = web.free_port()
        self.stdout.write(self.style.WARNING(f"Port {wanted} is taken: using {port} instead."))
        return port

    def _say_where_to_look(self, port: int, seconds: float | None, hint: str) -> None:
        end = "Ctrl-C ends it." if seconds is None else f"It ends by itself in {seconds:g} s."
        user, password = data.LOGIN
        lines = [
            "",
            f"  The shop   http://{web.HOST}:{port}/",
            *(f"  {name:<10} {url}" for name, url in stage.pages(port)),
            f"  Log in as  {user}, password {password} (made for this demo only)",
            f"  A command  {stage.command_hint()}",
            *([f"  A worker   {hint}"] if hint else []),
            f"  {end}",
            "",
        ]
        self.stdout.write(self.style.SUCCESS("\n".join(lines)))
        self.stdout.flush()

    def _tell(self, show: stage.Show, *, judged: bool) -> None:
        reports = report.collect(data.EXPECTED, show.began)
        self.stdout.write("\n" + report.table(reports, show.began) + "\n")
        problems = [*show.problems, *(report.problems(reports) if judged else [])]
        if problems:
            raise CommandError("\n".join(problems))
        if judged:
            self.stdout.write(self.style.SUCCESS("Everything expected has run."))
