"""A project without Celery, and the wall that keeps Celery in its room."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.house.sources import PACKAGE, REPOSITORY, modules, relative, tree

WITHOUT_CELERY = """
import sys
sys.modules["celery"] = None
import django
django.setup()
from django.core.management import call_command
call_command("check")
"""


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_project_without_celery_needs_none():
    answer = _run(WITHOUT_CELERY)
    assert answer.returncode == 0, answer.stderr


def test_declaring_the_executor_without_celery_says_what_to_install():
    declared = (
        '{"EXECUTORS": {"far": {"BACKEND": "django_scheduler.executors.celery.CeleryExecutor"}}}'
    )
    answer = _run(WITHOUT_CELERY, TEST_DJANGO_SCHEDULER=declared)
    assert answer.returncode != 0
    last = answer.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert "['EXECUTORS']['far']" in last
    assert "pip install 'django-runscheduler[celery]'" in last


def _imports(path: Path) -> set[str]:
    """The top names a module imports absolutely, at any depth of it."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_celery_is_imported_in_one_room():
    room = PACKAGE / "executors" / "celery"
    importing = [
        relative(path)
        for path in modules("django_scheduler")
        if room not in path.parents and _imports(path) & {"celery", "kombu"}
    ]
    assert importing == []
