"""Late, missed, bounded and moved occurrences, as the engine carries them out (T4, T8, S8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import cron, every, jobs, once
from django_scheduler.models import JobClock, Run
from django_scheduler.states import JobState
from tests.engine.stories import MINUTE, START, add, lasting, minutes, timeline

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def away(manual_scheduler, span):
    """No scheduler for so long; then a new one does what it finds."""
    manual_scheduler.run_due()
    manual_scheduler.kill()
    manual_scheduler.clock.advance(span)
    manual_scheduler.run_due()


def ran():
    """(minute, trigger, missed) of what was run, by occurrence."""
    found = Run.objects.filter(status="succeeded").order_by("scheduled_for")
    return [(minutes(run.scheduled_for), run.trigger, run.missed) for run in found]


def records():
    """(first and last occurrence by the key, count) of what was missed."""
    found = Run.objects.filter(status="skipped", key__startswith="missed:")
    rows = found.order_by("scheduled_for").values_list("key", "missed")
    return [(key.removeprefix("missed:").replace("2026-01-01T", ""), n) for key, n in rows]


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_late_by_exactly_the_grace_is_on_time(manual_scheduler, recorder, catch_up):
    add(schedule=every(hours=1), catch_up=catch_up, misfire_grace=120)
    away(manual_scheduler, HOUR + 2 * MINUTE)
    assert ran() == [(60, "schedule", 0)]
    assert recorder.contexts[0].delay == 2 * MINUTE


@pytest.mark.parametrize(("catch_up", "runs"), [("skip", 0), ("latest", 1), ("all", 1)])
def test_late_by_more_than_the_grace_is_for_catch_up(manual_scheduler, recorder, catch_up, runs):
    add(schedule=every(hours=1), catch_up=catch_up, misfire_grace=120)
    away(manual_scheduler, HOUR + 2 * MINUTE + MICROSECOND)
    assert ran() == [(60, "catch_up", 0)] * runs
    assert records() == [("01:00:00Z/01:00:00Z", 1)] * (1 - runs)


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        ("skip", [(180, "schedule", 0)]),
        ("latest", [(180, "schedule", 2)]),
        ("all", [(60, "catch_up", 0), (120, "catch_up", 0), (180, "schedule", 0)]),
    ],
)
def test_the_newest_is_on_time_though_older_ones_were_missed(
    manual_scheduler, recorder, catch_up, expected
):
    add(schedule=every(hours=1), catch_up=catch_up)
    away(manual_scheduler, 3 * HOUR + MINUTE / 2)
    assert ran() == expected
    assert records() == ([("01:00:00Z/02:00:00Z", 2)] if catch_up == "skip" else [])


@pytest.mark.parametrize(("older", "runs"), [(timedelta(0), 3), (MICROSECOND, 2)])
def test_what_is_exactly_as_old_as_the_window_is_inside_it(manual_scheduler, recorder, older, runs):
    window = 2 * HOUR + 30 * MINUTE - older
    add(schedule=every(hours=1), catch_up="all", catch_up_window=window)
    away(manual_scheduler, 3 * HOUR + 30 * MINUTE)
    assert len(ran()) == runs
    assert records() == [("01:00:00Z/01:00:00Z", 1)] * (3 - runs)


def test_what_lies_beyond_window_and_limit_is_one_record_each(manual_scheduler, recorder):
    add(schedule=every(hours=1), catch_up="all", catch_up_window=5.5 * 3600, catch_up_limit=2)
    away(manual_scheduler, 10 * HOUR + 30 * MINUTE)
    assert ran() == [(540, "catch_up", 0), (600, "catch_up", 0)]
    assert records() == [("01:00:00Z/04:00:00Z", 4), ("05:00:00Z/08:00:00Z", 4)]


def test_a_job_that_catches_up_does_not_hold_up_the_others(manual_scheduler, recorder):
    """semantics 5: it begins ten at a time, and what others have due comes between."""
    add("greedy", catch_up="all", overlap="allow", misfire_grace=0)
    for number in range(5):
        add(f"other {number}", schedule=every(minutes=7))
    away(manual_scheduler, HOUR + MINUTE / 2)
    order = [context.job_name for context in recorder.contexts]
    assert order.count("greedy") == 60
    assert max(order.index(f"other {number}") for number in range(5)) < 10 + 5


def test_a_new_job_owes_nothing_from_before_its_creation(manual_scheduler, recorder):
    manual_scheduler.clock.advance(5 * HOUR)
    add(schedule=cron("0 * * * *"), catch_up="all")
    manual_scheduler.advance(HOUR)
    assert ran() == [(360, "schedule", 0)]


def test_once_runs_once_whatever_comes_between(manual_scheduler, recorder):
    """S7: killed before and after, edited, paused and resumed."""
    add(schedule=once(START + HOUR), catch_up="skip")
    away(manual_scheduler, 30 * HOUR)
    assert (recorder.times, jobs.get("job").state) == (1, JobState.ENDED)
    jobs.update("job", description="done", priority=3)
    for _ in range(3):
        away(manual_scheduler, HOUR)
    assert recorder.times == 1


def test_once_runs_once_though_its_first_scheduler_died_with_it(stage):
    """I5"""
    lasting(schedule=once(START + MINUTE), minutes=10)
    stage.advance(5 * MINUTE)
    stage.kill()
    stage.advance(2 * HOUR)
    assert [row[1] for row in timeline()] == ["worker_lost", "succeeded"]
    assert len(set(Run.objects.values_list("key", flat=True))) == 1


def test_max_runs_counts_occurrences_and_ends_the_job_while_it_catches_up(
    manual_scheduler, recorder
):
    add(schedule=every(hours=1), catch_up="all", max_runs=3)
    away(manual_scheduler, 10 * HOUR + 30 * MINUTE)
    assert [minute for minute, *_ in ran()] == [60, 120, 180]
    assert (records(), jobs.get("job").state) == ([], JobState.ENDED)


def test_a_trigger_does_not_count_for_max_runs(manual_scheduler, recorder):
    add(schedule=every(hours=1), max_runs=1)
    jobs.trigger("job")
    manual_scheduler.advance(3 * HOUR)
    assert [row[1] for row in ran()] == ["manual", "schedule"]
    assert jobs.get("job").state == JobState.ENDED


def test_the_window_of_a_job_holds_for_what_was_missed(manual_scheduler, recorder):
    window = {"start_at": START + 2 * HOUR, "end_at": START + 4 * HOUR}
    add(schedule=every(hours=1), catch_up="all", **window)
    away(manual_scheduler, 10 * HOUR + 30 * MINUTE)
    assert [minute for minute, *_ in ran()] == [120, 180, 240]
    assert (records(), jobs.get("job").state) == ([], JobState.ENDED)


def test_an_edit_that_widens_the_window_wakes_an_ended_job(manual_scheduler, recorder):
    add(schedule=every(hours=1), end_at=START + HOUR)
    manual_scheduler.advance(5 * HOUR + MINUTE)
    jobs.update("job", end_at=None)
    manual_scheduler.advance(HOUR)
    assert [minute for minute, *_ in ran()] == [60, 360]


def test_a_run_that_waits_longer_than_its_deadline_never_begins(stage):
    """semantics 5: it is skipped when its turn comes, and what it kept waiting goes on."""
    lasting(minutes=24, overlap="queue", start_deadline=10 * 60)
    stage.advance(45 * MINUTE)
    assert timeline() == [
        (10, "succeeded", 10, 34),
        (20, "expired", None, None),
        (30, "overlap", None, None),
        (40, "running", 40, None),
    ]


def test_a_run_without_a_free_slot_expires(stage):
    stage.executor.slots = 1
    lasting("slow", minutes=24)
    lasting(schedule=every(minutes=11), start_deadline=60)
    stage.advance(34 * MINUTE)
    assert timeline()[0] == (11, "expired", None, None)


def test_a_missed_run_is_not_expired_by_its_age(manual_scheduler, recorder):
    """start_deadline counts from when the run was made."""
    add(schedule=every(hours=1), start_deadline=60)
    away(manual_scheduler, 3 * HOUR + 30 * MINUTE)
    assert ran() == [(180, "catch_up", 2)]


def test_jitter_moves_the_start_and_nothing_else(manual_scheduler, recorder):
    """S10: the key is nominal, the same after a restart and in another process."""
    for number in range(10):
        add(f"job {number}", schedule=every(hours=1), jitter=30 * MINUTE)
    due = {job.name: job.next_run_at for job in jobs.all()}
    assert len(set(due.values())) == 10
    assert all(START + HOUR <= at < START + 90 * MINUTE for at in due.values())
    manual_scheduler.advance(MINUTE)
    manual_scheduler.kill()
    manual_scheduler.advance(89 * MINUTE)
    began = dict(Run.objects.values_list("job_name", "started_at"))
    assert began == due
    assert set(Run.objects.values_list("key", flat=True)) == {"2026-01-01T01:00:00Z"}


def test_an_edit_that_does_not_change_timing_keeps_the_jitter(manual_scheduler, recorder):
    before = add(schedule=every(hours=1), jitter=30 * MINUTE).next_run_at
    jobs.update("job", description="another")
    assert jobs.get("job").next_run_at == before


def test_the_first_run_can_come_sooner_than_the_schedule(manual_scheduler, recorder):
    """T4"""
    add(schedule=every(hours=1), next_run_in=MINUTE)
    manual_scheduler.advance(2 * HOUR)
    assert [minute for minute, *_ in ran()] == [1, 60, 120]


def test_a_first_run_that_was_missed_is_caught_up_with_the_rest(manual_scheduler, recorder):
    add(schedule=every(hours=1), next_run_in=MINUTE)
    away(manual_scheduler, 3 * HOUR + 30 * MINUTE)
    assert ran() == [(180, "catch_up", 3)]


def test_run_again_in_counts_from_the_end_of_the_run(stage):
    """S9: and an unsuccessful run asks for nothing."""
    lasting(schedule=every(hours=1), minutes=5)
    stage.advance(61 * MINUTE)
    (stay,) = stage.executor._inside
    stay.context.run_again_in(10 * MINUTE)
    stage.advance(4 * MINUTE)
    assert jobs.get("job").next_run_at == START + 75 * MINUTE
    stage.advance(HOUR)
    assert [row[0] for row in timeline()] == [60, 75, 120]


def test_run_again_in_nothing_has_a_floor_of_a_second(manual_scheduler, recorder):
    """semantics 9"""
    recorder.behaviour = lambda context: context.run_again_in(0)
    add(schedule=every(hours=1), next_run_in=MINUTE)
    manual_scheduler.advance(MINUTE + timedelta(seconds=3))
    assert recorder.times == 4


def test_a_clock_that_was_set_back_repeats_nothing(manual_scheduler, recorder):
    """semantics 5: what was dealt with is remembered by its nominal instant."""
    add()
    manual_scheduler.advance(10 * MINUTE)
    JobClock.objects.update(next_run_at=START + MINUTE, next_occurrence=START + MINUTE)
    manual_scheduler.advance(MINUTE)
    assert [minute for minute, *_ in ran()] == list(range(1, 12))
