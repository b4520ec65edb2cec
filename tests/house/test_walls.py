"""What may stand in one room only, and what may stand nowhere."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest

from tests.house.sources import PACKAGE, REPOSITORY, modules, relative, tracked_texts, tree


def test_the_database_vendor_is_asked_in_one_room():
    room = PACKAGE / "models" / "vendors"
    asking = [
        f"{relative(path)}:{node.lineno}"
        for path in modules("django_scheduler")
        if room not in path.parents
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "vendor"
    ]
    assert asking == []


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="not a git checkout")
def test_no_tracked_file_names_a_path_of_somebodys_machine():
    # Spelt in halves, so that this file passes its own test.
    paths = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Use" + "rs/", "C:" + "\\Users"]
    texts = tracked_texts()
    assert len(texts) > 10
    found = [f"{name}: {path}" for name, text in texts.items() for path in paths if path in text]
    assert found == []


def test_declaring_a_job_needs_neither_settings_nor_django():
    code = (
        "import sys\n"
        "from django_scheduler import every, job\n"
        "job('early', schedule=every(minutes=5))(lambda: None)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] == 'django'))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.strip() == "[]"
