"""Retries, overlap and spans, both ways of every rule."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from django_scheduler.exceptions import InvalidJob
from django_scheduler.job_fields import read_field
from django_scheduler.policies import (
    CatchUp,
    Decision,
    OnLost,
    Overlap,
    Retry,
    RunningOnRemove,
    decide_overlap,
    error_names,
    to_timedelta,
)

SECOND = timedelta(seconds=1)
VALUE_ERROR = error_names(ValueError("x"))


@pytest.mark.parametrize(
    ("overlap", "active", "waiting", "max_running", "expected"),
    [
        ("skip", 0, 0, None, "run"),
        ("skip", 1, 0, None, "skip"),
        ("queue", 0, 3, None, "run"),
        ("queue", 1, 0, None, "wait"),
        ("queue", 1, 1, None, "skip"),
        ("queue_all", 0, 0, None, "run"),
        ("queue_all", 1, 9, None, "wait"),
        ("queue_all", 1, 10, None, "full"),
        ("replace", 0, 0, None, "run"),
        ("replace", 1, 5, None, "replace"),
        ("allow", 0, 0, None, "run"),
        ("allow", 99, 0, None, "run"),
        ("allow", 1, 0, 2, "run"),
        ("allow", 2, 0, 2, "skip"),
        ("skip", 1, 0, 5, "skip"),
    ],
)
def test_overlap(
    overlap: str, active: int, waiting: int, max_running: int | None, expected: str
) -> None:
    """T6: what the policy says, by name and by member; max_running bounds only allow."""
    for policy in (overlap, Overlap(overlap)):
        found = decide_overlap(
            policy, active=active, waiting=waiting, max_running=max_running, buffer_limit=10
        )
        assert found is Decision(expected)


def test_policies_are_spelled_as_in_the_database() -> None:
    """T8: members are their own texts."""
    assert [each.value for each in CatchUp] == ["skip", "latest", "all"]
    assert [each.value for each in Overlap] == ["skip", "queue", "queue_all", "replace", "allow"]
    assert [each.value for each in OnLost] == ["retry", "fail"]
    assert [each.value for each in RunningOnRemove] == ["wait", "stop", "leave"]


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ("fixed", [10, 10, 10, 10]),
        ("linear", [10, 20, 30, 35]),
        ("exponential", [10, 20, 35, 35]),
    ],
)
def test_backoff(backoff: str, delays: list[int]) -> None:
    """Y2: grows as named, up to max_delay."""
    retry = Retry(max_attempts=None, delay=10, backoff=backoff, max_delay=35)
    found = [retry.delay_after(attempt, VALUE_ERROR) for attempt in range(1, 5)]
    assert found == [timedelta(seconds=delay) for delay in delays]


def test_attempts_are_counted_with_the_first() -> None:
    """Y1: three attempts are two retries; None is without end."""
    retry = Retry(max_attempts=3)
    assert retry.delay_after(2, VALUE_ERROR) == timedelta(seconds=10)
    assert retry.delay_after(3, VALUE_ERROR) is None
    assert retry.delay_after(4, VALUE_ERROR) is None
    assert Retry(max_attempts=1).delay_after(1, VALUE_ERROR) is None
    unlimited = Retry(max_attempts=None, backoff="exponential")
    assert unlimited.delay_after(10**6, VALUE_ERROR) == timedelta(days=365)


def test_zero_delay_has_a_floor() -> None:
    """Y3: due again at once cannot spin."""
    assert Retry(delay=0).delay_after(1, VALUE_ERROR) == SECOND
    assert Retry(delay=10, max_delay=0).delay_after(1, VALUE_ERROR) == SECOND


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1), st.integers(1, 50))
def test_jitter_stays_within_its_share(fraction: float, jitter: float, attempt: int) -> None:
    """Y2: by at most its share either way, never over max_delay, never under a second."""
    retry = Retry(max_attempts=None, delay=100, backoff="linear", max_delay=1000, jitter=jitter)
    base = min(100 * attempt, 1000)
    found = retry.delay_after(attempt, (), fraction)
    assert found is not None
    low, high = max(base * (1 - jitter), 1), min(base * (1 + jitter), 1000)
    assert low - 1e-5 <= found.total_seconds() <= high + 1e-5


def test_jitter_by_example() -> None:
    """Y2: the fraction decides; one half changes nothing."""
    retry = Retry(delay=100, jitter=0.5)
    found = [retry.delay_after(1, (), fraction) for fraction in (0, 0.5, 0.75)]
    assert found == [timedelta(seconds=each) for each in (50, 100, 125)]
    whole = Retry(delay=100, jitter=1)
    assert whole.delay_after(1, (), 0) == SECOND
    assert whole.delay_after(1, (), 0.75) == timedelta(seconds=150)


class OwnError(LookupError):
    """An error of a user's own."""


def test_only_named_errors_are_tried_again() -> None:
    """Y2: by class, dotted or built-in name; subclasses included."""
    assert Retry(retry_on="IOError").retry_on == ("builtins.OSError",)
    for retry_on in (LookupError, "LookupError", "builtins.LookupError", (OSError, LookupError)):
        retry = Retry(retry_on=retry_on)  # type: ignore[arg-type]
        assert retry.delay_after(1, error_names(OwnError())) is not None
        assert retry.delay_after(1, error_names(KeyError)) is not None
        assert retry.delay_after(1, VALUE_ERROR) is None
    named = Retry(retry_on=(OwnError,))
    assert named.retry_on == (f"{__name__}.OwnError",)
    assert named.delay_after(1, error_names(LookupError())) is None
    assert Retry().delay_after(1, error_names(SystemExit())) is not None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("django.db.OperationalError", OperationalError),
        ("socket.timeout", TimeoutError),
        ("json.JSONDecodeError", json.JSONDecodeError),
    ],
)
def test_an_exception_is_known_by_the_name_it_is_imported_by(name, error):
    """The class calls itself by the module that defines it, which nobody writes."""
    retry = Retry(retry_on=name)
    assert retry.retry_on == (name,)
    assert retry.delay_after(1, error_names(error)) is not None
    assert retry.delay_after(1, error_names(KeyError)) is None


@pytest.mark.parametrize("name", ["no.such.Error", "json.NoError", "json.loads"])
def test_a_name_that_nothing_is_known_by_matches_nothing(name):
    assert Retry(retry_on=name).delay_after(1, error_names(KeyError)) is None


def test_error_names_are_the_bases_in_order() -> None:
    """Y2: most specific first, exceptions only."""
    assert error_names(OwnError()) == (
        f"{__name__}.OwnError",
        "builtins.LookupError",
        "builtins.Exception",
        "builtins.BaseException",
    )


def test_a_retry_is_by_default_three_attempts_ten_seconds_apart() -> None:
    """Y1: for any error, of each occurrence anew."""
    assert Retry() == Retry(
        max_attempts=3,
        delay=10,
        backoff="fixed",
        max_delay=None,
        jitter=0.0,
        retry_on=(),
        reset_on_success=True,
        on_next_occurrence="skip",
    )


def test_retry_of_anything_meant() -> None:
    """Y1: off by default, a number is the attempts."""
    assert Retry.of(None) is None
    assert Retry.of(5) == Retry(max_attempts=5)
    retry = Retry(delay=timedelta(minutes=1))
    assert Retry.of(retry) is retry
    assert Retry.of({"max_attempts": None, "delay": 60}) == Retry(max_attempts=None, delay=60)


@pytest.mark.parametrize("value", [True, "3", 1.5, [3], 0, -1])
def test_retry_of_anything_else_is_refused(value: object) -> None:
    """Y1: the error names the field."""
    with pytest.raises(InvalidJob) as caught:
        Retry.of(value)  # type: ignore[arg-type]
    assert caught.value.field == "retry"


@pytest.mark.parametrize(
    "retry",
    [
        Retry(),
        Retry(
            max_attempts=None,
            delay=timedelta(minutes=2),
            backoff="exponential",
            max_delay=3600,
            jitter=0.25,
            retry_on=(OwnError, "OSError"),
            reset_on_success=False,
            on_next_occurrence="supersede",
        ),
    ],
)
def test_retry_survives_json(retry: Retry) -> None:
    """Y1: as stored on the row."""
    assert Retry.from_dict(json.loads(json.dumps(retry.to_dict()))) == retry


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_attempts": 0},
        {"max_attempts": True},
        {"max_attempts": 2.0},
        {"max_attempts": "3"},
        {"delay": -1},
        {"delay": None},
        {"delay": "10"},
        {"delay": timedelta(seconds=-1)},
        {"max_delay": float("nan")},
        {"max_delay": True},
        {"backoff": "quadratic"},
        {"backoff": ["fixed"]},
        {"jitter": 1.5},
        {"jitter": -0.1},
        {"jitter": True},
        {"jitter": "0.5"},
        {"jitter": float("nan")},
        {"retry_on": (5,)},
        {"retry_on": int},
        {"retry_on": "not a name"},
        {"retry_on": "requests.Connection Error"},
        {"retry_on": 5},
        {"max_attempts": 2**31},
        {"reset_on_success": "yes"},
        {"on_next_occurrence": "wait"},
        {"attempts": 3},
    ],
)
def test_malformed_retries_are_refused(arguments: dict[str, object]) -> None:
    """Y1: a typed error that names the field."""
    with pytest.raises(InvalidJob) as caught:
        Retry.from_dict(arguments)
    assert caught.value.field == "retry"


def test_the_longest_span_is_a_hundred_years() -> None:
    """Leap days included; a day more is refused by name."""
    assert to_timedelta(timedelta(days=36_600), "timeout") == timedelta(days=36_600)
    with pytest.raises(InvalidJob, match="100 years") as caught:
        to_timedelta(timedelta(days=36_600, microseconds=1), "timeout")
    assert caught.value.field == "timeout"


def test_spans() -> None:
    """Durations everywhere are timedelta or seconds."""
    assert to_timedelta(None, "timeout") is None
    assert to_timedelta(90, "timeout") == timedelta(seconds=90)
    assert to_timedelta(0.5, "timeout") == timedelta(milliseconds=500)
    assert to_timedelta(timedelta(0), "timeout") == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [-1, -0.1, True, "5", float("nan"), float("inf"), 1e300, 10**400, timedelta(days=-1), [5]],
)
def test_what_is_no_span_is_refused(value: object) -> None:
    """The error names the field."""
    with pytest.raises(InvalidJob) as caught:
        to_timedelta(value, "timeout")
    assert caught.value.field == "timeout"


@pytest.mark.parametrize("name", ["ValueErorr", "print", "builtins.print", "builtins.Nothing"])
def test_a_name_no_error_can_have_is_refused_where_it_is_stored(name: str) -> None:
    """Y2: and kept where it is stored already, beside names that are known."""
    retry = Retry(retry_on=(name, "LookupError"))
    assert retry.delay_after(1, error_names(KeyError())) is not None
    with pytest.raises(InvalidJob, match=f"{name}.*with their module") as caught:
        read_field("retry", retry)
    assert caught.value.field == "retry"


@pytest.mark.parametrize("name", ["shop.feed.Away", "OSError", "IOError", "builtins.KeyError"])
def test_other_names_of_errors_are_taken_as_they_are(name: str) -> None:
    assert read_field("retry", Retry(retry_on=name))["retry_on"][0].count(".") >= 1
