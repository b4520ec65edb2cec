"""A function that leaves while a thread it started holds at a checkpoint."""

from __future__ import annotations

import threading

from django_scheduler.exceptions import RunStopped
from django_scheduler.runner import Runner
from django_scheduler.runner.outcome import Outcome
from django_scheduler.states import RunStatus
from tests.runner.holding_kit import HeldRun
from tests.waiting import wait_until


def test_its_end_is_told_of_a_run_that_goes_on_and_the_thread_leaves() -> None:
    run, left = HeldRun(), []
    run.orders.pause()

    def beside() -> None:
        try:
            run.context.checkpoint()
        except RunStopped as error:
            left.append(error)

    thread = threading.Thread(target=beside, daemon=True)
    thread.start()
    wait_until(lambda: run.row.status == "paused")

    Runner(run.clock, run.row, run.watch).end(run.watched, Outcome(RunStatus.SUCCEEDED))

    assert run.row.words[:3] == ["Paused", "Resumed to end", "Finished"]
    thread.join(10)
    assert len(left) == 1
