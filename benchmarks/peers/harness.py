"""Asks one peer one question, in the peer's environment: ``… PEER QUESTION --count N --out F``."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from ..databases import connect
from ..figures import Figure, absent, dump, percentile
from ..processes import Child, child, cpu_seconds, end_in_order, wait_until
from .base import Peer, utc_now
from .noting import noted

SETTLE = 6.0
POLL = 0.2


@contextmanager
def started(peer: Peer, folder: Path, copies: int = 1) -> Iterator[list[Child]]:
    """The peer's processes, for the time of the block."""
    with ExitStack() as stack:
        commands = [*peer.workers(), *(each for _ in range(copies) for each in peer.schedulers())]
        made = [
            stack.enter_context(child(command, folder / f"{number}.log"))
            for number, command in enumerate(commands)
        ]
        yield made
        for each in made:
            if not each.alive():
                raise RuntimeError(f"it ended by itself: {each.tail()[-200:]}")


def due(peer: Peer, count: int, seconds: float, folder: Path) -> Figure:
    """All due at one instant: the rate between the first and the last call."""
    peer.due(count, utc_now() + timedelta(seconds=SETTLE))
    with started(peer, folder):
        wait_until(noted, seconds, "the first call")
        end = time.monotonic() + seconds
        while len(noted()) < count and time.monotonic() < end:
            time.sleep(POLL)
        calls = noted()
    spent = calls[-1][1] - calls[0][1]
    value = (len(calls) - 1) / spent if spent else None
    note = "" if len(calls) >= count else f"only {len(calls):,} called in {seconds:.0f} s"
    return Figure("peers", f"{count:,} due: calls", value=value, unit="runs/s", note=note)


def idle(peer: Peer, count: int, seconds: float, folder: Path) -> Figure:
    """Nothing due: processor time of all its processes and of its database connections."""
    peer.far(count)
    with started(peer, folder) as made:
        time.sleep(SETTLE)
        before, begun = _spent(made), time.monotonic()
        time.sleep(seconds)
        share = (_spent(made) - before) / (time.monotonic() - begun)
    return Figure("peers", f"idle with {count:,} jobs", value=100 * share, unit="% of a core")


def _spent(made: list[Child]) -> float:
    """Return the seconds of the processes, their children, and the server's side."""
    import json

    connection = connect(json.loads(os.environ["BENCHMARK_DATABASE"]))
    with connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        ).fetchall()
    groups = {each.pid for each in made}
    members = [pid for pid in _processes() if _group(pid) in groups]
    return sum(map(cpu_seconds, [*members, *(pid for (pid,) in rows)]))


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def lateness(peer: Peer, count: int, seconds: float, folder: Path) -> Figure:
    """Jobs of every second: how long after its instant each call came."""
    peer.each_second(count)
    with started(peer, folder):
        wait_until(noted, 60, "the first call")
        time.sleep(SETTLE)
        begun = time.time()
        time.sleep(seconds)
        calls = [(name, at) for name, at in noted() if at >= begun]
    late = _late(calls, peer.grid)
    note = (
        f"p50 {percentile(late, 0.5):.0f}, max {max(late):.0f} ms;"
        f" {len(calls):,} of {count * seconds:,.0f} calls"
    )
    name = f"{count:,} one-second jobs: p99"
    return Figure("peers", name, value=percentile(late, 0.99), unit="ms", note=note)


def _late(calls: list[tuple[str, float]], grid: bool) -> list[float]:
    """Milliseconds after the instant: of a grid whose begin is the earliest seen, or the last."""
    times: dict[str, list[float]] = defaultdict(list)
    for name, at in calls:
        times[name].append(at)
    late = []
    for each in times.values():
        if grid:
            phase = _phase([at % 1.0 for at in each])
            late += [(at - phase) % 1.0 for at in each]
        else:
            late += [max(0.0, b - a - 1.0) for a, b in pairwise(each)]
    return [1000 * value for value in late] or [float("inf")]


def _phase(parts: list[float]) -> float:
    """Return where within the second the calls begin: after the longest pause of the circle."""
    ordered = sorted(parts)
    before = [ordered[-1], *ordered[:-1]]
    pauses = [(at - last) % 1.0 for last, at in zip(before, ordered, strict=True)]
    return ordered[pauses.index(max(pauses))]


def edit(peer: Peer, count: int, seconds: float, folder: Path) -> Figure:
    """A job due next year is made due: how long until it is called."""
    peer.far(count)
    with started(peer, folder):
        time.sleep(2 * SETTLE)
        peer.edit()
        edited = time.time()
        name = f"one edit of {count:,} jobs"
        try:
            wait_until(noted, seconds, "the call")
        except TimeoutError:
            note = f"not noticed within {seconds:.0f} s"
            return Figure("peers", name, value=float("inf"), unit="s", note=note)
        return Figure("peers", name, value=max(0.0, noted()[0][1] - edited), unit="s")


def doubled(peer: Peer, count: int, seconds: float, folder: Path) -> Figure:
    """Two schedulers, jobs of every second: calls beyond one a second and job."""
    peer.each_second(count)
    with started(peer, folder, copies=2):
        wait_until(noted, 60, "the first call")
        time.sleep(SETTLE)
        begun = time.time()
        time.sleep(seconds)
        calls = Counter(name for name, at in noted() if begun <= at < begun + seconds)
    extra = sum(max(0, times - round(seconds) - 1) for times in calls.values())
    note = f"{sum(calls.values()):,} calls where {count * seconds:,.0f} were due"
    return Figure("peers", "two schedulers: calls too many", value=extra, unit="calls", note=note)


QUESTIONS = {each.__name__: each for each in (due, idle, lateness, edit, doubled)}


def main() -> None:
    """Prepare, ask, and write the figure down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    end_in_order()
    peer: Peer = import_module(f"benchmarks.peers.{given.peer}").peer
    peer.prepare()
    try:
        figure = QUESTIONS[given.question](peer, given.count, given.seconds, given.folder)
    except NotImplementedError:
        figure = absent("peers", f"{given.question} of {given.count:,}", "it has no way to")
    dump([figure], given.out)


if __name__ == "__main__":
    main()
