"""Has the peers installed, and asks each of them, one process and one database a question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import databases
from ..databases import Absent
from ..figures import Figure, absent, load
from ..running import Plan, run_bounded, told

__all__ = ["ask_all"]

REQUIREMENTS = (
    "django>=5.2,<6.1", "psycopg[binary]", "redis", "celery[redis]", "django-celery-beat",
    "apscheduler>=3.11,<4", "sqlalchemy", "django-q2", "procrastinate[django]",
)  # fmt: skip
APPS = {
    "ours": ["django_scheduler", "benchmarks"],
    "celery_beat": ["django_celery_beat"],
    "django_q": ["django_q"],
}
PEERS = {
    "ours": "ours: runscheduler, 20 threads, PostgreSQL",
    "celery_beat": "django-celery-beat: beat, Redis, a worker of 2 processes, PostgreSQL",
    "apscheduler_": "APScheduler: SQLAlchemy job store, 20 threads, PostgreSQL",
    "django_q": "django-q2: qcluster of 2 workers, Redis, PostgreSQL",
    "procrastinate_": "procrastinate: worker of concurrency 20, PostgreSQL",
}


@dataclass(frozen=True)
class Question:
    """One question, how many jobs, and how many seconds the answer may be watched."""

    name: str
    count: int
    seconds: float


def _questions(plan: Plan) -> list[Question]:
    if plan.effort == "smoke":
        return [Question("due", 20, 60), Question("lateness", 5, 3), Question("idle", 20, 2)]
    watched = 10.0 if plan.effort == "quick" else 30.0
    patience = 30.0 if plan.effort == "quick" else 60.0
    sizes = (1_000, 10_000) if plan.effort == "quick" else (1_000, 10_000, 100_000)
    return [
        *(Question("due", count, patience) for count in (1_000, 10_000)),
        *(Question("idle", count, watched) for count in sizes),
        Question("edit", 1_000, 1.5 * patience),
        Question("lateness", 100, watched),
        Question("doubled", 10, watched),
    ]


def ask_all(plan: Plan, folder: Path | None, names: Sequence[str] = ()) -> Iterator[Figure]:
    """Ask the named peers, or all; who is not there is told, and what it has no way to answer."""
    peers = {name: words for name, words in PEERS.items() if not names or name in names}
    try:
        databases.reachable("postgres")
        redis = databases.redis_url()
        python = _environment(folder or Path("build/benchmark-peers"))
    except Absent as error:
        yield from (absent("peers", name, str(error), words) for name, words in peers.items())
        return
    for peer, words in peers.items():
        interpreter = sys.executable if peer == "ours" else str(python)
        where = f"{words}{_version(interpreter, words)}"
        for question in _questions(plan):
            for each in _ask(plan, interpreter, peer, question, redis):
                each.where = where
                plan.say(f"{peer} {question.name} {question.count}: {told(each)}")
                yield each


def _environment(folder: Path) -> Path:
    """Return the interpreter of an environment with every peer; made once, kept for later.

    Raises:
        Absent: they cannot be installed.
    """
    python = folder.resolve() / "bin" / "python"
    mark = folder / "installed"
    if mark.exists():
        return python
    try:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS)
    except (subprocess.SubprocessError, OSError) as error:
        raise Absent(f"cannot be installed: {type(error).__name__}") from error
    mark.touch()
    return python


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    return done.stdout.strip()


def _version(python: str, words: str) -> str:
    """Return the version of the package that the words begin with."""
    package = words.partition(":")[0]
    if package == "ours":
        return ""
    code = f"from importlib.metadata import version; print(version({package.lower()!r}))"
    try:
        return f" ({_run(python, '-c', code)})"
    except subprocess.SubprocessError:
        return ""


def _ask(plan: Plan, python: str, peer: str, question: Question, redis: str) -> Iterator[Figure]:
    name = f"{question.name} of {question.count:,}"
    prefix = f"benchmark-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with (
        tempfile.TemporaryDirectory(prefix="scheduler-benchmark-") as folder,
        databases.fresh("postgres") as config,
    ):
        out = Path(folder) / "figures.json"
        command = [
            python, "-m", "benchmarks.peers.harness", peer, question.name,
            "--count", str(question.count), "--seconds", str(question.seconds),
            "--folder", folder, "--out", str(out),
        ]  # fmt: skip
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings",
            "BENCHMARK_APPS": json.dumps(APPS.get(peer, [])),
            "BENCHMARK_DATABASE": json.dumps(config),
            "BENCHMARK_NOTES": str(Path(folder) / "notes"),
            "BENCHMARK_PREFIX": prefix,
            "BENCHMARK_REDIS": redis,
        }
        try:
            done = run_bounded(command, env, min(plan.timeout, 180 + question.seconds))
            if done.returncode:
                raise RuntimeError((done.stdout.strip().splitlines() or ["it failed"])[-1])
            yield from load(out)
        except subprocess.TimeoutExpired:
            yield absent("peers", name, "not done in time")
        except RuntimeError as error:
            yield absent("peers", name, str(error))
        finally:
            _forget(redis, prefix)


def _forget(url: str, prefix: str) -> None:
    """Delete the keys that a peer has left in the shared Redis."""
    import redis

    client = redis.Redis.from_url(url)
    for key in list(client.scan_iter(f"*{prefix}*")):
        client.delete(key)
