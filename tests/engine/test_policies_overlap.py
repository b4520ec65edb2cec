"""What becomes of an occurrence while a run of its job goes on (T6, T12).

Runs take time here: each row is (due, status or reason, started, returned), in minutes.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import jobs, manual, runs
from django_scheduler.models import Run
from django_scheduler.policies import Retry
from django_scheduler.states import RunStatus
from tests.engine.stories import MINUTE, lasting, minutes, timeline

SLOW = 24
HOUR = 60 * MINUTE


def _most_at_once():
    """How many runs were inside their function at the same moment."""
    began = Run.objects.filter(started_at__isnull=False)
    edges = [(run.started_at, 1) for run in began]
    edges += [(run.left_at, -1) for run in began if run.left_at]
    most = inside = 0
    for _, change in sorted(edges):
        inside += change
        most = max(most, inside)
    return most


def test_skip_records_each_occurrence_that_finds_a_run_active(stage):
    lasting(minutes=SLOW)
    stage.advance(HOUR)
    assert timeline() == [
        (10, "succeeded", 10, 34),
        (20, "overlap", None, None),
        (30, "overlap", None, None),
        (40, "running", 40, None),
        (50, "overlap", None, None),
        (60, "overlap", None, None),
    ]


def test_queue_lets_one_wait_and_begins_it_when_the_other_has_ended(stage):
    lasting(minutes=SLOW, overlap="queue")
    stage.advance(HOUR)
    assert timeline() == [
        (10, "succeeded", 10, 34),
        (20, "succeeded", 34, 58),
        (30, "overlap", None, None),
        (40, "running", 58, None),
        (50, "overlap", None, None),
        (60, "waiting", None, None),
    ]


def test_queue_all_lets_as_many_wait_as_its_buffer_holds(stage):
    lasting(minutes=SLOW, overlap="queue_all", buffer_limit=2)
    stage.advance(HOUR)
    assert timeline() == [
        (10, "succeeded", 10, 34),
        (20, "succeeded", 34, 58),
        (30, "running", 58, None),
        (40, "waiting", None, None),
        (50, "buffer_full", None, None),
        (60, "waiting", None, None),
    ]
    assert _most_at_once() == 1


def test_replace_stops_the_active_run_and_begins_the_new_one_when_it_has_ended(stage):
    lasting(minutes=SLOW, overlap="replace")
    stage.advance(HOUR / 2)
    assert timeline() == [
        (10, "superseded", 10, 20),
        (20, "superseded", 20, 30),
        (30, "running", 30, None),
    ]
    statuses = Run.objects.order_by("scheduled_for").values_list("status", flat=True)
    assert list(statuses) == ["stopped", "stopped", "running"]


def test_replace_waits_for_a_run_that_does_not_listen_and_keeps_only_the_newest(stage):
    lasting(minutes=SLOW, overlap="replace", metadata={"deaf": True})
    stage.advance(55 * MINUTE)
    assert timeline() == [
        (10, "superseded", 10, 34),
        (20, "superseded", None, None),
        (30, "superseded", 34, None),
        (40, "superseded", None, None),
        (50, "waiting", None, None),
    ]
    assert _most_at_once() == 1


def test_replace_retries_nothing_that_it_stopped(stage):
    lasting(minutes=SLOW, overlap="replace", retry=5)
    stage.advance(HOUR)
    assert set(Run.objects.values_list("attempt", flat=True)) == {1}


@pytest.mark.parametrize(("bound", "most"), [(None, 3), (2, 2), (1, 1)])
def test_allow_runs_them_beside_each_other_up_to_its_bound(stage, bound, most):
    lasting(minutes=SLOW, overlap="allow", max_running=bound)
    stage.advance(HOUR)
    assert _most_at_once() == most
    begun = [due for due, _, started, _ in timeline() if started is not None]
    assert begun == {3: [10, 20, 30, 40, 50, 60], 2: [10, 20, 40, 50], 1: [10, 40]}[most]
    refused = [reason for _, reason, started, _ in timeline() if started is None]
    assert refused == ["overlap"] * (6 - len(begun))


@pytest.mark.parametrize("overlap", ["skip", "queue", "queue_all", "replace"])
def test_a_given_up_run_counts_until_its_function_has_returned(stage, overlap):
    """A thread cannot be killed: until it is out, another one would overlap."""
    lasting(minutes=SLOW, overlap=overlap, timeout=60, metadata={"deaf": True})
    stage.advance(35 * MINUTE)
    first = timeline()[0]
    assert (first[1], first[3]) == ("timeout", 34)
    assert _most_at_once() == 1
    second = next((row for row in timeline()[1:] if row[2] is not None), None)
    assert second is None if overlap == "skip" else second[2] == 34


def test_a_retry_that_waits_is_active_and_is_not_skipped_itself(stage):
    retry = {"max_attempts": 2, "delay": 15 * 60}
    lasting(minutes=1, retry=retry, metadata={"badly": True})
    stage.advance(35 * MINUTE)
    assert timeline() == [
        (10, "exception", 10, 11),
        (10, "exception", 26, 27),
        (20, "overlap", None, None),
        (30, "exception", 30, 31),
        (30, "queued", None, None),
    ]


@pytest.mark.parametrize(
    ("overlap", "reason"),
    [("skip", "overlap"), ("queue", "waiting"), ("queue_all", "waiting"), ("replace", "waiting")],
)
def test_a_trigger_goes_through_the_policy_unless_forced(stage, overlap, reason):
    """T3"""
    lasting(schedule=manual(), minutes=SLOW, overlap=overlap, metadata={"deaf": True})
    jobs.trigger("job")
    stage.advance(MINUTE)
    refused = jobs.trigger("job")
    assert refused.reason == reason
    forced = jobs.trigger("job", force=True)
    stage.run_due()
    assert runs.get(forced).status == RunStatus.RUNNING
    assert runs.get(refused).started_at is None


def test_what_waits_begins_though_the_scheduler_was_killed(stage):
    """I5: the run that was lost is tried again first, what waited comes after it."""
    lasting(minutes=SLOW, overlap="queue")
    stage.advance(25 * MINUTE)
    stage.kill()
    stage.advance(MINUTE)
    assert [row[1] for row in timeline()] == ["worker_lost", "running", "waiting"]
    stage.advance(HOUR)
    ran = [due for due, word, *_ in timeline() if word == "succeeded"]
    assert ran[:2] == [10, 20]
    assert _most_at_once_by_the_living() == 1


def _most_at_once_by_the_living():
    """As above, without what went with its process."""
    Run.objects.filter(status=RunStatus.LOST.value).update(started_at=None)
    return _most_at_once()


def _away(stage, hours, **fields):
    """A job each hour that nobody served for so many hours and a half."""
    lasting(schedule="@every 1h", catch_up="all", **fields)
    stage.run_due()
    stage.kill()
    stage.clock.advance(timedelta(hours=hours, minutes=30))


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_catching_up_one_by_one_is_not_overlapping(stage, overlap):
    """semantics 5: the next missed one begins when the one before has ended."""
    _away(stage, 4, minutes=5, overlap=overlap)
    stage.advance(25 * MINUTE)
    assert timeline() == [
        (60, "succeeded", 270, 275),
        (120, "succeeded", 275, 280),
        (180, "succeeded", 280, 285),
        (240, "succeeded", 285, 290),
    ]


def test_catching_up_fills_the_room_that_allow_leaves_and_no_more(stage):
    _away(stage, 5, minutes=5, overlap="allow", max_running=2)
    stage.advance(20 * MINUTE)
    assert [(due, word, minutes) for due, word, minutes, _ in timeline()] == [
        (60, "succeeded", 330),
        (120, "succeeded", 330),
        (180, "succeeded", 335),
        (240, "succeeded", 335),
        (300, "succeeded", 340),
    ]
    assert _most_at_once() == 2


@pytest.mark.parametrize("overlap", ["queue_all", "allow"])
def test_catching_up_skips_nothing_where_many_may_wait_or_run(stage, overlap):
    _away(stage, 30, minutes=1, overlap=overlap, buffer_limit=3, catch_up_window=3 * 86_400)
    stage.advance(29 * MINUTE)
    stage.advance(10 * MINUTE)
    caught_up = timeline()[:30]
    assert [due / 60 for due, *_ in caught_up] == list(range(1, 31))
    assert {word for _, word, *_ in caught_up} == {"succeeded"}


def test_an_occurrence_on_time_comes_after_those_that_are_caught_up(stage):
    lasting(schedule="@every 1h", catch_up="all", minutes=2)
    stage.run_due()
    stage.kill()
    stage.clock.advance(timedelta(hours=3, seconds=30))
    stage.advance(10 * MINUTE)
    started = [minutes(run.started_at) for run in Run.objects.order_by("scheduled_for")]
    assert started == [180.5, 182.5, 184.5]


def test_replace_drops_a_retry_that_waits_and_runs_at_once(stage):
    """T6, Y4: what is newer does not wait for the retry's time."""
    retry = Retry(max_attempts=2, delay=25 * MINUTE)
    lasting(minutes=1, overlap="replace", retry=retry, metadata={"minutes": 1, "badly": True})
    stage.advance(25 * MINUTE)
    assert [(row[0], row[1], row[2]) for row in timeline()] == [
        (10, "exception", 10),
        (10, "superseded", None),
        (20, "exception", 20),
        (20, "queued", None),
    ]
