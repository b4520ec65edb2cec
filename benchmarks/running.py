"""Which measurement runs where: each in a process of its own, bounded in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import comparing, databases
from .databases import Absent
from .figures import Figure, absent, load
from .measures.place import Effort

__all__ = ["ALONE", "BY_SIZE", "Plan", "measure_all"]

REPOSITORY = Path(__file__).resolve().parent.parent
ALONE = ("claim", "end_to_end", "lateness", "pool", "takeover", "profile")
"""Parts that fill a database of their own."""

BY_SIZE = ("start", "idle", "edits", "rate")
"""Parts that are asked again with ever more jobs in the database."""

LONGEST_EDIT_SIZE = 100_000
Say = Callable[[str], None]


@dataclass
class Plan:
    """What to measure, and where."""

    parts: tuple[str, ...]
    kinds: tuple[str, ...] = databases.KINDS
    sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    effort: Effort = "full"
    timeout: float = 900.0
    say: Say = field(default=lambda text: print(text, file=sys.stderr, flush=True))


def measure_all(plan: Plan) -> Iterator[Figure]:
    """Measure every part that needs a database, and Celery's publishing; what fails is told."""
    for kind in plan.kinds:
        try:
            databases.reachable(kind)
        except Absent as error:
            plan.say(f"{kind}: {error}")
            yield absent("databases", kind, str(error))
            continue
        for part in (part for part in ALONE if part in plan.parts):
            yield from _alone(plan, kind, part)
        yield from _by_size(plan, kind)
    if "celery" in plan.parts:
        yield from _celery(plan)


def _alone(plan: Plan, kind: str, part: str) -> list[Figure]:
    with databases.fresh(kind) as config:
        return _ask(plan, kind, part, config)


def _celery(plan: Plan) -> list[Figure]:
    try:
        databases.redis_url()
    except Absent as error:
        return [absent("celery", "Celery publish, Redis", str(error))]
    return _alone(plan, "sqlite", "celery")


def _by_size(plan: Plan, kind: str) -> Iterator[Figure]:
    """Keep a database of each size, so that the least and the most can be measured in turn."""
    parts = [part for part in BY_SIZE if part in plan.parts]
    if not parts:
        return
    with ExitStack() as stack:
        ready: dict[int, dict[str, Any]] = {}
        for size in sorted(plan.sizes):
            config = stack.enter_context(databases.fresh(kind))
            loaded = _ask(plan, kind, "load", config, size)
            if loaded[0].value is None:
                yield from loaded
                continue
            ready[size] = config
            for part in (part for part in parts if part != "rate"):
                if part != "edits" or size <= LONGEST_EDIT_SIZE:
                    yield from _ask(plan, kind, part, config, size)
        if "rate" in parts and ready:
            yield from _rates(plan, kind, ready)


def _rates(plan: Plan, kind: str, ready: dict[int, dict[str, Any]]) -> Iterator[Figure]:
    extremes = sorted({min(ready), max(ready)})
    found: list[Figure] = []
    for _ in range(3 if plan.effort == "full" else 1):
        for size in extremes:
            found += _ask(plan, kind, "rate", ready[size], size)
    measured = [each for each in found if each.value is not None]
    yield from [each for each in found if each.value is None]
    yield from measured[-len(extremes) :]
    yield from comparing.by_size(measured)


def _ask(plan: Plan, kind: str, part: str, config: dict[str, Any], size: int = 0) -> list[Figure]:
    """Measure one part; whatever goes wrong becomes a row that says so."""
    name = f"{part}{f' at {size:,}' if size else ''}"
    begun = time.monotonic()
    try:
        found = _in_a_process(plan, kind, part, config, size)
    except subprocess.TimeoutExpired:
        found = [absent(part, name, f"not done within {plan.timeout:.0f} s", kind)]
    except RuntimeError as error:
        found = [absent(part, name, str(error), kind)]
    plan.say(f"{kind} {name}: {time.monotonic() - begun:.0f} s")
    for figure in found:
        plan.say(f"    {told(figure)}")
    return found


def _in_a_process(
    plan: Plan, kind: str, part: str, config: dict[str, Any], size: int
) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="scheduler-benchmark-") as folder:
        out = Path(folder) / "figures.json"
        command = [
            sys.executable, "-m", "benchmarks.child", part, "--kind", kind, "--size", str(size),
            "--out", str(out), "--effort", plan.effort,
        ]  # fmt: skip
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCHMARK_DATABASE": json.dumps(config),
        }
        done = run_bounded(command, env, plan.timeout)
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            raise RuntimeError(lines[-1] if lines else f"exit code {done.returncode}")
        return load(out)


def run_bounded(
    command: list[str], env: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; past its time it is ended, and what it started with it.

    Raises:
        subprocess.TimeoutExpired: it took too long.
    """
    from .processes import Child

    with tempfile.TemporaryDirectory(prefix="scheduler-benchmark-") as folder:
        log = Path(folder) / "log"
        child = Child(command, env, log, REPOSITORY)
        try:
            code = child.process.wait(seconds)
        finally:
            if child.alive():
                child.stop(15)
        return subprocess.CompletedProcess(command, code, log.read_text(errors="replace"))


def told(figure: Figure) -> str:
    """Return a figure as one line of text."""
    if figure.value is None:
        return f"{figure.name}: {figure.note}"
    ratio = f", ratio {figure.ratio:.2f}" if figure.ratio is not None else ""
    return f"{figure.name}: {figure.value:,.4g} {figure.unit}{ratio} ({figure.note})"
