"""Retries as they unfold: each attempt with its instant and status, and what the job makes of it.

Every case is a row of a table: what the function does each time it is called, and what is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from django_scheduler import Retry, RetryLater, SkipRun, every, jobs, manual, runs
from django_scheduler.models import Job, Run
from django_scheduler.signals import job_paused, run_finished, run_skipped
from tests.signals import heard

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Transport(ConnectionError):
    """A kind of error that is worth another try."""


FAILURES: dict[str, Any] = {
    "F": ValueError("as told"),
    "T": Transport("as told"),
    "L": RetryLater(7),
    "0": RetryLater(0),
    "K": SkipRun("nothing new"),
}


def _play(recorder: Any, story: str) -> None:
    """Make the function do what the letters say, one a call: S succeeds, the others raise."""
    letters: Iterator[str] = iter(story)

    def act(_context: Any) -> str:
        letter = next(letters, "S")
        if letter in FAILURES:
            raise FAILURES[letter]
        return letter

    recorder.behaviour = act


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
    _play(recorder, case.story)
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
    _play(recorder, "FFSFFF")
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
    _play(recorder, "F" * 40)
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


def _with(choice: str, **fields: Any) -> None:
    jobs.add(
        "job",
        function="recorder",
        schedule=every(minutes=1),
        retry=Retry(max_attempts=3, delay=90, on_next_occurrence=choice),
        **fields,
    )


def _seen() -> list[tuple[int, int, str, str]]:
    """Each run: the minute of its occurrence, its number, its status and reason."""
    return [
        (int((run.scheduled_for - START).total_seconds() // 60), run.number, run.status, run.reason)
        for run in Run.objects.order_by("scheduled_for", "number")
    ]


def test_while_a_retry_waits_the_next_occurrence_is_skipped(manual_scheduler, recorder):
    """Y4: ``skip``, the standard."""
    _play(recorder, "FS")
    _with("skip")
    manual_scheduler.advance(150)
    assert _seen() == [
        (1, 1, "failed", "exception"),
        (1, 2, "succeeded", ""),
        (2, 1, "skipped", "overlap"),
    ]


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_the_next_occurrence_takes_the_place_of_a_waiting_retry(
    manual_scheduler, recorder, overlap, django_capture_on_commit_callbacks
):
    """Y4: ``supersede``: the chain ends as failed as it was."""
    _play(recorder, "FS")
    _with("supersede", overlap=overlap)
    catch = django_capture_on_commit_callbacks(execute=True)
    with heard(run_finished, run_skipped) as told, catch:
        manual_scheduler.advance(150)
    assert _seen() == [
        (1, 1, "failed", "exception"),
        (1, 2, "skipped", "superseded"),
        (2, 1, "succeeded", ""),
    ]
    job = jobs.get("job")
    assert (job.success_count, job.failure_count, job.consecutive_failures) == (1, 1, 0)
    superseded = Run.objects.get(reason="superseded")
    assert [(kind, run.pk) for kind, run in told if run.pk == superseded.pk] == [
        (run_finished, superseded.pk),
        (run_skipped, superseded.pk),
    ]


def test_a_trigger_takes_the_place_of_a_waiting_retry_unless_it_is_forced(
    manual_scheduler, recorder
):
    _play(recorder, "F")
    _with("supersede")
    manual_scheduler.advance(65)
    jobs.trigger("job", force=True)
    assert Run.objects.filter(reason="gives_way", status="queued").count() == 1
    jobs.trigger("job")
    assert Run.objects.filter(reason="superseded", status="skipped").count() in (0, 1)


def test_an_independent_retry_and_the_next_occurrence_both_run(manual_scheduler, recorder):
    """Y4: ``independent``"""
    _play(recorder, "FSS")
    _with("independent")
    manual_scheduler.advance(155)
    assert _seen() == [
        (1, 1, "failed", "exception"),
        (1, 2, "succeeded", ""),
        (2, 1, "succeeded", ""),
    ]
    assert [run.started_at for run in Run.objects.order_by("started_at")] == [
        START + timedelta(seconds=seconds) for seconds in (60, 120, 150)
    ]


def test_an_independent_retry_that_is_due_waits_for_room(stage):
    """It is never skipped for overlap, and never overlaps."""
    jobs.add(
        "job",
        function="lasting",
        schedule=every(minutes=3),
        metadata={"minutes": 2, "badly": True},
        retry=Retry(max_attempts=2, delay=90, on_next_occurrence="independent"),
    )
    stage.advance(timedelta(minutes=3 + 2 + 3))
    first = Run.objects.get(number=1, scheduled_for=START + timedelta(minutes=3))
    again = Run.objects.get(number=2, key=first.key)
    beside = Run.objects.get(scheduled_for=START + timedelta(minutes=6), number=1)
    # Due half a minute into the run of the next occurrence, which takes two minutes.
    assert beside.started_at == START + timedelta(minutes=6)
    assert again.started_at == beside.finished_at
    assert again.status == "running"


def test_a_job_that_keeps_failing_pauses_itself_and_says_why(
    manual_scheduler, recorder, django_capture_on_commit_callbacks
):
    """Y5"""
    _play(recorder, "SFFFF")
    jobs.add("job", function="recorder", schedule=every(minutes=1), pause_after_failures=3)
    with heard(job_paused) as told, django_capture_on_commit_callbacks(execute=True):
        manual_scheduler.advance(timedelta(minutes=10))
    job = jobs.get("job")
    assert (job.state, job.next_run_at) == ("paused", None)
    assert job.pause_reason == "3 failures in a row, the last: ValueError: as told"
    assert len(told) == 1
    assert Run.objects.count() == 4


def test_a_chain_counts_once_before_a_job_pauses_itself(manual_scheduler, recorder):
    _play(recorder, "FF" * 5)
    jobs.add(
        "job", function="recorder", schedule=every(minutes=1), pause_after_failures=2,
        retry=Retry(max_attempts=2, delay=5),
    )  # fmt: skip
    manual_scheduler.advance(timedelta(minutes=10))
    assert Run.objects.count() == 4
    assert jobs.get("job").state == "paused"


def test_who_resumes_it_gives_it_as_many_failures_anew(manual_scheduler, recorder):
    _play(recorder, "F" * 10)
    jobs.add("job", function="recorder", schedule=every(minutes=1), pause_after_failures=2)
    manual_scheduler.advance(timedelta(minutes=10))
    jobs.resume("job")
    assert jobs.get("job").consecutive_failures == 0
    manual_scheduler.advance(timedelta(seconds=61))
    assert (jobs.get("job").state, Run.objects.count()) == ("active", 3)
    manual_scheduler.advance(timedelta(minutes=10))
    assert (jobs.get("job").state, Run.objects.count()) == ("paused", 4)


def test_a_job_whose_retries_are_superseded_pauses_itself_too(manual_scheduler, recorder):
    _play(recorder, "F" * 10)
    _with("supersede", pause_after_failures=2)
    manual_scheduler.advance(timedelta(minutes=10))
    assert jobs.get("job").state == "paused"
    # The third failure finds two chains failed before it; its own goes on to its end.
    failed = Run.objects.filter(status="failed").order_by("scheduled_for", "number")
    assert [run.number for run in failed] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize("value", [0, -1, 1.5, "three", True])
def test_a_number_of_failures_that_is_none_is_refused(value, db):
    from django_scheduler.exceptions import InvalidJob

    with pytest.raises(InvalidJob) as told:
        jobs.add("job", function="recorder", pause_after_failures=value)
    assert told.value.field == "pause_after_failures"
    assert runs.query().count() == 0
