"""Every reference page says what the code says: nothing missing, nothing invented.

A page lists its names as Markdown table rows that start with the name in code.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, _SubParsersAction
from dataclasses import MISSING, fields
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.management import load_command_class
from django.dispatch import Signal

import django_scheduler
from django_scheduler import conf, exceptions, signals, states
from tests.house.sources import PACKAGE, documented, table_rows

UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400}


def _default(cell: str) -> Any:
    """The value a "Default" cell shows: `None`, `20`, `"jobs"`, `5 s`, `24 h`, `{}`."""
    text = cell.strip("`")
    duration = re.fullmatch(r"([\d.]+) (\w+)", text)
    if duration:
        return timedelta(seconds=float(duration.group(1)) * UNITS[duration.group(2)])
    literals = {"None": None, "True": True, "False": False, "{}": {}, "[]": (), "()": ()}
    if text in literals:
        return literals[text]
    return int(text) if text.isdigit() else text.strip("\"'")


def test_settings_page_shows_every_setting_with_its_default():
    shown = {row[0].strip("`"): _default(row[1]) for row in table_rows("settings.md")}
    actual = {}
    for field in fields(conf.SchedulerSettings):
        made = field.default_factory is not MISSING
        actual[field.name.upper()] = field.default_factory() if made else field.default
    assert shown == actual


def test_statuses_page_shows_every_word_of_the_states():
    enums = ("RunStatus", "JobState", "Trigger", "Reason", "ProcessState")
    words = {str(word.value) for name in enums for word in getattr(states, name)}
    assert documented("statuses.md") == words - {""}


def test_statuses_page_shows_from_where_a_run_comes_to_each_status():
    shown = {}
    for row in table_rows("statuses.md")[: len(states.RunStatus)]:
        every = states.OPEN if "every open status" in row[3] else frozenset()
        shown[row[0].strip("`")] = every | set(re.findall(r"`(\w+)`", row[3]))
    actual = {
        new: {old for old in states.RunStatus if new in states.MOVES[old]}
        for new in states.RunStatus
    }
    assert shown == actual


def test_errors_page_shows_every_error():
    assert documented("errors.md") == set(exceptions.__all__)


def test_signals_page_shows_every_signal():
    names = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    assert documented("signals.md") == names


def test_checks_page_shows_every_system_check():
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    numbers = {
        number
        for text in texts
        for number in re.findall(r"\b(?:django_)?scheduler\.[EWIC]\d{3}\b", text)
    }
    assert documented("checks.md") == numbers


def _sub_commands(parser: ArgumentParser) -> list[str]:
    actions = parser._actions
    return [name for a in actions if isinstance(a, _SubParsersAction) for name in a.choices]


def test_commands_page_shows_every_command_and_sub_command():
    names = set()
    for path in (PACKAGE / "management" / "commands").glob("[!_]*.py"):
        command = load_command_class("django_scheduler", path.stem)
        subs = _sub_commands(command.create_parser("manage.py", path.stem))
        names |= {f"{path.stem} {sub}" for sub in subs} or {path.stem}
    assert documented("commands.md") - {"scheduler"} == names


def test_api_page_shows_every_public_name():
    public = set(django_scheduler.__all__)
    for facade in ("jobs", "runs"):
        module = import_module(f"django_scheduler.{facade}")
        public |= {f"{facade}.{name}" for name in module.__all__}
    assert public - documented("api.md") == set()


@pytest.mark.parametrize("name", sorted(django_scheduler.__all__))
def test_public_name_exists(name):
    assert getattr(django_scheduler, name) is not None
