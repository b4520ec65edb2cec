"""What a scheduler makes of the time of a pause, when the job is resumed (C1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, jobs, once
from django_scheduler.models import JobClock, Run
from tests.engine.stories import MINUTE, START, add, story

HOUR = timedelta(hours=1)


def paused_for(manual_scheduler, span, **fields):
    """A job of each minute, paused after its second run for so long."""
    add(**{"misfire_grace": 0, **fields})
    manual_scheduler.advance(2 * MINUTE)
    jobs.pause("job")
    manual_scheduler.advance(span)


def ran(after=2):
    """Minutes and how many they stand for, of the runs after the pause began."""
    rows = Run.objects.filter(status="succeeded").order_by("scheduled_for")
    told = [((run.scheduled_for - START) / MINUTE, run.missed) for run in rows]
    return [each for each in told if each[0] > after]


def test_next_lets_the_pause_pass(manual_scheduler, recorder):
    paused_for(manual_scheduler, 10.5 * MINUTE)
    jobs.resume("job")
    manual_scheduler.advance(MINUTE)
    assert ran() == [(13, 0)]


@pytest.mark.parametrize("own", ["skip", "latest", "all"])
def test_latest_makes_one_run_at_once_for_the_whole_pause(manual_scheduler, recorder, own):
    """Whatever the job's own policy is."""
    paused_for(manual_scheduler, 10.5 * MINUTE, catch_up=own)
    jobs.resume("job", mode="latest")
    manual_scheduler.advance(MINUTE)
    assert ran() == [(12, 9), (13, 0)]
    assert story()[2][0] == 12


@pytest.mark.parametrize("own", ["skip", "latest", "all"])
def test_all_makes_a_run_each(manual_scheduler, recorder, own):
    paused_for(manual_scheduler, 5.5 * MINUTE, catch_up=own)
    jobs.resume("job", mode="all")
    manual_scheduler.advance(MINUTE)
    assert ran() == [(n, 0) for n in (3, 4, 5, 6, 7, 8)]


def test_all_stops_at_the_limit_and_the_window(manual_scheduler, recorder):
    """T8: as for missed time."""
    limits = {"catch_up_limit": 3, "catch_up_window": 5 * MINUTE}
    paused_for(manual_scheduler, 20.5 * MINUTE, **limits)
    jobs.resume("job", mode="all")
    manual_scheduler.run_due()
    assert ran() == [(20, 0), (21, 0), (22, 0)]
    records = Run.objects.filter(status="skipped")
    assert sum(records.values_list("missed", flat=True)) == 17


def test_the_wish_is_gone_when_the_pause_is_caught_up_with(manual_scheduler, recorder):
    """The next outage goes by the job's own policy."""
    paused_for(manual_scheduler, 5.5 * MINUTE, catch_up="skip")
    jobs.resume("job", mode="all")
    assert JobClock.objects.get().catch_up == "all"
    manual_scheduler.run_due()
    assert JobClock.objects.get().catch_up == ""
    before = len(ran())
    manual_scheduler.clock.advance(10 * MINUTE)
    manual_scheduler.run_due()
    assert len(ran()) == before


def test_the_wish_outlives_a_scheduler_that_dies_over_it(manual_scheduler, recorder):
    recorder.behaviour = lambda context: manual_scheduler.clock.advance(timedelta(seconds=1))
    paused_for(manual_scheduler, 5 * MINUTE, catch_up="skip")
    jobs.resume("job", mode="all")
    manual_scheduler.kill()
    manual_scheduler.run_due()
    assert [minute for minute, _ in ran()] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(("mode", "times"), [("next", 0), ("latest", 1), ("all", 1)])
def test_an_instant_that_passed_during_the_pause(manual_scheduler, recorder, mode, times):
    """S7: it runs once if asked for, and the job is over either way."""
    add(schedule=once(START + HOUR))
    jobs.pause("job")
    manual_scheduler.advance(2 * HOUR)
    jobs.resume("job", mode=mode)
    manual_scheduler.advance(HOUR)
    assert recorder.times == times
    assert jobs.get("job").state == "ended"


@pytest.mark.parametrize(("mode", "minutes"), [("next", [10, 55]), ("latest", [10, 45, 55])])
def test_a_fixed_delay_is_caught_up_with_once(manual_scheduler, recorder, mode, minutes):
    add(schedule=every(minutes=10, after="finish"))
    manual_scheduler.advance(12 * MINUTE)
    jobs.pause("job")
    manual_scheduler.advance(33 * MINUTE)
    jobs.resume("job", mode=mode)
    manual_scheduler.advance(10 * MINUTE)
    starts = Run.objects.order_by("started_at").values_list("started_at", flat=True)
    assert [(each - START) / MINUTE for each in starts] == minutes


def test_a_pause_that_ends_by_itself_lets_its_time_pass(manual_scheduler, recorder):
    add()
    manual_scheduler.advance(2 * MINUTE)
    jobs.pause("job", until=START + 10.5 * MINUTE)
    manual_scheduler.advance(10 * MINUTE)
    assert ran() == [(11, 0), (12, 0)]


def test_what_was_left_to_catch_up_with_is_recorded_when_paused(manual_scheduler, recorder):
    """T8: a pause in the middle of catching up loses nothing silently."""
    add(catch_up="all", misfire_grace=0)
    active = jobs.trigger("job")
    Run.objects.filter(pk=active.pk).update(due_at=START + HOUR)
    manual_scheduler.clock.advance(5.5 * MINUTE)
    manual_scheduler.run_due()
    assert jobs.get("job").next_run_at is None
    jobs.pause("job")
    record = Run.objects.get(status="skipped")
    assert (record.reason, record.missed) == ("missed", 5)
