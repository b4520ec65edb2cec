"""``@job``: names, options and arguments are checked when the code is imported."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import Hook, Retry, cron, every, job, registry
from django_scheduler.exceptions import (
    FunctionNotRegistered,
    InvalidArguments,
    InvalidCron,
    InvalidData,
    InvalidJob,
    InvalidSchedule,
    InvalidTimezone,
)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """Each test begins with an empty registry and leaves none of its functions behind."""
    monkeypatch.setattr(registry, "_definitions", {})
    monkeypatch.setattr(registry, "_unnamed", [])
    monkeypatch.setattr(registry, "_label", None)


def work(region="all", *, day=""):
    return f"{region} {day}"


def test_function_is_returned_unchanged():
    """J1"""
    assert job("a")(work) is work
    assert job("b", schedule="@hourly")(work) is work
    assert job(work) is work
    assert work("north", day="mon") == "north mon"


def test_function_is_known_under_its_name():
    """J1"""
    job("a")(work)
    assert registry.is_registered("a") and not registry.is_registered("b")
    assert registry.get("a").function is work
    assert registry.names() == ["a"]


def test_name_left_out_is_resolved_once_the_apps_are_ready():
    """J1"""
    job(work)
    job()(work)
    assert registry.names() == []
    registry.label_with(lambda module: module.rpartition(".")[2])
    assert registry.names() == ["test_registering.work"]


def test_name_left_out_is_resolved_at_once_when_they_are():
    registry.label_with(lambda module: "shop")
    job(work)
    assert registry.names() == ["shop.work"]


def test_two_functions_under_one_name_are_an_error_that_names_both():
    """J3"""
    job("same")(work)
    with pytest.raises(InvalidJob) as raised:
        job("same")(test_two_functions_under_one_name_are_an_error_that_names_both)
    assert raised.value.field == "name"
    assert "test_registering.work" in str(raised.value)
    assert "test_two_functions" in str(raised.value)
    assert registry.get("same").function is work


def test_two_unnamed_functions_of_one_label_are_an_error():
    """J3"""

    def make():
        def work():
            """Another function called so."""

        return work

    job(work)
    job(make())
    with pytest.raises(InvalidJob):
        registry.label_with(lambda module: "shop")


def test_same_function_registered_again_replaces_its_definition():
    """J3"""
    job("a", schedule="@hourly")(work)
    job("a", schedule="@daily")(work)
    assert registry.get("a").declared["schedule"] == str(cron("@daily"))
    assert len(registry.all_definitions()) == 1


@pytest.mark.parametrize("name", ["", " a", "a\n", "n" * 201, 5])
def test_impossible_names_are_refused(name):
    with pytest.raises(InvalidJob) as raised:
        job(name)(work)
    assert raised.value.field == "name"
    assert registry.names() == []


def test_unknown_option_is_a_type_error_as_for_any_function():
    with pytest.raises(TypeError, match="'colour'"):
        job("a", colour="red")
    assert registry.names() == []


@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        ({"schedule": "61 * * * *"}, InvalidCron, "schedule"),
        ({"schedule": "@hourly", "timezone": "Mars/Olympus"}, InvalidTimezone, "timezone"),
        ({"priority": "high"}, InvalidJob, "priority"),
        ({"retry": 0}, InvalidJob, "retry"),
        ({"timeout": -1}, InvalidJob, "timeout"),
        ({"overlap": "maybe"}, InvalidJob, "overlap"),
        ({"metadata": {"a": object()}}, InvalidData, "metadata"),
        ({"next_run_in": -1}, InvalidJob, "next_run_in"),
        ({"on_start": "not callable"}, InvalidJob, "hook"),
    ],
)
def test_options_out_of_range_name_their_field(options, error, field):
    with pytest.raises(error) as raised:
        job("a", **options)(work)
    assert raised.value.field == field
    assert registry.names() == []


@pytest.mark.parametrize("options", [{"args": ["a", "b"]}, {"kwargs": {"colour": 1}}])
def test_arguments_are_checked_against_the_signature(options):
    """J10"""
    with pytest.raises(InvalidArguments):
        job("a", schedule="@hourly", **options)(work)
    assert registry.names() == []


def test_context_is_the_first_argument_and_not_the_jobs_to_give():
    """X1"""

    def with_context(context, batch):
        """Takes a context."""

    job("a", schedule="@hourly", takes_context=True, args=[5])(with_context)
    definition = registry.get("a")
    definition.check_arguments([5], {})
    with pytest.raises(InvalidArguments):
        definition.check_arguments([5, 6], {})
    with pytest.raises(InvalidArguments):
        definition.check_arguments([], {})


def test_zone_is_given_in_one_place_only():
    """S11"""
    with pytest.raises(InvalidSchedule) as raised:
        job("a", schedule=cron("@daily", timezone="Asia/Tokyo"), timezone="UTC")
    assert raised.value.field == "timezone"
    job("b", schedule=cron("@daily", timezone="Asia/Tokyo"))(work)
    assert registry.get("b").declared["timezone"] == "Asia/Tokyo"


def test_function_without_a_schedule_declares_no_job():
    """J2"""
    job("a", priority=3)(work)
    assert registry.get("a").declared == {}


def test_declaration_holds_what_a_row_stores():
    job(
        "a",
        schedule=every(minutes=5),
        timeout=90,
        retry=3,
        tags=["b", "a"],
        metadata={"owner": "ann"},
        next_run_in=60,
    )(work)
    declared = registry.get("a").declared
    assert declared["schedule"] == "@every 5m"
    assert declared["timeout"] == timedelta(seconds=90)
    assert declared["retry"] == Retry(max_attempts=3).to_dict()
    assert declared["tags"] == ["a", "b"]
    assert registry.get("a").next_run_in == timedelta(minutes=1)


def test_metadata_declared_is_a_copy():
    """J8"""
    given = {"owner": ["ann"]}
    job("a", schedule="@hourly", metadata=given)(work)
    given["owner"].append("bob")
    assert registry.get("a").declared["metadata"] == {"owner": ["ann"]}


def test_hooks_are_kept_by_name():
    """H1"""
    job("a", on_error=work, on_finally=Hook(work, ignore_error=True), on_start=None)(work)
    hooks = registry.get("a").hooks
    assert set(hooks) == {"on_error", "on_finally"}
    assert (hooks["on_error"].ignore_error, hooks["on_finally"].ignore_error) == (False, True)


@pytest.mark.parametrize("hook", registry.HOOK_NAMES)
def test_each_of_the_seven_hooks_is_an_option(hook):
    """H1"""
    job("a", **{hook: work})(work)
    assert registry.get("a").hooks[hook].call is work


def test_coroutine_function_is_recognised():
    async def later():
        """Does nothing, later."""

    job("a")(later)
    job("b")(work)
    assert registry.get("a").is_async and not registry.get("b").is_async


def test_definition_cannot_be_changed():
    job("a")(work)
    with pytest.raises(AttributeError):
        registry.get("a").name = "b"


def test_unknown_function_is_told_with_the_remedy():
    for question in (registry.get, registry.unregister):
        with pytest.raises(FunctionNotRegistered, match=r"@job\('nobody'\)") as raised:
            question("nobody")
        assert raised.value.field == "function"


def test_unregistered_function_is_forgotten():
    job("a")(work)
    registry.unregister("a")
    assert not registry.is_registered("a")
    job("a")(test_unregistered_function_is_forgotten)


@pytest.mark.parametrize(
    ("call", "without", "given"),
    [
        (lambda context: None, ("run",), ("run",)),
        (lambda context, error=None: None, ("run",), ("run", "error")),
        (lambda context, error: None, ("run", None), ("run", "error")),
        (lambda *args: None, ("run",), ("run", "error")),
        (dict.fromkeys, ("run",), ("run", "error")),
    ],
)
def test_a_hook_is_called_with_what_it_takes(call, without, given):
    """H1"""
    assert Hook(call).arguments("run") == without
    assert Hook(call).arguments("run", "error") == given


@pytest.mark.parametrize("call", [lambda: None, lambda a, b, c: None, lambda *, error: None])
def test_a_hook_that_cannot_be_called_is_refused_at_once(call):
    """H1: or it would be found out by the first failure in the night."""
    with pytest.raises(InvalidJob, match=r"declare it as \(context, error=None\)") as raised:
        job("a", on_error=call)(work)
    assert (raised.value.field, registry.names()) == ("hook", [])
