"""From due to recorded, for a job that does nothing, against the bare driver's same rows."""

from __future__ import annotations

import time

from django_scheduler.engine import Scheduler

from .. import jobs
from ..figures import Figure, pairwise
from ..loading import load, make_due
from ..raw import Bare, timed
from ..seams import BATCH, poke, running
from .place import Place

__all__ = ["drained", "drained_raw", "measure"]

TARGET = 0.8
ABSOLUTE = 10_000
THREADS = 20
PATIENCE = 120.0


def measure(place: Place) -> list[Figure]:
    """A real scheduler with its thread pool; the raw side claims, calls and records in one thread.

    Nothing can be claimed ahead: the jobs become due by the commit at which the clock starts.
    """
    count = place.pick(40, 1_000, 5_000)
    rounds = place.pick(1, 3, 7)
    ids = load(count)
    with place.bare() as bare:

        def ours() -> float:
            with running(THREADS) as scheduler:
                return drained(scheduler, bare, ids)

        pairs = pairwise(ours, lambda: drained_raw(bare, ids), rounds, place.seconds)
    rate = pairs.rate(count)
    return [
        Figure(
            "end_to_end", "due to recorded, no-op", place.kind, rate, "runs/s",
            ratio=pairs.ratio, target=f"≥ {TARGET} of raw", good=pairs.ratio >= TARGET,
            note=f"raw {pairs.raw_rate(count):,.0f}/s; {count:,} runs, {pairs.rounds} rounds,"
            f" {THREADS} threads; idle cores: ≥ {ABSOLUTE:,}/s",
            series={"ours": pairs.ours, "raw": pairs.raw},
        )
    ]  # fmt: skip


def drained(scheduler: Scheduler, bare: Bare, ids: list[int]) -> float:
    """Make the jobs due and return after how many seconds all their outcomes are stored."""
    make_due(ids)
    begun = time.perf_counter()
    poke(scheduler)
    while not bare.nothing_left():
        if time.perf_counter() - begun > PATIENCE:
            raise TimeoutError(f"not done after {PATIENCE:.0f} s")
        time.sleep(0.01)
    return time.perf_counter() - begun


def drained_raw(bare: Bare, ids: list[int]) -> float:
    """Do the same with the bare driver."""
    make_due(ids)
    done = 0

    def drain() -> None:
        nonlocal done
        done = bare.drain(BATCH, jobs.noop)

    spent = timed(drain)
    if done != len(ids):
        raise RuntimeError(f"{done} of {len(ids)} were done")
    return spent
