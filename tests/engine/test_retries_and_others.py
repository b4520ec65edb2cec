"""A retry that waits, and the job's next occurrence; and a job that fails once too often."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import Retry, every, jobs, runs
from django_scheduler.exceptions import InvalidJob
from django_scheduler.models import Run
from django_scheduler.signals import job_paused, run_finished, run_skipped
from tests.engine.stories_of_retries import play
from tests.signals import heard

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


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
    play(recorder, "FS")
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
    play(recorder, "FS")
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
    play(recorder, "F")
    _with("supersede")
    manual_scheduler.advance(65)
    jobs.trigger("job", force=True)
    assert Run.objects.filter(reason="gives_way", status="queued").count() == 1
    jobs.trigger("job")
    assert Run.objects.filter(reason="superseded", status="skipped").count() in (0, 1)


def test_an_independent_retry_and_the_next_occurrence_both_run(manual_scheduler, recorder):
    """Y4: ``independent``"""
    play(recorder, "FSS")
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
    play(recorder, "SFFFF")
    jobs.add("job", function="recorder", schedule=every(minutes=1), pause_after_failures=3)
    with heard(job_paused) as told, django_capture_on_commit_callbacks(execute=True):
        manual_scheduler.advance(timedelta(minutes=10))
    job = jobs.get("job")
    assert (job.state, job.next_run_at) == ("paused", None)
    assert job.pause_reason == "3 failures in a row, the last: ValueError: as told"
    assert len(told) == 1
    assert Run.objects.count() == 4


def test_a_chain_counts_once_before_a_job_pauses_itself(manual_scheduler, recorder):
    play(recorder, "FF" * 5)
    jobs.add(
        "job", function="recorder", schedule=every(minutes=1), pause_after_failures=2,
        retry=Retry(max_attempts=2, delay=5),
    )  # fmt: skip
    manual_scheduler.advance(timedelta(minutes=10))
    assert Run.objects.count() == 4
    assert jobs.get("job").state == "paused"


def test_who_resumes_it_gives_it_as_many_failures_anew(manual_scheduler, recorder):
    play(recorder, "F" * 10)
    jobs.add("job", function="recorder", schedule=every(minutes=1), pause_after_failures=2)
    manual_scheduler.advance(timedelta(minutes=10))
    jobs.resume("job")
    assert jobs.get("job").consecutive_failures == 0
    manual_scheduler.advance(timedelta(seconds=61))
    assert (jobs.get("job").state, Run.objects.count()) == ("active", 3)
    manual_scheduler.advance(timedelta(minutes=10))
    assert (jobs.get("job").state, Run.objects.count()) == ("paused", 4)


def test_a_job_whose_retries_are_superseded_pauses_itself_too(manual_scheduler, recorder):
    play(recorder, "F" * 10)
    _with("supersede", pause_after_failures=2)
    manual_scheduler.advance(timedelta(minutes=10))
    assert jobs.get("job").state == "paused"
    # The third failure finds two chains failed before it; its own goes on to its end.
    failed = Run.objects.filter(status="failed").order_by("scheduled_for", "number")
    assert [run.number for run in failed] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize("value", [0, -1, 1.5, "three", True])
def test_a_number_of_failures_that_is_none_is_refused(value, db):
    with pytest.raises(InvalidJob) as told:
        jobs.add("job", function="recorder", pause_after_failures=value)
    assert told.value.field == "pause_after_failures"
    assert runs.query().count() == 0
