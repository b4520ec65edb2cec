"""Random scenes: one job with policies chosen by dice, and what people and machines do to it.

A scene plays on the `stage`, whose runs take time on a clock that stands still, and keeps two
books: a log that a person can read, and the occurrences that it owes. The same seed gives the same
scene.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from django_scheduler import exceptions, jobs, runs
from django_scheduler.models import Job, Run
from django_scheduler.states import FINAL, OPEN, JobState
from tests.engine.lasting import LastingScheduler
from tests.engine.scene_books import Owed
from tests.engine.stories import MINUTE, START

CALM = 45
"""Minutes that a scene goes on for when nothing is done to it any more."""

_ACTS = 10
_NAME = "job"
_DELAYS = ("@every 5m after finish", "@every 9m after finish")
_WILD = ("@every 5m", "@every 8m", "*/5 * * * *", "*/7 * * * *")
#: Ones that follow the wall clock through a change, or are moved and left out by it.
_WALL = ("*/7 * * * *", "4-59/9 1-3 * * * fold=both", "10-50/10 0-23 * * *", "*/10 * * * *")

#: Where the clocks change, and an hour before it. In the first one they never do.
_NIGHTS = (
    ("UTC", START),
    ("Europe/Paris", datetime(2026, 3, 29, 0, 0, tzinfo=timezone.utc)),
    ("Europe/Paris", datetime(2026, 10, 25, 0, 0, tzinfo=timezone.utc)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 14, 0, tzinfo=timezone.utc)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 14, 30, tzinfo=timezone.utc)),
)

_POLICIES: dict[str, tuple[Any, ...]] = {
    "overlap": ("skip", "queue", "queue_all", "replace", "allow"),
    "catch_up": ("skip", "latest", "all"),
    "buffer_limit": (1, 2, 5),
    "catch_up_limit": (None, 3, 20),
    "catch_up_window": (None, 3600, 1200),
    "misfire_grace": (None, 0, 120),
    "start_deadline": (None, None, 240),
    "max_running": (None, 1, 2),
    "retry": (None, None, 2),
    "jitter": (None, None, 90),
    "on_lost": ("retry", "fail"),
}


@dataclass(frozen=True)
class Choices:
    """What the dice chose before the scene begins."""

    timezone: str
    begin: datetime
    schedule: str
    policies: dict[str, Any]
    metadata: dict[str, Any]
    slots: int


def choose(dice: random.Random) -> Choices:
    """Roll the dice for a job and the machine it runs on."""
    zone, begin = dice.choice(_NIGHTS) if dice.random() < 0.4 else _NIGHTS[0]
    policies = {name: dice.choice(values) for name, values in _POLICIES.items()}
    schedule = dice.choice(_WALL if zone != "UTC" else _WILD + _DELAYS)
    if schedule in _DELAYS and policies["overlap"] == "allow":
        policies["overlap"] = "skip"
    metadata = {
        "minutes": dice.choice([0, 1, 3, 6, 13]),
        "deaf": dice.random() < 0.3,
        "badly": dice.random() < 0.3,
    }
    return Choices(zone, begin, schedule, policies, metadata, dice.choice([1, 2, 1000]))


@dataclass
class Scene:
    """One job on a stage, the dice, and what was done to it.

    Attributes:
        forced: keys of the runs that were to begin whatever else runs; a retry keeps its place.
        policies: every set of policies that the job has had.
        idle_since: since when nothing is owed; None: something is.
        pause_ends: when the last pause was to end by itself; None: not at all.
    """

    seed: int
    stage: LastingScheduler
    dice: random.Random
    choices: Choices
    log: list[str] = field(default_factory=list)
    owed: Owed = field(default_factory=Owed)
    forced: set[str] = field(default_factory=set)
    policies: list[dict[str, Any]] = field(default_factory=list)
    idle_since: datetime | None = None
    pause_ends: datetime | None = None

    @property
    def now(self) -> datetime:
        return self.stage.clock.now()

    @property
    def job(self) -> Job:
        return jobs.get(_NAME)

    @property
    def is_fixed_delay(self) -> bool:
        return self.choices.schedule in _DELAYS

    def note(self, words: str) -> None:
        """Write a line of the log."""
        self.log.append(f"{(self.now - self.choices.begin) / MINUTE:8.2f}  {words}")

    def told(self) -> str:
        """The scene in words, enough to play it again."""
        head = f"SCENES_SEED={self.seed} SCENES=1 pytest tests/engine/test_random_scenes.py"
        rows = Run.objects.order_by("queued_at", "scheduled_for", "number")
        made = [f"{r.key} #{r.number} {r.status} {r.reason} +{r.missed}" for r in rows]
        return "\n".join([head, str(self.choices), *self.log, f"{len(made)} runs:", *made[-80:]])


def begin(seed: int, stage: LastingScheduler) -> Scene:
    """Put the job of this seed on the stage."""
    # The engine draws the jitter of a retry.
    random.seed(seed)
    dice = random.Random(seed)
    scene = Scene(seed, stage, dice, choose(dice))
    chosen = scene.choices
    stage.executor.slots = chosen.slots
    stage.clock.advance(chosen.begin - scene.now)
    job = jobs.add(
        _NAME,
        function="lasting",
        schedule=chosen.schedule,
        timezone=chosen.timezone,
        metadata=chosen.metadata,
        **chosen.policies,
    )
    scene.policies.append(dict(chosen.policies))
    scene.owed.open(job.parsed_schedule(), scene.now)
    return scene


def act(scene: Scene) -> None:
    """Do one thing that the dice choose; what the product refuses is noted and does nothing."""
    deed = scene.dice.choices(list(_DEEDS), list(_DEEDS.values()))[0]
    try:
        scene.note(deed(scene))
    except (exceptions.InvalidRunState, exceptions.RunAlreadyActive) as refusal:
        scene.note(f"{deed.__name__.strip('_')}: refused, {refusal}")
    _look_for_the_end_of_a_pause(scene)


def play(scene: Scene, look: Callable[[Scene], None]) -> None:
    """Let a lot happen, then leave it alone; ``look`` after each act."""
    for _ in range(_ACTS):
        act(scene)
        look(scene)
    if scene.job.state == JobState.PAUSED:
        _resume_in(scene, "next")
    scene.note("calm")
    scene.stage.executor.slots = 1000
    scene.stage.advance(CALM * MINUTE)
    look(scene)
    scene.owed.close(scene.now)


def _look_for_the_end_of_a_pause(scene: Scene) -> None:
    """Owe again once a pause has ended by itself."""
    job = scene.job
    if scene.idle_since is not None and job.state == JobState.ACTIVE:
        scene.owed.open(job.parsed_schedule(), _end_of_pause(scene))
        scene.idle_since = None
        scene.note("(the pause is over)")


def _end_of_pause(scene: Scene) -> datetime:
    """Return since when the job is not paused any more: as of the end it was given, if any."""
    assert scene.idle_since is not None
    return max(min(scene.now, scene.pause_ends or scene.now), scene.idle_since)


def _go(scene: Scene) -> str:
    span = scene.dice.choice([0.5, 1, 4, 9, 17])
    scene.stage.advance(span * MINUTE)
    return f"have gone on for {span} min"


def _kill(scene: Scene) -> str:
    scene.stage.kill()
    return "killed the scheduler, another begins"


def _be_away(scene: Scene) -> str:
    scene.stage.kill()
    span = scene.dice.choice([2, 12, 45, 100])
    scene.stage.clock.advance(span * MINUTE)
    return f"killed the scheduler {span} min ago"


def _pause(scene: Scene) -> str:
    span = scene.dice.choice([None, None, 3, 20])
    until = None if span is None else scene.now + span * MINUTE
    jobs.pause(_NAME, until=until)
    scene.owed.close(scene.now)
    scene.idle_since, scene.pause_ends = scene.now, until
    return f"paused for {span or 'ever'} min"


def _resume(scene: Scene) -> str:
    return _resume_in(scene, scene.dice.choice(["next", "latest", "all"]))


def _resume_in(scene: Scene, mode: str) -> str:
    jobs.resume(_NAME, mode=mode)
    assert scene.idle_since is not None
    after = _end_of_pause(scene) if mode == "next" else scene.idle_since
    scene.owed.open(scene.job.parsed_schedule(), after)
    scene.idle_since = None
    return f"resumed with {mode}"


def _trigger(scene: Scene) -> str:
    force = scene.dice.random() < 0.2
    run = jobs.trigger(_NAME, force=force)
    if force:
        scene.forced.add(run.key)
    return f"triggered{' by force' if force else ''}: {run.status} {run.reason}"


def _some_run(scene: Scene, statuses: frozenset[Any]) -> Run | None:
    rows = Run.objects.filter(status__in=[status.value for status in statuses])
    found = list(rows.order_by("queued_at", "scheduled_for", "number"))
    return scene.dice.choice(found) if found else None


def _stop(scene: Scene) -> str:
    run = _some_run(scene, OPEN)
    if run is None:
        return "found nothing to stop"
    runs.stop(run)
    return f"stopped the {run.status} {run.key}"


def _retry(scene: Scene) -> str:
    run = _some_run(scene, FINAL)
    if run is None or run.key.startswith("missed:"):
        return "found nothing to run again"
    again = runs.retry(run)
    return f"ran the {run.status} {run.key} again: {again.status} {again.reason}"


def _skip_next(scene: Scene) -> str:
    run = jobs.skip_next(_NAME)
    scene.owed.ahead.add(run.scheduled_for)
    return f"skipped {run.key}"


def _bring_forward(scene: Scene) -> str:
    coming = scene.job.clock.next_occurrence
    span = scene.dice.choice([30, 100])
    at = jobs.run_within(_NAME, span)
    if coming is not None:
        scene.owed.ahead.add(coming)
    return f"brought {coming} forward to {at}"


def _edit_schedule(scene: Scene) -> str:
    if scene.is_fixed_delay:
        return "left the delay as it is"
    text = scene.dice.choice(_WILD if scene.choices.timezone == "UTC" else _WALL)
    if text == scene.job.schedule:
        return "saved the schedule as it is"
    before = scene.job.parsed_schedule()
    job = jobs.update(_NAME, schedule=text)
    if scene.idle_since is None:
        scene.owed.close(scene.now)
        scene.owed.open(job.parsed_schedule(), scene.now)
    else:
        # What the old schedule named since the end of the pause is, and nothing of the pause.
        scene.owed.open(before, _end_of_pause(scene))
        scene.owed.close(scene.now)
        scene.idle_since = scene.now
    return f"edited the schedule to {text}"


def _edit_policies(scene: Scene) -> str:
    overlaps = _POLICIES["overlap"][: -1 if scene.is_fixed_delay else None]
    fields = {
        "overlap": scene.dice.choice(overlaps),
        "catch_up": scene.dice.choice(_POLICIES["catch_up"]),
        "priority": scene.dice.randrange(9),
    }
    jobs.update(_NAME, **fields)
    scene.policies.append({**scene.policies[-1], **fields})
    return f"edited {fields}"


_DEEDS: dict[Callable[[Scene], str], int] = {
    _go: 10, _kill: 2, _be_away: 3, _pause: 2, _resume: 2, _trigger: 2, _stop: 2, _retry: 2,
    _skip_next: 2, _bring_forward: 1, _edit_schedule: 1, _edit_policies: 1,
}  # fmt: skip
"""What may happen, and how often beside the others."""
