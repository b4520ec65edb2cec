"""How many runs of a queue may go on in the whole installation (T12)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, jobs, runs
from django_scheduler.models import Run
from tests.engine.lasting import LastingScheduler

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def limits(settings):
    """At most two runs of the queue `mail` at once."""
    settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "QUEUE_LIMITS": {"mail": 2}}


@pytest.fixture
def other(stage, scheduler_clock):
    """A second scheduler on the same database, on the same clock."""
    scheduler = LastingScheduler(scheduler_clock)
    yield scheduler
    scheduler.close()


def _statuses(queue: str) -> list[str]:
    return sorted(Run.objects.filter(queue=queue).values_list("status", flat=True))


def _add(number: int, queue: str, minutes: float = 10) -> None:
    for n in range(number):
        jobs.add(
            f"{queue}-{n}",
            function="lasting",
            schedule=every(minutes=1) if n % 2 else None,
            queue=queue,
            metadata={"minutes": minutes},
        )
        if not n % 2:
            jobs.trigger(f"{queue}-{n}")


def test_no_more_runs_of_a_queue_begin_than_its_limit(limits, stage):
    _add(5, "mail")
    _add(5, "other")
    stage.advance(MINUTE)
    assert _statuses("mail") == ["queued"] * 3 + ["running"] * 2
    assert _statuses("other") == ["running"] * 5


def test_a_full_queue_waits_and_begins_when_one_has_ended(limits, stage):
    _add(3, "mail", minutes=2)
    stage.advance(MINUTE)
    assert _statuses("mail") == ["queued", "running", "running"]
    stage.advance(1.5 * MINUTE)
    assert "queued" not in _statuses("mail")[:1] or _statuses("mail").count("running") == 2
    assert Run.objects.filter(queue="mail", status="succeeded").count() >= 1


def test_the_limit_holds_across_schedulers(limits, stage, other):
    _add(6, "mail")
    for _ in range(4):
        stage.run_due()
        other.run_due()
        stage.clock.advance(20)
    assert _statuses("mail").count("running") == 2


def test_a_dead_schedulers_share_of_the_queue_is_free_again(limits, stage, other):
    _add(1, "mail")
    jobs.trigger("mail-0", force=True)
    jobs.trigger("mail-0", force=True)
    stage.run_due()
    assert _statuses("mail") == ["queued", "running", "running"]
    stage.freeze()
    other.advance(MINUTE)
    begun = Run.objects.filter(queue="mail", process=other.scheduler.session.membership.id)
    assert begun.filter(status="running").count() == 2


def test_without_a_limit_a_queue_is_a_name(stage):
    _add(6, "mail")
    stage.advance(MINUTE)
    assert _statuses("mail") == ["running"] * 6


def test_a_full_queue_neither_spins_nor_holds_up_others(limits, stage):
    """engine.md 1: what may not be claimed is left out of the question when to wake."""
    _add(5, "mail")
    stage.run_due()
    wait = stage.run_due()
    assert wait >= timedelta(seconds=1)


def test_a_stopped_run_makes_room(limits, stage):
    jobs.add("mail-0", function="lasting", queue="mail", metadata={"minutes": 10})
    first, *_ = [jobs.trigger("mail-0", force=True) for _ in range(3)]
    stage.run_due()
    runs.stop(first)
    stage.advance(2)
    assert _statuses("mail") == ["running", "running", "stopped"]
