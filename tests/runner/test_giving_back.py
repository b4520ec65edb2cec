"""A run that may not begin here is given back: nobody else would lead it on."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone

import pytest

from django_scheduler.clock import SystemClock
from django_scheduler.lifecycle import Fact, GivenBack, Started
from django_scheduler.runner import Dispatch, Runner, Watch

AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


class _Reporter:
    """Takes facts and refuses every start."""

    def __init__(self) -> None:
        self.told: list[Fact] = []

    def tell(self, fact: Fact) -> None:
        self.told.append(fact)

    def ask(self, fact: Fact) -> bool:
        assert isinstance(fact, Started)
        return False


def _dispatch(on_lost: str) -> Dispatch:
    return Dispatch(
        run_id=uuid.uuid4(), job_id=1, job_name="any", function="never.called", key="k",
        trigger="manual", attempt=1, process=uuid.uuid4(), epoch=1, executor="default", queue="",
        priority=0, scheduled_for=AT, due_at=AT, on_lost=on_lost,
    )  # fmt: skip


@pytest.mark.parametrize(("safe", "on_lost"), [(False, "retry"), (True, "fail")])
def test_run_that_may_not_begin_is_given_back(safe: bool, on_lost: str) -> None:
    """After the fuse has blown, and when the start mark was refused because a stop was asked."""
    clock, reporter = SystemClock(), _Reporter()
    runner = Runner(clock, reporter, Watch(clock, lambda: safe))
    dispatch = _dispatch(on_lost)

    runner.carry_out(dispatch)

    [fact] = reporter.told
    assert isinstance(fact, GivenBack)
    assert (fact.run_id, fact.epoch) == (dispatch.run_id, dispatch.epoch)
    assert runner.watch.all() == []
