"""The kit for users' own tests (K1, K2)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from threading import Event

import pytest

from django_scheduler import every, jobs
from django_scheduler.exceptions import SchedulerError
from django_scheduler.testing import ManualClock, assert_ran, assert_scheduled, runs_between
from tests.engine.stories import MINUTE, START, add


def test_it_says_whether_a_job_ran(manual_scheduler, recorder):
    add()
    with pytest.raises(AssertionError, match="at least once"):
        assert_ran("job")
    manual_scheduler.advance(2 * MINUTE)
    assert_ran("job")
    assert_ran("job", times=2)
    with pytest.raises(AssertionError, match="3 times"):
        assert_ran("job", times=3)
    with pytest.raises(AssertionError, match="failed"):
        assert_ran("job", status="failed")


def test_it_says_whether_a_job_is_scheduled(manual_scheduler, recorder):
    add(schedule=every(hours=1))
    assert_scheduled("job")
    assert_scheduled("job", at=START + timedelta(hours=1))
    with pytest.raises(AssertionError, match="not at"):
        assert_scheduled("job", at=START)
    jobs.pause("job")
    with pytest.raises(AssertionError, match="paused"):
        assert_scheduled("job")


def test_it_says_what_would_run_between_two_instants(manual_scheduler, recorder):
    add(schedule=every(minutes=20))
    due = runs_between("job", START, START + timedelta(hours=1))
    assert due == [START + n * MINUTE for n in (20, 40, 60)]


def test_a_frozen_scheduler_does_nothing(manual_scheduler, recorder):
    add()
    manual_scheduler.run_due()
    manual_scheduler.freeze()
    manual_scheduler.advance(5 * MINUTE)
    assert recorder.times == 0
    manual_scheduler.thaw()
    manual_scheduler.run_due()
    manual_scheduler.run_due()
    assert recorder.times == 1


def test_a_manual_clock_moves_forward_only_and_knows_its_zone():
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2026, 4, 30, 22, tzinfo=timezone.utc)
    with pytest.raises(SchedulerError, match="forward"):
        clock.advance(-1)
    with pytest.raises(SchedulerError, match="time zone"):
        ManualClock(datetime(2026, 5, 1))  # noqa: DTZ001


def test_waiting_on_a_manual_clock_takes_no_time():
    clock, event = ManualClock(), Event()
    assert clock.wait(event, 90) is False
    assert clock.now() == START + timedelta(seconds=90)
    with pytest.raises(SchedulerError, match="stands still"):
        clock.wait(event, None)
    event.set()
    assert clock.wait(event, 90) is True
    assert clock.now() == START + timedelta(seconds=90)
