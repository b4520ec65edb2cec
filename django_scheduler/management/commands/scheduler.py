"""``manage.py scheduler``: jobs and runs from the command line."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from ... import conf
from ...exceptions import SchedulerError
from ...models.vendors import begin_immediately
from ..cli import SUBCOMMANDS, Answer

__all__ = ["Command"]

_BY_NAME = {subcommand.name: subcommand for subcommand in SUBCOMMANDS}


class Command(BaseCommand):
    """Hands the words to a sub-command and prints its answer: a table, or JSON with ``--json``."""

    help = "Show and control the scheduler's jobs and runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Give every sub-command a parser of its own."""
        words = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for subcommand in SUBCOMMANDS:
            own = words.add_parser(
                subcommand.name, help=subcommand.help, description=subcommand.help
            )
            own.add_argument(
                "--json", action="store_true", help="print one JSON document for programs"
            )
            subcommand.add_arguments(own)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the answer.

        Raises:
            CommandError: with the remedy; the exit code is 1.
        """
        try:
            begin_immediately(conf.current().database)
            answer = _BY_NAME[options["subcommand"]].answer(Namespace(**options))
        except (SchedulerError, ImproperlyConfigured, TimeoutError) as error:
            raise CommandError(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(
                f"The database refused: {error}. Is it reachable, and `manage.py migrate` done?"
            ) from error
        self._print(answer, as_json=options["json"])

    def _print(self, answer: Answer, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(answer.document, indent=2) if as_json else answer.text)
        if answer.failure:
            raise CommandError(answer.failure)
