"""One door: every move of the table goes through, every other is refused and changes nothing."""

from __future__ import annotations

import uuid

import pytest

from django_scheduler import jobs
from django_scheduler.lifecycle import GivenBack, Left, Published
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.states import FINAL, RunStatus, may_move
from tests.facades.fixed import HOUR, MINUTE, NOW, SECOND
from tests.ledger.held import EPOCH, finished, held, owner, started, tell

pytestmark = pytest.mark.django_db

ALL = [status.value for status in RunStatus]
ENDS = sorted(status.value for status in FINAL)


def everything():
    """Every column of every job, clock and run."""
    return [list(model.objects.order_by("pk").values()) for model in (Job, JobClock, Run)]


def check(fact, run, allowed, status):
    before = everything()
    applied = tell(fact)
    if allowed:
        assert (applied.won, applied.lost) == ([fact], [])
        assert Run.objects.get(pk=run.pk).status == status
    else:
        assert (applied.won, applied.lost) == ([], [fact])
        assert everything() == before


@pytest.mark.parametrize("new", ENDS)
@pytest.mark.parametrize("old", ALL)
def test_run_ends_only_from_where_the_table_says(old, new):
    """R2: a final status never changes again."""
    run = held(jobs.add("plain", schedule="@hourly"), old)
    check(finished(run, new), run, may_move(old, new), new)


@pytest.mark.parametrize("old", ALL)
def test_run_starts_only_from_where_it_waits(old):
    """A paused run goes on, it does not start: its first start stays on record."""
    run = held(jobs.add("plain"), old)
    check(started(run), run, old in ("queued", "dispatched"), "running")


@pytest.mark.parametrize("old", ALL)
def test_only_what_has_not_begun_is_given_back(old):
    run = held(jobs.add("plain"), old)
    fact = GivenBack(**owner(run), due_at=NOW + MINUTE)
    check(fact, run, old in ("queued", "dispatched"), "queued")


@pytest.mark.parametrize("old", ALL)
def test_only_what_waits_is_published(old):
    """E2"""
    run = held(jobs.add("plain"), old)
    check(Published(**owner(run), at=NOW), run, old == "queued", "dispatched")


@pytest.mark.parametrize("old", ALL)
def test_only_a_final_run_is_left_behind(old):
    run = held(jobs.add("plain"), old)
    check(Left(**owner(run), at=NOW), run, old in ENDS, old)


def test_run_is_left_once():
    run = held(jobs.add("plain"), "timed_out", left_at=NOW)
    check(Left(**owner(run), at=NOW + HOUR), run, False, "timed_out")


WORDS = {
    "started": lambda run, **claim: started(run, **claim),
    "finished": lambda run, **claim: finished(run, "failed", error="late", **claim),
    "given back": lambda run, **claim: GivenBack(**{**owner(run), **claim}, due_at=NOW),
    "published": lambda run, **claim: Published(**{**owner(run), **claim}, at=NOW),
}


@pytest.mark.parametrize(
    "claim",
    [{"epoch": EPOCH - 1}, {"epoch": EPOCH + 1}, {"process": uuid.UUID(int=9)}],
    ids=["earlier epoch", "later epoch", "another process"],
)
@pytest.mark.parametrize("word", WORDS)
def test_who_does_not_hold_the_run_changes_nothing(word, claim):
    """P6: fencing."""
    run = held(jobs.add("plain", schedule="@hourly", retry=3), "queued")
    check(WORDS[word](run, **claim), run, False, "queued")


@pytest.mark.parametrize("word", WORDS)
def test_former_owner_of_a_freed_run_changes_nothing(word):
    """P6"""
    run = held(jobs.add("plain", schedule="@hourly", retry=3), "queued")
    fact = WORDS[word](run)
    Run.objects.update(process=None)
    check(fact, run, False, "queued")


def test_word_about_a_run_that_is_no_more_is_lost():
    run = held(jobs.add("plain"))
    fact = finished(run)
    Run.objects.all().delete()
    assert tell(fact).lost == [fact]


def test_second_word_about_the_end_changes_nothing():
    """R2"""
    run = held(jobs.add("plain", schedule="@hourly", retry=3))
    first, second = finished(run, "succeeded"), finished(run, "failed", error="late")
    assert tell(first).won == [first]
    check(second, run, False, "succeeded")


def test_of_two_ends_told_together_the_first_stands():
    run = held(jobs.add("plain"))
    first, second = finished(run, "succeeded"), finished(run, "failed")
    applied = tell(first, second)
    assert (applied.won, applied.lost) == ([first], [second])
    assert Run.objects.get().status == "succeeded"
    assert Job.objects.get().failure_count == 0


def test_start_and_end_told_together_both_count():
    run = held(jobs.add("plain"), "queued")
    begin, over = started(run), finished(run, started_at=NOW + SECOND)
    assert tell(begin, over).won == [begin, over]
    stored = Run.objects.get()
    assert (stored.status, stored.started_at) == ("succeeded", NOW + SECOND)


def test_run_whose_stop_was_asked_for_does_not_start():
    """C3"""
    run = held(jobs.add("plain"), "queued", stop_requested_at=NOW)
    check(started(run), run, False, "queued")


def test_one_late_word_does_not_spoil_the_others():
    late, timely = held(jobs.add("plain")), held(jobs.add("report"))
    lost, won = finished(late, epoch=EPOCH - 1), finished(timely)
    applied = tell(lost, won)
    assert (applied.won, applied.lost) == ([won], [lost])
    assert Run.objects.get(pk=timely.pk).status == "succeeded"


def test_start_records_status_instant_and_lateness():
    """R1"""
    run = held(jobs.add("plain"), "queued")
    tell(started(run, at=NOW + MINUTE, due_at=NOW))
    stored = Run.objects.get()
    assert (stored.status, stored.started_at, stored.lateness) == ("running", NOW + MINUTE, MINUTE)


def test_end_records_what_was_found():
    """R1, R8, R9, X2, H2"""
    run = held(jobs.add("plain"))
    fact = finished(
        run,
        "failed",
        reason="exception",
        duration=90 * SECOND,
        error="no paper",
        traceback="Traceback",
        result={"rows": 3},
        data={"last": 7},
        log="starting",
        hook_errors={"on_error": "x"},
        progress={"completed": 3, "total": 10},
    )
    tell(fact)
    stored = Run.objects.get()
    assert (stored.finished_at, stored.left_at) == (NOW + 90 * SECOND, NOW + 90 * SECOND)
    assert (stored.duration, stored.reason) == (90 * SECOND, "exception")
    assert (stored.error, stored.traceback, stored.log) == ("no paper", "Traceback", "starting")
    assert (stored.result, stored.data) == ({"rows": 3}, {"last": 7})
    assert (stored.hook_errors, stored.completed, stored.total) == ({"on_error": "x"}, 3, 10)


def test_function_that_goes_on_has_not_left():
    """R4: a thread cannot be killed."""
    run = held(jobs.add("plain"))
    tell(finished(run, "timed_out", left=False))
    assert Run.objects.get().left_at is None
    fact = Left(**owner(run), at=NOW + HOUR)
    assert tell(fact).won == [fact]
    assert Run.objects.get().left_at == NOW + HOUR


def test_given_back_run_waits_for_anybody():
    run = held(jobs.add("plain"), "dispatched")
    tell(GivenBack(**owner(run), due_at=NOW + MINUTE, reason="shutdown"))
    stored = Run.objects.get()
    assert (stored.status, stored.process, stored.due_at) == ("queued", None, NOW + MINUTE)
    assert stored.reason == "shutdown"
