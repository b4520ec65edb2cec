"""Change the rules one bit at a time, and see whether a test notices.

``python -m tests.rules.mutants [module ...]``: modules are patterns below the package, such as
``planning/*`` (with ``policies`` the default) or ``schedules/cron_match``. Each mutant is run
against the rule tests named in ``TESTS``, in an interpreter of its own and on a copy of the tree.
Survivors are printed; one that is equivalent is listed with its reason in ``EQUIVALENT``. Exits 1
if a survivor is unexplained, or an explanation is about nothing.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.rules.equivalent_mutants import EQUIVALENT
from tests.rules.mutations import Mutation, bare, mutations

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "django_scheduler"
DEFAULT = ("planning/*", "policies")
#: Which tests speak of which modules, the quickest and likeliest first.
TESTS = {
    "planning/edits": ("test_edits",),
    "planning/chosen": ("test_chosen*", "test_planning*"),
    "planning/*": ("test_planning*",),
    "policies": ("test_policies",),
    "schedules/base": (
        "test_looking_back",
        "test_kinds",
        "test_interval",
        "test_cron_memory",
        "test_meaning",
    ),
    "schedules/builders": ("test_builders", "test_interval", "test_kinds"),
    "schedules/cron": (
        "test_cron_memory",
        "test_cron_text",
        "test_cron_dst",
        "test_words*",
        "test_effects",
    ),
    "schedules/cron_days": (
        "test_cron_readings",
        "test_cron_text",
        "test_cron_dst",
        "test_cron_memory",
        "test_oracle",
        "test_meaning",
    ),
    "schedules/cron_effects": ("test_effects", "test_words*"),
    "schedules/cron_instants": (
        "test_cron_dst",
        "test_cron_readings",
        "test_cron_memory",
        "test_oracle",
        "test_meaning",
    ),
    "schedules/cron_match": (
        "test_cron_readings",
        "test_cron_dst",
        "test_cron_text",
        "test_oracle",
        "test_meaning",
    ),
    "schedules/cron_text": (
        "test_cron_text",
        "test_meant",
        "test_meaning",
        "test_words*",
        "test_effects",
    ),
    "schedules/cron_words": ("test_words*", "test_builders"),
    "schedules/effects": ("test_effects", "test_words*"),
    "schedules/interval": (
        "test_interval",
        "test_effects",
        "test_words*",
        "test_kinds",
        "test_meaning",
    ),
    "schedules/kinds": ("test_kinds", "test_meant", "test_cron_text", "test_interval"),
    "schedules/once": ("test_kinds", "test_words*", "test_cron_memory", "test_meaning"),
    "schedules/preview": ("test_effects", "test_edits", "test_words*"),
    "schedules/speech": ("test_words*", "test_effects"),
    "schedules/versions": ("test_versions",),
    "schedules/wall": (
        "test_cron_dst",
        "test_interval",
        "test_effects",
        "test_kinds",
        "test_oracle",
        "test_meaning",
    ),
    "*": ("test_*",),
}
#: No test runs longer than the baseline times this; a mutant that does is noticed.
PATIENCE = 8
CONFTEST = """
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mutants", deadline=None, database=None, derandomize=True, max_examples=50,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")
"""


@dataclass(frozen=True)
class Mutant:
    """One mutation of one module."""

    module: str
    mutation: Mutation

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What an explanation names it by: never a line number."""
        found = self.mutation
        return self.module, found.where, bare(found.before), bare(found.after)

    def __str__(self) -> str:
        found = self.mutation
        return (
            f"{PACKAGE}/{self.module}.py:{found.line} {found.where}\n"
            f"  - {found.before}\n  + {found.after}"
        )


class Sandbox:
    """A copy of the package and its rule tests, in which one module at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "static", "templates")
        shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=ignored)
        shutil.copytree(ROOT / "tests" / "rules", folder / "tests" / "rules", ignore=ignored)
        (folder / "tests" / "__init__.py").touch()
        (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")

    def passes(self, tests: list[str], timeout: float | None = None, *, warm: bool = False) -> bool:
        """Tell whether the tests pass; not if they take longer than ``timeout`` seconds."""
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if not warm:
            # A changed file of equal size and age would be served from the old one's cache.
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            done = subprocess.run(
                command, cwd=self._folder, env=environment, timeout=timeout, capture_output=True,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        if warm and done.returncode:
            say((done.stdout + done.stderr).decode(errors="replace"))
        return done.returncode == 0

    def survives(self, mutant: Mutant, tests: list[str], timeout: float) -> bool:
        """Tell whether the tests pass with the mutant in place; it is taken out again."""
        path = self._folder / PACKAGE / f"{mutant.module}.py"
        original = path.read_bytes()
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            stale.unlink()
        try:
            path.write_text(mutant.mutation.source, encoding="utf-8")
            return self.passes(tests, timeout)
        finally:
            path.write_bytes(original)


def say(text: str) -> None:
    """Tell whoever watches, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def modules(patterns: list[str]) -> list[str]:
    """The package's modules that match, without their suffix."""
    package = ROOT / PACKAGE
    names = sorted(
        path.relative_to(package).with_suffix("").as_posix() for path in package.rglob("*.py")
    )
    return [
        name
        for name in names
        if any(fnmatch(name, pattern) for pattern in patterns) and not name.endswith("__init__")
    ]


def tests_of(module: str) -> list[str]:
    """The test files that speak of a module, each once, in the order of ``TESTS``."""
    patterns = next(tests for pattern, tests in TESTS.items() if fnmatch(module, pattern))
    folder = ROOT / "tests" / "rules"
    found = [path for pattern in patterns for path in sorted(folder.glob(f"{pattern}.py"))]
    return [path.relative_to(ROOT).as_posix() for path in dict.fromkeys(found)]


def all_mutants(module: str, where: str) -> list[Mutant]:
    """The module's mutants, those in functions matching ``where`` only."""
    source = (ROOT / PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    return [Mutant(module, each) for each in mutations(source, where)]


def survivors(module: str, mutants: list[Mutant], sandboxes: list[Sandbox]) -> Iterator[Mutant]:
    """The module's mutants that no test notices."""
    tests = tests_of(module)
    begun = time.perf_counter()
    if not tests or not sandboxes[0].passes(tests, warm=True):
        raise SystemExit(f"{module}: its tests {tests} do not pass as they are.")
    baseline = time.perf_counter() - begun
    say(f"{module}: {len(mutants)} mutants, {baseline:.1f} s of tests")
    free: queue.SimpleQueue[Sandbox] = queue.SimpleQueue()
    for sandbox in sandboxes:
        free.put(sandbox)

    def survives(mutant: Mutant) -> bool:
        sandbox = free.get()
        try:
            return sandbox.survives(mutant, tests, baseline * PATIENCE + 20)
        finally:
            free.put(sandbox)

    with ThreadPoolExecutor(len(sandboxes)) as pool:
        for mutant, alive in zip(mutants, pool.map(survives, mutants), strict=True):
            if alive:
                yield mutant


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.rules.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(DEFAULT))
    parser.add_argument("--where", default="*", help="only in functions matching this pattern")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="only show the mutants")
    return parser


def main() -> int:
    """Run the mutants asked for; the number to exit with."""
    asked = _parser().parse_args()
    chosen = modules(asked.modules)
    mutants = [each for module in chosen for each in all_mutants(module, asked.where)]
    if asked.list:
        say("\n".join(map(str, mutants)))
        return 0
    known = {each.key for each in mutants}
    about_nothing = [
        key
        for key in EQUIVALENT
        if key[0] in chosen and fnmatch(key[1], asked.where) and key not in known
    ]
    begun, found = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        sandboxes = [Sandbox(Path(folder, str(number))) for number in range(max(1, asked.jobs))]
        for module in chosen:
            own = [each for each in mutants if each.module == module]
            for mutant in survivors(module, own, sandboxes):
                found.append(mutant.key)
                if mutant.key not in EQUIVALENT:
                    say(f"SURVIVED {mutant}")
    unexplained = [key for key in found if key not in EQUIVALENT]
    noticed = [key for key in EQUIVALENT if key in known and key not in found]
    for key in about_nothing + noticed:
        why = "there is no such mutant" if key in about_nothing else "it is noticed"
        say(f"EXPLAINED, but {why}: {key}")
    say(
        f"{len(mutants)} mutants, {len(mutants) - len(found)} noticed, "
        f"{len(found) - len(unexplained)} equivalent, {len(unexplained)} unexplained, "
        f"{time.perf_counter() - begun:.0f} s"
    )
    return 1 if unexplained or about_nothing or noticed else 0


if __name__ == "__main__":
    sys.exit(main())
