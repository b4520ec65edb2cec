"""Retries as they unfold: each attempt with its instant and status, and what the job makes of it.

Every case is a row of a table: what the function does each time it is called, and what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from django_scheduler import Retry, RetryLater, every, jobs, manual
from django_scheduler.models import Job, Run
from tests.engine.stories_of_retries import play

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass
class Case:
    """A policy, what the function does, and what comes of one trigger.

    ``attempts``: the status and the seconds after the trigger of each attempt's start.
    ``counted``: successes, failures, failures in a row, retries used.
    """

    retry: Any
    story: str
    attempts: list[tuple[str, float]]
    counted: tuple[int, int, int, int]
    state: str = "active"
    fields: dict[str, Any] = field(default_factory=dict)


SEQUENCES = {
    "off": Case(None, "FS", [("failed", 0)], (0, 1, 1, 0)),
    "three, the second is good": Case(3, "FS", [("failed", 0), ("succeeded", 10)], (1, 0, 0, 1)),
    "three, all bad": Case(3, "FFF", [("failed", 0), ("failed", 10), ("failed", 20)], (0, 1, 1, 2)),
    "three means three": Case(
        3, "FFFS", [("failed", 0), ("failed", 10), ("failed", 20)], (0, 1, 1, 2)
    ),
    "unlimited": Case(
        Retry(max_attempts=None, delay=60),
        "FFFFFFS",
        [*(("failed", 60.0 * n) for n in range(6)), ("succeeded", 360)],
        (1, 0, 0, 6),
    ),
    "no delay has a floor of a second": Case(
        Retry(delay=0), "FFF", [("failed", 0), ("failed", 1), ("failed", 2)], (0, 1, 1, 2)
    ),
    "linear": Case(
        Retry(max_attempts=4, delay=10, backoff="linear"),
        "FFFS",
        [("failed", 0), ("failed", 10), ("failed", 30), ("succeeded", 60)],
        (1, 0, 0, 3),
    ),
    "exponential, bounded": Case(
        Retry(max_attempts=5, delay=10, backoff="exponential", max_delay=30),
        "FFFFS",
        [("failed", 0), ("failed", 10), ("failed", 30), ("failed", 60), ("succeeded", 90)],
        (1, 0, 0, 4),
    ),
    "an error that is named": Case(
        Retry(retry_on=(ConnectionError,)), "TS", [("failed", 0), ("succeeded", 10)], (1, 0, 0, 1)
    ),
    "an error named by its text": Case(
        Retry(retry_on=("builtins.OSError",)),
        "TS",
        [("failed", 0), ("succeeded", 10)],
        (1, 0, 0, 1),
    ),
    "an error that is not named": Case(
        Retry(retry_on=(ConnectionError,)), "FS", [("failed", 0)], (0, 1, 1, 0)
    ),
    "one that is named, then one that is not": Case(
        Retry(retry_on=(ConnectionError,)), "TFS", [("failed", 0), ("failed", 10)], (0, 1, 1, 1)
    ),
    "the function says when": Case(3, "LS", [("failed", 0), ("succeeded", 7)], (1, 0, 0, 1)),
    "the function says when, whatever is named": Case(
        Retry(retry_on=(ConnectionError,)), "LS", [("failed", 0), ("succeeded", 7)], (1, 0, 0, 1)
    ),
    "the function says when, without a policy": Case(
        None, "LLS", [("failed", 0), ("failed", 7), ("succeeded", 14)], (1, 0, 0, 2)
    ),
    "the function says at once": Case(3, "0S", [("failed", 0), ("succeeded", 1)], (1, 0, 0, 1)),
    "the function's wish needs an attempt": Case(
        2, "FL", [("failed", 0), ("failed", 10)], (0, 1, 1, 1)
    ),
    "nothing to do, at a second look": Case(
        3, "FK", [("failed", 0), ("skipped", 10)], (0, 0, 0, 1)
    ),
    "a budget for life is spent": Case(
        Retry(max_attempts=3, delay=5, reset_on_success=False),
        "FFF",
        [("failed", 0), ("failed", 5), ("failed", 10)],
        (0, 1, 1, 2),
        state="ended",
    ),
    "a budget for life that lasts": Case(
        Retry(max_attempts=3, delay=5, reset_on_success=False),
        "FS",
        [("failed", 0), ("succeeded", 5)],
        (1, 0, 0, 1),
    ),
}


def _counted(job: Job) -> tuple[int, int, int, int]:
    return (job.success_count, job.failure_count, job.consecutive_failures, job.retries_used)


def _attempts(started_from: datetime) -> list[tuple[str, float]]:
    return [
        (run.status, (run.started_at - started_from).total_seconds())
        for run in Run.objects.order_by("number")
    ]


@pytest.mark.parametrize("case", SEQUENCES.values(), ids=SEQUENCES.keys())
def test_attempts_follow_one_another_as_the_policy_says(manual_scheduler, recorder, case):
    """Y1, Y2, Y3"""
    play(recorder, case.story)
    jobs.add("job", function="recorder", schedule=manual(), retry=case.retry, **case.fields)
    jobs.trigger("job")
    manual_scheduler.advance(timedelta(hours=1))
    job = jobs.get("job")
    assert _attempts(START) == case.attempts
    assert (_counted(job), job.state) == (case.counted, case.state)
    keys = {run.key for run in Run.objects.all()}
    assert len(keys) == 1
    assert [run.attempt for run in Run.objects.order_by("number")] == list(
        range(1, len(case.attempts) + 1)
    )


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        (True, ["FFS", "FFF", "S"]),
        # Three attempts are two retries, for life: the first occurrence used both.
        (False, ["FFS", "F"]),
    ],
)
def test_a_budget_is_of_each_occurrence_or_for_life(manual_scheduler, recorder, reset, expected):
    """F F S F F F, occurrence by occurrence."""
    play(recorder, "FFSFFF")
    jobs.add(
        "job",
        function="recorder",
        schedule=every(hours=1),
        retry=Retry(max_attempts=3, delay=5, reset_on_success=reset),
    )
    manual_scheduler.advance(timedelta(hours=3, minutes=1))
    letters = {"succeeded": "S", "failed": "F"}
    told: dict[str, str] = {}
    for run in Run.objects.order_by("scheduled_for", "number"):
        told[run.key] = told.get(run.key, "") + letters[run.status]
    assert list(told.values()) == expected
    job = jobs.get("job")
    assert job.state == ("active" if reset else "ended")
    assert job.error == ("" if reset else "Its 2 retries are used up.")


def test_jitter_moves_a_retry_no_further_than_its_share(manual_scheduler, recorder):
    play(recorder, "F" * 40)
    jobs.add(
        "job",
        function="recorder",
        schedule=manual(),
        retry=Retry(max_attempts=40, delay=100, jitter=0.2),
    )
    jobs.trigger("job")
    manual_scheduler.advance(timedelta(hours=3))
    instants = list(Run.objects.order_by("number").values_list("started_at", flat=True))
    spans = {(b - a).total_seconds() for a, b in pairwise(instants)}
    assert len(instants) == 40
    assert len(spans) > 10
    assert all(80 <= span <= 120 for span in spans)


@pytest.mark.parametrize("delay", [-1, timedelta(days=-1), 0, 0.2])
def test_the_time_a_function_asks_for_may_have_come_already(manual_scheduler, recorder, delay):
    """Y2: until a limit is lifted, say, of which the clock has passed the end meanwhile."""

    def ask(_context: Any) -> None:
        if recorder.times == 1:
            raise RetryLater(delay)

    recorder.behaviour = ask
    jobs.add("job", function="recorder", schedule=manual())
    jobs.trigger("job")
    manual_scheduler.advance(60)
    first, second = Run.objects.order_by("number")
    assert (first.status, first.reason, second.status) == ("failed", "retry_later", "succeeded")
    assert second.started_at - first.finished_at == timedelta(seconds=1)
