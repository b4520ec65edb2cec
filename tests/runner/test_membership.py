"""A process's row says whose clock is wrong; its log says so once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler.models import Process
from django_scheduler.runner import Membership
from django_scheduler.states import ProcessKind
from django_scheduler.testing import ManualClock

pytestmark = pytest.mark.django_db


class OddClock(ManualClock):
    """A machine's clock that is off the database's."""

    off = timedelta(0)

    def offset(self) -> timedelta:
        return self.off


@pytest.fixture
def clock():
    return OddClock()


@pytest.fixture
def membership(clock):
    return Membership(ProcessKind.SCHEDULER, "blue", clock, "default", timedelta(seconds=15))


def _warnings(caplog):
    return [record.getMessage() for record in caplog.records if "clock" in record.getMessage()]


@pytest.mark.parametrize(("off", "said"), [(2.5, "+2.5 s"), (-61, "-61.0 s")])
def test_clocks_apart_are_told_once(membership, clock, caplog, off, said):
    clock.off = timedelta(seconds=off)
    membership.join()
    membership.renew()
    (warning,) = _warnings(caplog)
    assert said in warning
    assert "NTP" in warning
    assert Process.objects.get().clock_offset == clock.off


def test_clocks_that_part_again_are_told_again(membership, clock, caplog):
    membership.join()
    for seconds in (3, 0, 3):
        clock.off = timedelta(seconds=seconds)
        membership.renew()
    assert len(_warnings(caplog)) == 2


def test_a_second_is_near_enough(membership, clock, caplog):
    clock.off = timedelta(seconds=1)
    membership.join()
    assert _warnings(caplog) == []
