"""What every test may use: service markers that follow the environment, and child processes."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.waiting import wait_until

pytest_plugins = ["django_scheduler.testing"]

REPOSITORY = Path(__file__).resolve().parent.parent
DESELECTED: pytest.StashKey[Counter[str]] = pytest.StashKey()

# Two shared cores: how long one example takes says nothing about the code.
hypothesis_settings.register_profile("house", deadline=None, database=None)
hypothesis_settings.load_profile("house")


def find_chromium() -> str | None:
    """Return the path of a Chromium to drive, or None where there is none."""
    names = (os.environ.get("TEST_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, filter(None, names)) if path), None)


def _why_unavailable(marker: str) -> str | None:
    """Why tests with this marker cannot run here; None when they can."""
    if marker == "browser":
        if importlib.util.find_spec("playwright") is None:
            return "Playwright is not installed"
        return None if find_chromium() else "no Chromium on PATH, TEST_CHROMIUM is not set"
    if marker == "plots":
        here = importlib.util.find_spec("matplotlib") is not None
        return None if here else "Matplotlib is not installed"
    if marker == "chaos":
        return None if os.environ.get("TEST_CHAOS") else "TEST_CHAOS is not set"
    if not getattr(settings, f"TEST_{marker.upper()}_URL"):
        return f"TEST_{marker.upper()}_URL is not set"
    if marker in ("postgres", "mariadb") and marker != settings.TEST_DATABASE:
        return f"TEST_DATABASE is {settings.TEST_DATABASE}"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs a service this run was not given; say so at the end of the run."""
    markers = ("postgres", "mariadb", "redis", "rabbitmq", "browser", "plots", "chaos")
    missing = {marker: why for marker in markers if (why := _why_unavailable(marker))}
    counts: Counter[str] = Counter()
    kept, dropped = [], []
    for item in items:
        marker = next((name for name in missing if item.get_closest_marker(name)), None)
        if marker is None:
            kept.append(item)
        else:
            dropped.append(item)
            counts[f"{marker} ({missing[marker]})"] += 1
    config.stash[DESELECTED] = counts
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was deselected, so that a green run never hides what it did not look at."""
    for reason, count in sorted(config.stash.get(DESELECTED, Counter()).items()):
        terminalreporter.write_line(f"deselected: {count} {reason}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Before the database is dropped, let the server's side of killed processes see their end.

    PostgreSQL drops no database that somebody is connected to. Who is so for good is an error.
    """
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock():
            wait_until(_nobody_else_is_connected)


def _nobody_else_is_connected() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return not cursor.fetchall()


@pytest.fixture
def subprocess_env(transactional_db: None) -> Iterator[dict[str, str]]:
    """An environment in which a child process works on this test's own database.

    The test's rows are committed (`transactional_db`), so that the child sees them.
    """
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    yield {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "SCHEDULER_TEST_DB_NAME": str(connection.settings_dict["NAME"]),
    }


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The path of the Chromium that browser tests drive."""
    path = find_chromium()
    assert path is not None
    return path
