"""The options of the process executor, good and bad."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_scheduler.executors import build_all
from django_scheduler.executors.process import ProcessExecutor

BACKEND = "django_scheduler.executors.process.ProcessExecutor"


def test_it_exists_without_being_declared_and_starts_nothing_by_itself():
    built = build_all(threads=7)["process"]
    assert isinstance(built, ProcessExecutor)
    assert built.free_slots() == built.processes >= 1
    assert (built.grace, built.capture_output, built.spare) == (timedelta(seconds=5), True, 0)


@pytest.mark.parametrize("grace", [0, 0.5, timedelta(seconds=3)])
def test_a_grace_is_seconds_or_a_timedelta(grace):
    seconds = ProcessExecutor("tried", grace=grace).grace.total_seconds()
    assert seconds == (3 if isinstance(grace, timedelta) else grace)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"processes": 0}, "processes must be a whole number from 1, not 0"),
        ({"processes": True}, "processes must be a whole number from 1, not True"),
        ({"processes": "4"}, "processes must be a whole number from 1, not '4'"),
        ({"spare": -1}, "spare must be a whole number from 0, not -1"),
        ({"grace": -1}, "grace=-1 is negative"),
        ({"grace": float("nan")}, "grace=nan is not a span of time"),
        ({"grace": None}, "grace must be seconds or a timedelta, not None"),
        ({"capture_output": "yes"}, "capture_output must be True or False, not 'yes'"),
        ({"threads": 3}, "threads"),
    ],
)
def test_a_bad_option_is_named(settings, options, named):
    definition = {"BACKEND": BACKEND, "OPTIONS": options}
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"killable": definition}}
    with pytest.raises(ImproperlyConfigured, match=r"\['killable'\]") as caught:
        build_all(threads=7)
    assert named in str(caught.value)
