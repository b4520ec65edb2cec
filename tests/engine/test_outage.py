"""Two days without a scheduler, a thousand jobs: nothing is lost and nothing comes twice (T8).

The jobs are in `outage_jobs.py`, what must become of them is told by `outage_model.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from django_scheduler import clock as clocks
from django_scheduler import jobs, registry
from django_scheduler.lifecycle import occurrence_key
from django_scheduler.models import Job, Run
from django_scheduler.registry import Definition
from django_scheduler.states import JobState, RunStatus
from django_scheduler.testing import ManualClock, ManualScheduler
from tests.engine.outage_jobs import NIGHTLY, THOUSAND, ZONES, sketches
from tests.engine.outage_model import AUTUMN, SPRING, Aftermath, Outage, Walk, expected

_QUIET = timedelta(seconds=30)


@pytest.fixture
def calls() -> Iterator[Counter[tuple[str, str]]]:
    """How often the function was called, by job and occurrence."""
    seen: Counter[tuple[str, str]] = Counter()

    def note(context):
        seen[context.job_name, context.key] += 1

    registry.register(Definition("outage", note, takes_context=True))
    yield seen
    registry.unregister("outage")


@contextmanager
def _clock(start: datetime) -> Iterator[ManualClock]:
    made = ManualClock(start)
    previous = clocks.install(made)
    yield made
    clocks.install(previous)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _on_record(outage: Outage) -> dict[int, Aftermath]:
    """What the database says of the time of the outage, by job."""
    found: dict[int, Aftermath] = defaultdict(Aftermath)
    rows = Run.objects.filter(scheduled_for__gt=outage.killed, scheduled_for__lte=outage.back)
    for run in rows.order_by("pk"):
        aftermath = found[run.job_id]
        if run.key.startswith("missed:"):
            assert (run.status, run.reason) == (RunStatus.SKIPPED, "missed")
            first, last = run.key.removeprefix("missed:").split("/")
            aftermath.records.add((_instant(first), _instant(last), run.missed))
        elif run.status != RunStatus.SUCCEEDED:
            aftermath.refused.append((run.scheduled_for, run.status, run.reason))
        else:
            assert run.key == occurrence_key(run.scheduled_for)
            assert run.started_at >= run.scheduled_for
            aftermath.runs[run.scheduled_for] = (run.trigger, run.missed)
    return found


def _live_through(outage: Outage, kinds: dict[str, int], schedulers: int) -> None:
    with _clock(outage.created) as clock:
        for sketch in sketches(outage, kinds):
            jobs.add(sketch.name, function="outage", schedule=sketch.schedule, **sketch.fields)
        ManualScheduler(clock).advance(outage.killed - outage.created)
        clock.advance(outage.back - outage.killed)
        _catch_up([ManualScheduler(clock) for _ in range(schedulers)], clock)


def _catch_up(together: list[ManualScheduler], clock: ManualClock) -> None:
    """Let the schedulers take turns until nothing is left to do; the one before just vanished."""
    quiet = clock.now() + _QUIET
    while clock.now() < quiet:
        waits = [one.scheduler.tick() for one in together]
        clock.advance(min(*waits, timedelta(seconds=5), quiet - clock.now()))
    for one in together:
        one.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("outage", "kinds", "schedulers"), [(SPRING, THOUSAND, 1), (AUTUMN, NIGHTLY, 2)]
)
def test_each_occurrence_of_two_days_becomes_one_run_or_one_record(
    outage, kinds, schedulers, calls, settings, capsys
):
    """semantics 5: by each job's own policies, and by nothing else."""
    if schedulers > 1:
        # Small bites, or the first one takes everything.
        settings.DJANGO_SCHEDULER = {**settings.DJANGO_SCHEDULER, "BATCH_SIZE": 20}
    _live_through(outage, kinds, schedulers)
    walk, found = Walk(outage), _on_record(outage)
    told = {job: expected(job, walk) for job in Job.objects.order_by("pk")}
    wrong = {}
    for job, aftermath in told.items():
        seen = found[job.pk]
        seen.owed = aftermath.owed
        if seen.on_record != aftermath.on_record:
            wrong[_words(job)] = (seen.on_record, aftermath.on_record)
        else:
            assert seen.accounts_for() == aftermath.owed
    assert not wrong, f"{len(wrong)} jobs, the first: {next(iter(wrong.items()))}"
    assert _who_worked_since(outage.back) == schedulers
    _assert_nothing_twice(calls)
    _assert_all_go_on(outage)
    with capsys.disabled():
        print(f"\n{_figures(told)}")  # noqa: T201


def _who_worked_since(instant: datetime) -> int:
    began = Run.objects.filter(queued_at__gte=instant, started_at__isnull=False)
    return len(set(began.values_list("process", flat=True)))


def test_there_are_a_thousand_jobs_in_many_zones():
    drawn = list(sketches(SPRING, THOUSAND))
    assert len({sketch.name for sketch in drawn}) == 1000
    assert {sketch.fields["timezone"] for sketch in drawn} == set(ZONES)
    assert drawn == list(sketches(SPRING, THOUSAND))


def _words(job: Job) -> str:
    names = ("name", "spec", "overlap", "max_running", "catch_up", "catch_up_limit", "max_runs")
    bounds = ("catch_up_window", "misfire_grace", "start_at", "end_at")
    return " ".join(f"{name}={getattr(job, name)}" for name in names + bounds)


def _assert_nothing_twice(calls: Counter[tuple[str, str]]) -> None:
    ran = Run.objects.filter(status=RunStatus.SUCCEEDED.value).count()
    assert set(calls.values()) == {1}
    assert len(calls) == ran


def _assert_all_go_on(outage: Outage) -> None:
    """What is not over has a next time to come, and only what is over has ended."""
    for job in Job.objects.exclude(schedule="@manual"):
        assert (job.state == JobState.ENDED) == _is_over(job, outage.back), _words(job)
        if job.state == JobState.ACTIVE:
            assert job.next_run_at > outage.back


def _is_over(job: Job, now: datetime) -> bool:
    made = job.runs.exclude(key__startswith="missed:").count()
    ahead = job.parsed_schedule().next_after(now)
    return made == job.max_runs or ahead is None or (job.end_at or ahead) < ahead


def _figures(told: dict[Job, Aftermath]) -> str:
    occurrences = sum(len(aftermath.owed) for aftermath in told.values())
    runs = sum(len(aftermath.runs) for aftermath in told.values())
    records = sum(len(aftermath.records) for aftermath in told.values())
    return (
        f"{len(told)} jobs, {occurrences} occurrences in 48 h: {runs} runs "
        f"and {records} records stand for all of them"
    )
