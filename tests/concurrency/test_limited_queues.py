"""How many runs of a queue go on at once when real processes take from it (T12)."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path

import pytest

from django_scheduler import jobs, runs
from django_scheduler.models import Run
from tests.concurrency.children import scheduler_process
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LIMITS = {"QUEUE_LIMITS": {"mail": 2}}
STEP = {"begins": 1, "ends": -1}


def _at_once(path: Path) -> list[int]:
    """Return how many were called at once, call by call. Lines are appended whole, in order."""
    lines = path.read_text().splitlines()
    return list(accumulate(STEP[line] for line in lines))


@contextmanager
def _three(env, folder):
    """Three schedulers with one thread each: without the limit three runs would go on at once."""
    with ExitStack() as stack:
        for name in ("one", "two", "three"):
            options = (name, "--threads", "1")
            stack.enter_context(scheduler_process(env, folder, *options, overrides=LIMITS))
        yield


def test_a_scheduler_with_a_free_thread_leaves_a_full_queue_alone(subprocess_env, tmp_path):
    go = tmp_path / "go"
    jobs.add("mail", "tests.hold", args=[str(tmp_path / "held"), str(go)], queue="mail")
    jobs.add("free", "tests.note", args=[str(tmp_path / "free")])
    mail = Run.objects.filter(job_name="mail")
    with _three(subprocess_env, tmp_path):
        made = [jobs.trigger("mail", force=True) for _ in range(6)]
        wait_until(lambda: mail.filter(status="running").count() == 2, seconds=60)
        # The third has a thread left, and uses it for what has no limit.
        assert runs.wait(jobs.trigger("free"), timeout=60).status == "succeeded"
        held = Counter(mail.values_list("status", flat=True))
        assert held == {"running": 2, "queued": 4}
        assert len(set(mail.filter(status="running").values_list("process", flat=True))) == 2
        go.touch()
        for run in made:
            assert runs.wait(run, timeout=60).status == "succeeded"


def test_three_schedulers_never_run_more_of_a_queue_than_its_limit(subprocess_env, tmp_path):
    """They compete for each place that becomes free; all that waited gets one."""
    notes = tmp_path / "notes"
    jobs.add("mail", "tests.occupy", args=[str(notes)], queue="mail")
    with _three(subprocess_env, tmp_path):
        made = [jobs.trigger("mail", force=True) for _ in range(24)]
        for run in made:
            assert runs.wait(run, timeout=120).status == "succeeded"
    assert Counter(notes.read_text().split()) == {"begins": 24, "ends": 24}
    assert max(_at_once(notes)) <= 2
    assert _at_once(notes)[-1] == 0
    assert Run.objects.count() == 24
