"""The command: ``python -m tests.concurrency.chaos --help``."""

from __future__ import annotations

import faulthandler
import json
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from . import options as told_options
from .options import SETTINGS, Options


def main() -> int:
    """Play one run and return 0, or 1 after any fault."""
    options = told_options.read()
    # The last resort, should a statement never be answered: without its parent the keeper ends all.
    faulthandler.dump_traceback_later(options.longest + 90, exit=True)
    sys.stdout.write(f"seed {options.seed}\n")
    sys.stdout.flush()
    os.environ["TEST_DJANGO_SCHEDULER"] = json.dumps(
        {**SETTINGS, "COMMANDS_ALLOWED": ["clearsessions"]}
    )
    folder = Path(tempfile.mkdtemp(prefix="scheduler-chaos-"))
    is_good = False
    try:
        is_good = _play(options, folder)
    finally:
        if is_good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            sys.stdout.write(f"logs and notes are in {folder}\n")
    return 0 if is_good else 1


def _play(options: Options, folder: Path) -> bool:
    """Play, print the report, and return whether there was no fault."""
    from . import database

    with database.prepared(options.database, folder):
        # Only now can models be imported.
        from django.core.management import call_command
        from django.db import connection, connections

        from .child import live
        from .keeper import fork_keeper
        from .playing import play_and_tell

        sys.stdout.write(f"on {connection.display_name}\n")
        # Whatever a start imports is imported before the fork, and no connection is open then.
        call_command("runscheduler", check=True, stdout=(folder / "check").open("w"))
        connections.close_all()
        sys.stdout.flush()
        orders = fork_keeper(folder / "fates", partial(live, folder), options.longest + 60)
        try:
            return play_and_tell(options, orders, folder)
        finally:
            orders.close()
            connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
