"""What is planned, and what waits, when there is more to do than there is room for (T5, T7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, jobs, lifecycle, registry
from django_scheduler.engine import claiming
from django_scheduler.engine.pace import MOMENT, STUCK, Pace
from django_scheduler.executors.inline import InlineExecutor
from django_scheduler.models import Job, Run
from django_scheduler.registry import Definition
from django_scheduler.runner import Dispatch
from django_scheduler.testing import ManualClock, ManualScheduler
from tests.engine.lasting import LastingScheduler

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def narrow(scheduler_clock, stage):
    """A scheduler with one slot; `stage` has a thousand."""
    scheduler = LastingScheduler(scheduler_clock, slots=1)

    def lasting(context):
        scheduler.executor.stay(context, timedelta(minutes=context.metadata["minutes"]))

    registry.register(Definition("slow", lasting, takes_context=True))
    yield scheduler
    scheduler.close()
    registry.unregister("slow")


def _statuses() -> dict[str, str]:
    return dict(Run.objects.order_by("id").values_list("job_name", "status"))


def _add(name: str, minutes: float, **fields: object) -> None:
    schedule = every(minutes=1)
    jobs.add(name, function="slow", schedule=schedule, metadata={"minutes": minutes}, **fields)


def test_what_finds_no_room_is_queued_after_a_while_and_runs_when_there_is_some(narrow):
    """T7: a full pool queues and never fails a job."""
    _add("first", 0.5, priority=-1)
    _add("second", 0.1)
    narrow.advance(MINUTE)
    assert _statuses() == {"first": "running"}
    narrow.advance(12)
    assert _statuses() == {"first": "running", "second": "queued"}
    assert Run.objects.get(job_name="second").process is None
    narrow.advance(0.5 * MINUTE)
    assert _statuses() == {"first": "succeeded", "second": "succeeded"}
    assert Run.objects.get(job_name="second").lateness == timedelta(seconds=30)


def test_what_there_was_no_room_for_becomes_one_run_and_no_pile(narrow):
    """T8: too much to do makes late, and catching up goes by policy."""
    _add("busy", 0, overlap="allow")
    jobs.trigger("busy")
    jobs.add("long", function="slow", metadata={"minutes": 5}, schedule=every(minutes=1))
    narrow.advance(5.5 * MINUTE)
    made = Run.objects.filter(job_name="long").exclude(status="skipped").count()
    assert made <= 2


def test_a_full_executor_does_not_hold_up_the_jobs_of_others(scheduler_clock, recorder):
    """T7: nor does it delay the claiming of others."""
    executors = {"default": InlineExecutor("default", slots=0), "other": InlineExecutor("other")}
    scheduler = ManualScheduler(scheduler_clock, executors=executors)
    for name in ("here", "there"):
        jobs.add(name, function="recorder", schedule=every(minutes=1))
    Job.objects.filter(name="there").update(executor="other")
    scheduler.advance(MINUTE)
    assert _statuses() == {"there": "succeeded"}
    scheduler.advance(11)
    assert _statuses() == {"there": "succeeded", "here": "queued"}
    scheduler.close()


def test_room_elsewhere_is_no_reason_to_queue_what_has_none(scheduler_clock, recorder):
    """Stored without an owner, and claimed in a second step, a run costs twice."""
    executors = {
        "default": InlineExecutor("default", slots=2),
        "other": InlineExecutor("other", slots=50),
    }
    scheduler = ManualScheduler(scheduler_clock, executors=executors)
    for number in range(9):
        jobs.add(f"here {number}", function="recorder", schedule=every(minutes=1))
    scheduler_clock.advance(MINUTE)
    scheduler.scheduler.tick(scheduler_clock.now())
    assert Run.objects.count() == 2
    scheduler.run_due()
    assert _statuses() == {f"here {number}": "succeeded" for number in range(9)}
    assert not Run.objects.exclude(epoch=1).exists()
    scheduler.close()


def test_a_claim_reads_what_it_has_slots_for_and_looks_for_runs_it_has_seen(
    scheduler_clock, recorder, monkeypatch
):
    """Decision 25: locked rows are read, and kept from others."""
    most, looks = [], []
    lock_due, claim_waiting = claiming.lock_due, lifecycle.claim_waiting

    def lock(*args, **options):
        most.append(options["most"])
        return lock_due(*args, **options)

    def claim(*args, **options):
        looks.append(args)
        return claim_waiting(*args, **options)

    monkeypatch.setattr(claiming, "lock_due", lock)
    monkeypatch.setattr(lifecycle, "claim_waiting", claim)
    executors = {
        "default": InlineExecutor("default", slots=2),
        "other": InlineExecutor("other", slots=50),
    }
    scheduler = ManualScheduler(scheduler_clock, executors=executors)
    for number in range(9):
        jobs.add(f"here {number}", function="recorder", schedule=every(minutes=1))
    scheduler.advance(MINUTE)
    assert most[0] == 52, "whose the due jobs are is not known yet"
    assert 2 in most[1:]
    assert looks == []
    jobs.trigger("here 1")
    scheduler.run_due()
    assert len(looks) == 1
    scheduler.close()


def test_what_waits_for_slots_that_do_not_become_free_is_given_back(scheduler_clock, recorder):
    """engine.md 1: what finds no slot is un-owned again, so that others can take it."""
    executor = _Waiting("default")
    scheduler = ManualScheduler(scheduler_clock, executors={"default": executor})
    jobs.add("job", function="recorder")
    jobs.trigger("job")
    scheduler.run_due()
    assert Run.objects.get().process is not None
    scheduler.advance(2)
    run = Run.objects.get()
    assert (run.status, run.process, run.due_at) == ("queued", None, run.scheduled_for)
    other = ManualScheduler(scheduler_clock)
    other.run_due()
    assert Run.objects.get().status == "succeeded"
    other.close()
    scheduler.close()


def test_of_a_full_pool_only_what_has_not_begun_is_given_back(scheduler_clock, recorder):
    """What runs goes on where it is; the others begin elsewhere, once each, in their order."""
    executor = _Crowded("default")
    scheduler = ManualScheduler(scheduler_clock, executors={"default": executor})
    for name, priority in (("runs", -1), ("later", 9), ("sooner", 1), ("soon", 2)):
        jobs.add(name, function="recorder", priority=priority)
        jobs.trigger(name)
    scheduler.run_due()
    owner = scheduler.scheduler.session.membership.id
    assert set(Run.objects.values_list("process", flat=True)) == {owner}
    scheduler.advance(STUCK / 2)
    scheduler.advance(STUCK)
    owned = dict(Run.objects.values_list("job_name", "process"))
    assert owned == {"runs": owner, "sooner": None, "soon": None, "later": None}
    other = ManualScheduler(scheduler_clock)
    other.run_due()
    assert [context.job_name for context in recorder.contexts] == ["sooner", "soon", "later"]
    assert _statuses() == {
        "runs": "queued", "sooner": "succeeded", "soon": "succeeded", "later": "succeeded",
    }  # fmt: skip
    assert set(Run.objects.exclude(job_name="runs").values_list("attempt", flat=True)) == {1}
    other.close()
    scheduler.close()


@pytest.mark.parametrize(
    ("catch_up", "told"),
    [("skip", ("skipped", "missed")), ("latest", ("succeeded", "")), ("all", ("succeeded", ""))],
)
def test_what_waits_for_room_longer_than_its_grace_is_run_or_recorded(narrow, catch_up, told):
    """Decision 25: 5 s of grace, while a due job may wait 10 s for room to be planned."""
    _add("first", 0.4, priority=-1)
    _add("second", 0, misfire_grace=5, catch_up=catch_up)
    narrow.advance(MINUTE)
    narrow.advance(0.5 * MINUTE)
    second = Run.objects.get(job_name="second")
    assert (second.status, second.reason) == told
    assert second.scheduled_for == Run.objects.get(job_name="first").scheduled_for


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_room_within_the_grace_is_in_time(narrow, catch_up):
    _add("first", 3 / 60, priority=-1)
    _add("second", 0, misfire_grace=5, catch_up=catch_up)
    narrow.advance(MINUTE)
    narrow.advance(4)
    second = Run.objects.get(job_name="second")
    assert (second.status, second.trigger) == ("succeeded", "schedule")
    assert second.lateness == timedelta(seconds=3)


class _Waiting(InlineExecutor):
    """Has one slot, as it says, and then none for what it was given."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias, slots=1)
        self.taken: list[Dispatch] = []

    def submit(self, dispatch: Dispatch) -> None:
        self.slots = 0
        self.taken.append(dispatch)

    def waiting(self) -> int:
        return len(self.taken)

    def reclaim(self) -> list[Dispatch]:
        taken, self.taken = self.taken, []
        return taken


class _Crowded(_Waiting):
    """Has slots for four, as it says, but begins the first only."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.slots = 4

    def waiting(self) -> int:
        return max(0, len(self.taken) - 1)

    def reclaim(self) -> list[Dispatch]:
        taken, self.taken = self.taken[1:], self.taken[:1]
        return taken


def test_as_many_may_wait_as_have_just_ended():
    clock = ManualClock()
    pace = Pace(clock)
    assert pace.waiting_room("default") == 0
    pace.note(["default"] * 5 + ["other"])
    assert (pace.waiting_room("default"), pace.waiting_room("other")) == (5, 1)
    clock.advance(MOMENT)
    pace.note(["default"])
    assert pace.waiting_room("default") == 6
    clock.advance(MOMENT / 2)
    assert (pace.waiting_room("default"), pace.waiting_room("other")) == (1, 0)


def test_nothing_waits_where_nothing_ends():
    clock = ManualClock()
    pace = Pace(clock)
    pace.note(["default"])
    clock.advance(STUCK)
    assert not pace.is_stuck("default")
    clock.advance(0.1)
    assert pace.is_stuck("default")
