"""A scheduler that has to end and cannot write what its last runs came to (R6, C4)."""

from __future__ import annotations

import pytest

from django_scheduler import jobs, runs
from django_scheduler.models import Run
from tests.concurrency.children import scheduler_process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_outcomes_that_cannot_be_written_are_logged_and_exit_with_three(subprocess_env, tmp_path):
    """And the run is lost with its process, for `on_lost` to decide."""
    jobs.add("last", function="tests.fill_the_disk", on_lost="fail")
    overrides = {"FINAL_WRITE_BUDGET": 0.5}
    with scheduler_process(subprocess_env, tmp_path, overrides=overrides) as child:
        run = jobs.trigger("last")
        wait_until(lambda: runs.get(run).status == "running")
        wait_until(lambda: "could not be recorded" in child.log.read_text())
        assert child.terminate() == 3
    said = f"What became of run {run.pk} of last could not be recorded"
    assert child.log.read_text().count(said) == 1
    assert Run.objects.get().status == "running"
    with scheduler_process(subprocess_env, tmp_path, "two"):
        wait_until(lambda: runs.get(run).status == "lost")
    assert Run.objects.count() == 1
