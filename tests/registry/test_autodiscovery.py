"""When Django starts, the jobs of every installed app are found; in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import REPOSITORY

START = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django_scheduler", *{apps!r}],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    DJANGO_SCHEDULER={scheduler!r},
)
django.setup()
from django_scheduler import registry
print(",".join(registry.names()))
"""


def make_app(folder, name, **modules):
    """An installed application with these modules."""
    (folder / name).mkdir()
    for module, text in {"__init__": "", **modules}.items():
        (folder / name / f"{module}.py").write_text(text)


def start(folder, *apps, **scheduler):
    """Start Django with these apps in a fresh process; return (exit code, names, errors)."""
    answer = subprocess.run(
        [sys.executable, "-c", START.format(apps=list(apps), scheduler=scheduler)],
        cwd=folder,
        env={"PYTHONPATH": f"{REPOSITORY}:{folder}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout.strip(), answer.stderr


ONE = "from django_scheduler import job\n@job({name})\ndef work(): pass\n"


def test_jobs_module_of_every_app_is_imported(tmp_path):
    """J1"""
    make_app(tmp_path, "shop", jobs=ONE.format(name='"shop-work"'))
    make_app(tmp_path, "bank", jobs=ONE.format(name='"bank-work"'))
    make_app(tmp_path, "bare")
    assert start(tmp_path, "shop", "bank", "bare") == (0, "bank-work,shop-work", "")


def test_default_name_is_the_apps_label_and_the_functions_name(tmp_path):
    """J1"""
    make_app(tmp_path, "shop", jobs=ONE.format(name=""))
    assert start(tmp_path, "shop") == (0, "shop.work", "")


def test_import_error_in_a_jobs_module_is_shown(tmp_path):
    """J1: never swallowed."""
    make_app(tmp_path, "shop", jobs="import no_such_module_anywhere\n")
    code, _names, errors = start(tmp_path, "shop")
    assert code == 1
    assert "No module named 'no_such_module_anywhere'" in errors
    assert "jobs.py" in errors


def test_two_functions_under_one_name_stop_the_start(tmp_path):
    """J3"""
    make_app(tmp_path, "shop", jobs=ONE.format(name='"work"'))
    make_app(tmp_path, "bank", jobs=ONE.format(name='"work"'))
    code, _names, errors = start(tmp_path, "shop", "bank")
    assert code == 1
    assert "InvalidJob: Two functions are registered as 'work'" in errors


def test_another_module_can_be_searched_or_none(tmp_path):
    """J1"""
    make_app(
        tmp_path,
        "shop",
        jobs=ONE.format(name='"from-jobs"'),
        scheduled=ONE.format(name='"from-scheduled"'),
    )
    assert start(tmp_path, "shop", AUTODISCOVER_MODULE="scheduled")[1] == "from-scheduled"
    assert start(tmp_path, "shop", AUTODISCOVER_MODULE=None)[1] == ""


def test_wrong_setting_does_not_break_the_start_itself(tmp_path):
    """W5: the system check shows it with its remedy."""
    make_app(tmp_path, "shop", jobs=ONE.format(name='"work"'))
    assert start(tmp_path, "shop", COLOUR="red")[0] == 0
