"""One run, its history, the verdict and the report."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from django.db import DatabaseError

from . import chronicle, report
from .checker import check
from .director import BrokenOffError, Stage
from .keeper import Orders
from .options import Options


def play_and_tell(options: Options, orders: Orders, folder: Path) -> bool:
    """Play, print the report and return whether no fault was found."""
    # The orders given here are counted; each in words as well would be too many.
    logging.getLogger("django_scheduler").setLevel(logging.ERROR)
    stage = Stage(options, orders, folder)
    begun = stage.clock.monotonic()
    try:
        stage.play()
    except (BrokenOffError, DatabaseError, OSError) as error:
        # OSError: the keeper is gone; what it said stands above.
        stage.trouble.append(f"broken off: {error!r}")
    orders.close()
    history = chronicle.written(stage)
    with (folder / "rows").open("w") as file:
        file.writelines(f"{row}\n" for row in [*history.rows, *history.processes])
    verdict = check(history)
    counted = stage.counted + stage.people.done
    counted["final rows watched"] = stage.sampler.count
    counted["looks at the rows"] = stage.sampler.looks
    sys.stdout.write(f"{report.told(history, verdict, counted)}\n")
    spent = stage.clock.monotonic() - begun
    sys.stdout.write(f"{len(verdict.faults)} faults in {spent:.0f} s, seed {options.seed}\n")
    return not verdict.faults
