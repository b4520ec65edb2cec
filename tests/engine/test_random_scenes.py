"""Random scenes hold what semantics 1, 5 and 6 promise, whatever happens in whatever order.

The suite plays the same twelve each time: it must not fail by chance over somebody else's change.
`SCENES=300 SCENES_SEED=random` plays new ones, `SCENES_SEED=7` begins with that seed; a failure
shows its own seed, what the dice chose and what was done.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from random import SystemRandom

import pytest
from django.db.models import Count

from django_scheduler.lifecycle.create import active_runs, waiting_for_room
from django_scheduler.models import Run
from django_scheduler.states import OPEN, JobState, RunStatus
from tests.engine.scenes import Scene, begin, play
from tests.engine.stories import MINUTE

SEED = os.environ.get("SCENES_SEED") or "1"
FIRST = SystemRandom().randrange(10**6) if SEED == "random" else int(SEED)
COUNT = int(os.environ.get("SCENES") or 12)


@pytest.fixture(scope="module", autouse=True)
def tally(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """What was played, told at the end."""
    counts: Counter[str] = Counter()
    yield counts
    capture = request.config.pluginmanager.getplugin("capturemanager")
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\nscenes from seed {FIRST}: {told}\n")


@pytest.mark.parametrize("number", range(COUNT))
def test_a_random_scene_keeps_every_promise(number, stage, tally):
    """One run or record for each occurrence, none early, no more at once than the policy lets."""
    scene = begin(FIRST + number, stage)
    play(scene, _assert_no_occurrence_lives_twice)
    for check in CHECKS:
        check(scene)
    tally["scenes"] += 1
    tally["acts"] += len(scene.log)
    tally["runs and records"] += Run.objects.count()
    tally["occurrences"] += len(scene.owed.instants(scene.now))


def _hold(holds: object, words: str, scene: Scene) -> None:
    """Fail with the words and with the whole scene, so that it can be played again."""
    assert holds, f"{words}\n{scene.told()}"


def _assert_no_occurrence_lives_twice(scene: Scene) -> None:
    open_runs = Run.objects.filter(status__in=[status.value for status in OPEN])
    twice = open_runs.values("job", "key").annotate(n=Count("pk")).filter(n__gt=1).order_by()
    _hold(not twice, f"live twice: {list(twice)}", scene)


def _assert_it_goes_on(scene: Scene) -> None:
    """It is active, comes due again, and has dealt with something lately."""
    job = scene.job
    _hold(job.state == JobState.ACTIVE, f"the job is {job.state}: {job.error}", scene)
    ahead = job.next_run_at is not None or active_runs("default").exists()
    _hold(ahead, "nothing lies ahead", scene)
    lately = scene.now - 30 * MINUTE
    newest = Run.objects.order_by("-queued_at").first()
    is_fresh = newest is not None and newest.queued_at >= lately
    _hold(is_fresh or _is_past(scene, lately), f"nothing since {lately}", scene)


def _is_past(scene: Scene, instant: datetime) -> bool:
    """Whether nothing up to the instant is left to do; of a fixed delay nobody knows."""
    before = scene.job.parsed_schedule().previous_before(instant)
    planned_until = scene.job.clock.planned_until
    return not scene.is_fixed_delay and (before is None or before <= planned_until)


def _assert_nothing_due_is_left(scene: Scene) -> None:
    """No due run lies there, and none waits for a run that is not there."""
    unclaimed = Run.objects.filter(status=RunStatus.QUEUED, process=None)
    late = unclaimed.filter(due_at__lt=scene.now - MINUTE)
    _hold(not late, f"due and left: {[run.key for run in late]}", scene)
    waiting = Run.objects.filter(waiting_for_room())
    waits = active_runs("default").exists() or not waiting.exists()
    _hold(waits, f"waiting for nothing: {[run.key for run in waiting]}", scene)


def _assert_no_more_at_once_than_allowed(scene: Scene) -> None:
    """By the most generous policy the job has had; forced runs and their retries come on top."""
    bounds = [_most_at_once(policies) for policies in scene.policies]
    if None in bounds:
        return
    bound = max(bound for bound in bounds if bound is not None)
    begun = Run.objects.filter(started_at__isnull=False)
    begun = begun.exclude(status=RunStatus.LOST).exclude(key__in=scene.forced)
    most = _most_inside((run.started_at, run.left_at or scene.now) for run in begun)
    _hold(most <= bound, f"{most} at once, {bound} allowed", scene)


def _most_at_once(policies: dict[str, object]) -> int | None:
    bound = policies["max_running"] if policies["overlap"] == "allow" else 1
    return bound if isinstance(bound, int) else None


def _most_inside(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """Return how many of the spans lie upon each other; one may begin where another ends."""
    steps = [step for a, b in spans if a < b for step in ((a, 1), (b, -1))]
    inside = most = 0
    for _, step in sorted(steps):
        inside += step
        most = max(most, inside)
    return most


def _assert_attempts_follow_each_other(scene: Scene) -> None:
    """The next attempt at an occurrence is made when the one before is over."""
    attempts = defaultdict(list)
    for run in Run.objects.order_by("number"):
        attempts[run.key].append(run)
    for key, made in attempts.items():
        for before, after in pairwise(made):
            over = before.finished_at is not None and before.finished_at <= after.queued_at
            _hold(over, f"{key} #{after.number} was made before #{before.number} ended", scene)


def _assert_nothing_was_early(scene: Scene) -> None:
    """Not even by an instant, but what somebody brought forward, or skipped and then ran again."""
    for run in Run.objects.filter(started_at__isnull=False):
        if run.key.startswith("m:") or _instant(run.key) not in scene.owed.ahead:
            nominal = run.scheduled_for if run.key.startswith("m:") else _instant(run.key)
            early = nominal - run.started_at
            _hold(early <= timedelta(0), f"{run.key} began {early} too early", scene)


def _assert_each_occurrence_is_on_record_once(scene: Scene) -> None:
    """A fixed delay has no occurrences but those it made."""
    if scene.is_fixed_delay:
        return
    planned_until = scene.job.clock.planned_until
    owed = scene.owed.instants(max(scene.now, planned_until))
    named = Counter(_named(scene, list(owed)))
    unknown = sorted(set(named) - set(owed))
    _hold(not unknown, f"never owed: {_texts(unknown)}", scene)
    twice = [instant for instant in owed if named[instant] > 1]
    _hold(not twice, f"on record twice: {_texts(twice)}", scene)
    dealt_with = [each for each, is_sure in owed.items() if is_sure and each <= planned_until]
    lost = [instant for instant in dealt_with if not named[instant]]
    _hold(not lost, f"vanished: {_texts(lost)}", scene)


def _named(scene: Scene, owed: list[datetime]) -> Iterator[datetime]:
    """Name what the runs and records stand for: themselves, and the missed ones before them."""
    place = {instant: number for number, instant in enumerate(owed)}
    for run in Run.objects.filter(number=1).exclude(key__startswith="m:"):
        first, _, last = run.key.removeprefix("missed:").rpartition("/")
        until = place.get(_instant(last))
        if until is None:
            yield _instant(last)
            continue
        since = place.get(_instant(first), until) if first else until - run.missed
        covered = owed[since : until + 1]
        count = run.missed + (not first)
        _hold(len(covered) == count, f"{run.key} stands for {count}, not {len(covered)}", scene)
        yield from covered


def _instant(key: str) -> datetime:
    return datetime.fromisoformat(key.replace("Z", "+00:00"))


def _texts(instants: Iterable[datetime]) -> str:
    return ", ".join(f"{instant:%d %H:%M:%S}" for instant in instants)


CHECKS = (
    _assert_it_goes_on,
    _assert_nothing_due_is_left,
    _assert_no_more_at_once_than_allowed,
    _assert_attempts_follow_each_other,
    _assert_nothing_was_early,
    _assert_each_occurrence_is_on_record_once,
)
