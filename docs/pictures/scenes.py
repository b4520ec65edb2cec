"""Plays a job on a manual clock and tells what became of each occurrence.

Nothing is drawn that is not in a row of the table of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from django_scheduler import clock as clocks
from django_scheduler import every, jobs, registry, runs
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from django_scheduler.states import RunStatus
from django_scheduler.testing import ManualClock, runs_between
from tests.engine.lasting import LastingScheduler

from .drawing import Bar, Bracket, Picture, Row

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

_JOB = "picture"


@dataclass(frozen=True)
class Scene:
    """One picture: what it says, where it plays, and how to play it."""

    title: str
    setting: str
    play: Callable[[LastingScheduler], None]
    lasts: timedelta
    until: datetime
    tick: timedelta
    outage: tuple[datetime, datetime] | None = None


def _overlapping(**policy: object) -> Callable[[LastingScheduler], None]:
    def play(scheduler: LastingScheduler) -> None:
        jobs.add(_JOB, schedule=every(minutes=10), **policy)
        scheduler.advance(95 * MINUTE)

    return play


def _away(catch_up: str) -> Callable[[LastingScheduler], None]:
    def play(scheduler: LastingScheduler) -> None:
        jobs.add(_JOB, schedule=every(hours=1), catch_up=catch_up)
        scheduler.advance(2 * HOUR + 20 * MINUTE)
        scheduler.kill()
        scheduler.clock.advance(5 * HOUR)
        scheduler.advance(2 * HOUR)

    return play


_OVERLAPS = {
    "skip": "what comes due while a run is active is skipped",
    "queue": "one waits, a second is skipped",
    "queue_all": "they wait, here at most two (buffer_limit=2)",
    "replace": "the active run is stopped, then the new one starts",
    "allow": "they run beside each other, here at most two (max_running=2)",
}
_BOUNDS = {"queue_all": {"buffer_limit": 2}, "allow": {"max_running": 2}}
_CATCH_UPS = {
    "skip": "none of the missed ones is run, one record counts them",
    "latest": "one run stands for all that was missed",
    "all": "a run for each, one after the other",
}

SCENES: dict[str, Scene] = {
    **{
        f"overlap-{policy.replace('_', '-')}": Scene(
            f'overlap="{policy}": {words}',
            "A job every 10 minutes, and each of its runs takes 24 minutes.",
            _overlapping(overlap=policy, **_BOUNDS.get(policy, {})),
            24 * MINUTE,
            START + 95 * MINUTE,
            10 * MINUTE,
        )
        for policy, words in _OVERLAPS.items()
    },
    **{
        f"catch-up-{policy}": Scene(
            f'catch_up="{policy}": {words}',
            "A job at each full hour. No scheduler runs from 02:20 to 07:20 (shaded).",
            _away(policy),
            6 * MINUTE,
            START + 9 * HOUR + 20 * MINUTE,
            HOUR,
            (START + 2 * HOUR + 20 * MINUTE, START + 7 * HOUR + 20 * MINUTE),
        )
        for policy, words in _CATCH_UPS.items()
    },
}


@contextmanager
def _stage(scene: Scene) -> Iterator[LastingScheduler]:
    """A scheduler at the start of the scene, and the job's function."""
    clock = ManualClock(START)
    previous = clocks.install(clock)
    scheduler = LastingScheduler(clock)

    def work(context: object) -> None:
        scheduler.executor.stay(context, scene.lasts)

    registry.register(Definition(_JOB, work, takes_context=True))
    try:
        yield scheduler
        scheduler.close()
    finally:
        registry.unregister(_JOB)
        clocks.install(previous)


def draw(scene: Scene) -> str:
    """Play the scene in the database at hand and return its picture."""
    with _stage(scene) as scheduler:
        scene.play(scheduler)
        return _picture(scene).svg()


def _picture(scene: Scene) -> Picture:
    found = list(runs.query(job=_JOB, order_by="scheduled_for"))
    occurrences = runs_between(_JOB, START, scene.until)
    own = {run.scheduled_for: run for run in found if not run.key.startswith("missed:")}
    standing = _standing(own, occurrences)
    rows = [
        _row(own[each], scene.until) if each in own else Row(each, standing.get(each, ""))
        for each in occurrences
    ]
    return Picture(
        scene.title, scene.setting, START, scene.until, scene.tick, rows,
        _brackets(found, occurrences), scene.outage,
    )  # fmt: skip


def _standing(own: dict[datetime, Run], occurrences: list[datetime]) -> dict[datetime, str]:
    """Say of each occurrence without a row which run stands for it."""
    words: dict[datetime, str] = {}
    for instant, run in own.items():
        place = occurrences.index(instant)
        for each in occurrences[place - run.missed : place]:
            words[each] = f"missed, in the run for {instant:%H:%M}"
    return words


def _brackets(found: list[Run], occurrences: list[datetime]) -> list[Bracket]:
    """The records that stand for several occurrences, by their rows."""
    brackets = []
    for run in found:
        if run.key.startswith("missed:"):
            last = occurrences.index(run.scheduled_for)
            first = last - run.missed + 1
            brackets.append(Bracket(first, last, f"one record: {run.missed} missed, {run.status}"))
    return brackets


def _row(run: Run, until: datetime) -> Row:
    if run.status == RunStatus.SKIPPED:
        return Row(run.scheduled_for, f"skipped, reason {run.reason}", crossed=True)
    if run.started_at is None:
        return Row(run.scheduled_for, "waits", waits=(run.scheduled_for, until))
    bar = Bar(
        run.started_at,
        run.finished_at or until,
        "stopped" if run.status == RunStatus.STOPPED else "ran",
        is_open=run.finished_at is None,
    )
    waited = run.started_at > run.scheduled_for
    return Row(
        run.scheduled_for,
        _outcome(run),
        bar=bar,
        waits=(run.scheduled_for, run.started_at) if waited else None,
    )


def _outcome(run: Run) -> str:
    """Say in a few words how the run began and ended."""
    if run.status == RunStatus.STOPPED:
        return f"stopped, reason {run.reason}"
    began = run.started_at - run.scheduled_for
    late = f", {_span(began)} late" if began else ""
    missed = f", missed = {run.missed}" if run.missed else ""
    return f"{run.status}{late}{missed}"


def _span(span: timedelta) -> str:
    hours, minutes = divmod(span // MINUTE, 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min")) if n)
