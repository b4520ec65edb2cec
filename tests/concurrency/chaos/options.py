"""What a run of chaos is told on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from random import SystemRandom

SETTINGS = {
    "LEASE": 2.0,
    "HEARTBEAT_INTERVAL": 0.4,
    "MONITOR_INTERVAL": 0.1,
    "POLL_INTERVAL": 0.2,
    "RECONCILE_INTERVAL": 0.5,
    "FINAL_WRITE_BUDGET": 2.0,
}
"""Of the schedulers: a short lease, so that much dies and is taken over in little time."""

_MANY = ("kills", "freezes", "terminations", "cuts")

DATABASES = ("sqlite", "postgres", "mariadb")


@dataclass(frozen=True)
class Options:
    """One run. The counts are of faults; ``pace`` is the mean time between two, in seconds.

    After ``longest`` seconds it is broken off, whatever it is at.
    """

    database: str
    seed: int
    kills: int
    freezes: int
    terminations: int
    cuts: int
    outages: int
    restarts: int
    restart_command: str
    schedulers: int
    jobs: int
    pace: float
    quiet: float
    keep: bool
    longest: float


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.concurrency.chaos",
        description="Schedulers are killed, frozen and cut off.",
    )
    add = parser.add_argument
    add("--database", choices=DATABASES, help="default: what TEST_DATABASE says, or sqlite")
    add("--seed", type=int, help="of the jobs, orders and faults; default: a random one, printed")
    add("--kills", type=int, default=350, help="SIGKILLs (default: %(default)s)")
    add("--freezes", type=int, default=35, help="SIGSTOPs, half longer than the lease")
    add("--terminations", type=int, help="SIGTERMs (default: a tenth of the kills)")
    add("--cuts", type=int, help="cut connections (default: a tenth of the kills; SQLite: 0)")
    add("--outages", type=int, help="times without any scheduler (default: a 70th of the kills)")
    add("--restarts", type=int, default=0, help="restarts of the database")
    add("--restart-command", default="", help="the shell command that restarts it")
    add("--schedulers", type=int, default=4, help="processes at once (default: %(default)s)")
    add("--jobs", type=int, default=24, help="jobs with dice for policies (default: %(default)s)")
    add("--pace", type=float, default=0.6, help="mean seconds between faults")
    add("--quiet", type=float, default=60.0, help="seconds for open runs to end, afterwards")
    add("--longest", type=float, help="seconds after which it is broken off, which is a fault")
    add("--keep", action="store_true", help="keep logs and notes; kept anyway after a fault")
    return parser


def read(arguments: Sequence[str] | None = None) -> Options:
    """Return what the command line says."""
    parser = _parser()
    told = vars(parser.parse_args(arguments))
    told["seed"] = SystemRandom().randrange(10**6) if told["seed"] is None else told["seed"]
    for name, share in (("terminations", 10), ("cuts", 10), ("outages", 70)):
        told[name] = told["kills"] // share if told[name] is None else told[name]
    if told["longest"] is None:
        told["longest"] = 300 + 6 * told["pace"] * sum(told[name] for name in _MANY)
        told["longest"] += 30 * told["outages"] + 90 * told["restarts"]
    if told["restarts"] and not told["restart_command"]:
        parser.error("--restarts needs a --restart-command")
    return Options(**told)
