"""A database clock that jumps is believed when it is seen twice (semantics 5)."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from django_scheduler import jobs
from django_scheduler.engine.steadiness import Steadiness
from tests.engine.stories import START, add
from tests.facades.fixed import FixedClock

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("step", [timedelta(0), HOUR, -HOUR])
def test_a_small_step_is_believed_at_once(step):
    clock = FixedClock(START)
    steadiness = Steadiness(clock)
    assert steadiness.trusts(START)
    clock.advance(SECOND)
    assert steadiness.trusts(START + SECOND + step)


@pytest.mark.parametrize("step", [HOUR + SECOND, -HOUR - SECOND, timedelta(days=400)])
def test_a_jump_is_believed_when_it_is_seen_again(step, caplog):
    clock = FixedClock(START)
    steadiness = Steadiness(clock)
    steadiness.trusts(START)
    with caplog.at_level(logging.ERROR, "django_scheduler.engine"):
        assert not steadiness.trusts(START + step)
        clock.advance(SECOND)
        assert steadiness.trusts(START + step + SECOND)
    assert len(caplog.records) == 1


def test_one_wrong_reading_is_never_acted_on():
    clock = FixedClock(START)
    steadiness = Steadiness(clock)
    readings = [START, START + 24 * HOUR, START, START]
    assert [steadiness.trusts(each) for each in readings] == [True, False, False, True]


def test_time_that_really_passed_is_no_jump():
    clock = FixedClock(START)
    steadiness = Steadiness(clock)
    steadiness.trusts(START)
    clock.advance(48 * HOUR)
    assert steadiness.trusts(START + 48 * HOUR)


def test_nothing_is_claimed_by_a_clock_that_has_just_jumped(manual_scheduler, recorder):
    add()
    manual_scheduler.run_due()
    manual_scheduler.clock._now += 2 * HOUR
    manual_scheduler.clock._zero += 2 * HOUR
    manual_scheduler.scheduler.tick()
    assert recorder.times == 0
    manual_scheduler.run_due()
    assert recorder.times == 1
    assert jobs.get("job").next_run_at > START + 2 * HOUR
