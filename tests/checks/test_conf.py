"""The settings: defaults, kinds of value, and what is said of a wrong one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_scheduler import conf, executors


def test_nothing_set_is_all_defaults(settings):
    """T5"""
    settings.DJANGO_SCHEDULER = {}
    assert conf.current() == conf.SchedulerSettings()
    assert conf.problems() == []


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        conf.current().threads = 5


@pytest.mark.parametrize("value", [30, 30.0, timedelta(seconds=30)])
def test_durations_are_timedeltas_or_seconds(settings, value):
    settings.DJANGO_SCHEDULER = {"LEASE": value}
    assert conf.current().lease == timedelta(seconds=30)


def test_change_of_the_settings_is_seen(settings):
    settings.DJANGO_SCHEDULER = {"THREADS": 3}
    assert conf.current().threads == 3
    settings.DJANGO_SCHEDULER = {"THREADS": 4}
    assert conf.current().threads == 4


def test_list_of_commands_is_taken(settings):
    settings.DJANGO_SCHEDULER = {"COMMANDS_ALLOWED": ["clearsessions"]}
    assert conf.current().commands_allowed == ("clearsessions",)


def test_autodiscovery_can_be_turned_off(settings):
    settings.DJANGO_SCHEDULER = {"AUTODISCOVER_MODULE": None}
    assert conf.current().autodiscover_module is None


def test_declared_executors_stand_beside_the_default_one(settings):
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"other": {"BACKEND": "a.B"}}}
    assert set(conf.current().executor_definitions()) == {*conf.DEFAULT_EXECUTORS, "other"}


def test_default_executor_can_be_replaced(settings):
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"default": {"BACKEND": "a.B"}}}
    assert conf.current().executor_definitions()["default"] == {"BACKEND": "a.B"}


WRONG = [
    ("COLOUR", "red"),
    ("threads", 5),
    ("THREADS", "5"),
    ("THREADS", 0),
    ("THREADS", True),
    ("THREADS", 2.5),
    ("BATCH_SIZE", -1),
    ("POLL_INTERVAL", "1s"),
    ("POLL_INTERVAL", -1),
    ("POLL_INTERVAL", 0),
    ("POLL_INTERVAL", float("nan")),
    ("POLL_INTERVAL", timedelta(seconds=-1)),
    ("POLL_INTERVAL", True),
    ("HEARTBEAT_INTERVAL", 0),
    ("DATABASE", None),
    ("DATABASE", ""),
    ("COMMANDS_ALLOWED", "clearsessions"),
    ("COMMANDS_ALLOWED", [1]),
    ("EXECUTORS", ["default"]),
    ("EXECUTORS", {"default": "a.B"}),
    ("EXECUTORS", {"default": {}}),
    ("EXECUTORS", {"default": {"BACKEND": "a.B", "COLOUR": 1}}),
    ("EXECUTORS", {"default": {"BACKEND": "a.B", "OPTIONS": 5}}),
    ("EXECUTORS", {5: {"BACKEND": "a.B"}}),
    ("AUTODISCOVER_MODULE", 5),
    ("BATCH_SIZE", 0),
    ("HORIZON", -1),
    ("RECONCILE_GRACE", -1),
    ("WRITE_RETRY_BUDGET", "5s"),
    ("QUEUE_LIMITS", ["heavy"]),
    ("QUEUE_LIMITS", {"heavy": 0}),
    ("QUEUE_LIMITS", {"heavy": True}),
    ("QUEUE_LIMITS", {"heavy": None}),
    ("QUEUE_LIMITS", {5: 1}),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_setting_is_named_with_the_remedy(settings, name, value):
    """W5"""
    settings.DJANGO_SCHEDULER = {name: value}
    (problem,) = conf.problems()
    assert problem.name == name
    assert name in problem.message
    assert problem.hint
    with pytest.raises(ImproperlyConfigured, match=name):
        conf.current()


def test_unknown_setting_shows_the_known_ones(settings):
    """W5"""
    settings.DJANGO_SCHEDULER = {"COLOUR": "red"}
    assert "THREADS" in conf.problems()[0].hint


def test_every_problem_is_told_at_once(settings):
    settings.DJANGO_SCHEDULER = {"COLOUR": "red", "THREADS": 0, "LEASE": 20}
    assert {problem.name for problem in conf.problems()} == {"COLOUR", "THREADS"}


@pytest.mark.parametrize(("lease", "good"), [(9.9, False), (10, True), (15, True)])
def test_lease_holds_at_least_two_beats(settings, lease, good):
    """P5: one late beat must not cost a process its life."""
    settings.DJANGO_SCHEDULER = {"HEARTBEAT_INTERVAL": 5, "LEASE": lease}
    assert [problem.name for problem in conf.problems()] == ([] if good else ["LEASE"])


@pytest.mark.parametrize(("horizon", "good"), [(0, True), (14.9, True), (15, False), (60, False)])
def test_horizon_is_shorter_than_the_lease(settings, horizon, good):
    """W5: who claims must still be alive when what it claimed is due."""
    settings.DJANGO_SCHEDULER = {"HORIZON": horizon, "LEASE": 15}
    assert [problem.name for problem in conf.problems()] == ([] if good else ["HORIZON"])


def test_limits_of_queues_are_taken(settings):
    settings.DJANGO_SCHEDULER = {"QUEUE_LIMITS": {"heavy": 2, "": 10}}
    assert conf.current().queue_limits == {"heavy": 2, "": 10}


def test_setting_that_is_no_dict_is_told(settings):
    settings.DJANGO_SCHEDULER = ["THREADS"]
    (problem,) = conf.problems()
    assert (problem.name, problem.hint) == ("DJANGO_SCHEDULER", "It must be a dict.")


@pytest.mark.parametrize(
    "raw",
    [
        {"LEASE": 10**24},
        {"LEASE": float("nan")},
        {"POLL_INTERVAL": 10**10},
        {"CATCH_UP_WINDOW": timedelta.max},
        {"BATCH_SIZE": 10**20},
    ],
)
def test_number_beyond_what_anything_takes_is_a_problem_that_names_it(settings, raw):
    settings.DJANGO_SCHEDULER = raw
    assert [problem.name for problem in conf.problems()] == list(raw)


def test_backend_that_is_no_executor_is_refused(settings):
    settings.DJANGO_SCHEDULER = {"EXECUTORS": {"odd": {"BACKEND": "os.path"}}}
    with pytest.raises(ImproperlyConfigured, match="no Executor"):
        executors.import_backends()
