"""What is late and what then becomes of it: each rule where it applies and where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from django_scheduler.exceptions import InvalidSchedule
from django_scheduler.planning import (
    CATCH_UP_BATCH,
    CATCH_UP_PAUSE,
    Plan,
    Planned,
    Policy,
    Summary,
    next_from,
    plan,
)
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule, cron, every, once

from .times import DAY, HOUR, MINUTE, SECOND, at

HOURLY = cron("0 * * * *")
NOON = at("2026-05-05 12:00")
MOMENT = timedelta(microseconds=1)
EVERY_POLICY = ["skip", "latest", "all"]


@dataclass(frozen=True)
class Own(Schedule):
    """A kind of one's own that only knows what comes next."""

    step: timedelta = HOUR

    def next_after(self, instant: datetime) -> datetime | None:
        """The next multiple of the step since noon, some days ago."""
        start = NOON - 400 * DAY
        return start + ((instant - start) // self.step + 1) * self.step


def hours_ago(count: int) -> datetime:
    """That many hours before noon."""
    return NOON - count * HOUR


def policy(catch_up: str = "latest", **fields: object) -> Policy:
    """A policy with this catch-up."""
    return Policy(catch_up=CatchUp(catch_up), **fields)  # type: ignore[arg-type]


def test_defaults_are_those_that_are_promised() -> None:
    """T8: one run for all that was missed in a day; a minute is no delay; a hundred one by one."""
    assert Policy() == Policy(
        catch_up=CatchUp.LATEST,
        catch_up_window=DAY,
        catch_up_limit=100,
        misfire_grace=MINUTE,
        start_at=None,
        end_at=None,
        remaining=None,
        jitter=None,
        seed="",
        room=None,
    )
    assert (CATCH_UP_BATCH, CATCH_UP_PAUSE) == (10, SECOND)
    assert Planned(NOON) == Planned(NOON, missed=0, late=False)


@pytest.mark.parametrize("catch_up", EVERY_POLICY)
@pytest.mark.parametrize("grace", [timedelta(0), MINUTE, 30 * HOUR])
def test_on_time_up_to_the_grace_and_missed_beyond(catch_up: str, grace: timedelta) -> None:
    """T8: to the microsecond, also with none at all, and also longer than the window."""
    schedule = cron("0 12 5 5 *")
    chosen = policy(catch_up, misfire_grace=grace)
    on_time = plan(schedule, hours_ago(1), NOON + grace, chosen)
    assert (on_time.occurrences, on_time.summaries) == ((Planned(NOON),), ())
    late = plan(schedule, hours_ago(1), NOON + grace + MOMENT, chosen)
    runs = grace < DAY and catch_up != "skip"
    reason = "missed" if catch_up == "skip" else "window"
    assert late.occurrences == ((Planned(NOON, late=True),) if runs else ())
    assert late.summaries == (() if runs else (Summary(NOON, NOON, 1, reason),))


@pytest.mark.parametrize(
    ("catch_up", "runs", "records"),
    [
        ("skip", (Planned(NOON),), (Summary(hours_ago(2), hours_ago(1), 2, "missed"),)),
        ("latest", (Planned(NOON, missed=2),), ()),
        (
            "all",
            (Planned(hours_ago(2), late=True), Planned(hours_ago(1), late=True), Planned(NOON)),
            (),
        ),
    ],
)
def test_only_the_newest_is_on_time(
    catch_up: str, runs: tuple[Planned, ...], records: tuple[Summary, ...]
) -> None:
    """T8: older ones are missed though they are within the grace."""
    now = NOON + 30 * MINUTE
    found = plan(HOURLY, hours_ago(3), now, policy(catch_up, misfire_grace=5 * HOUR))
    assert found == Plan(runs, records, NOON + HOUR, NOON + HOUR, NOON, False)


def test_ten_hours_down_make_one_run_and_then_the_grid() -> None:
    """T8: an hourly interval under the default policy."""
    schedule = every(hours=1).anchored(NOON + 20 * MINUTE)
    found = plan(schedule, NOON + 20 * MINUTE, NOON + 10 * HOUR + 30 * MINUTE, Policy())
    newest = NOON + 10 * HOUR + 20 * MINUTE
    run = Planned(newest, missed=9, late=True)
    assert found == Plan((run,), (), newest + HOUR, newest + HOUR, newest, False)


@pytest.mark.parametrize("catch_up", EVERY_POLICY)
def test_a_mark_ahead_of_the_clock_plans_nothing_twice(catch_up: str) -> None:
    """T8: a clock that steps back brings nothing back, and finds nothing passed over."""
    chosen = policy(catch_up)
    before = plan(HOURLY, hours_ago(3), NOON + SECOND, chosen)
    for back in (MINUTE, 5 * HOUR, 40 * DAY):
        after = plan(HOURLY, before.planned_until, NOON - back, chosen)
        assert after == Plan((), (), NOON + HOUR, NOON + HOUR, NOON, False)


@pytest.mark.parametrize("catch_up", EVERY_POLICY)
@pytest.mark.parametrize("now", [NOON, NOON + 30 * MINUTE])
def test_a_kind_of_ones_own_is_planned_like_any_other(catch_up: str, now: datetime) -> None:
    """S10: from its next occurrence alone."""
    chosen = policy(catch_up, catch_up_limit=3, catch_up_window=5 * HOUR)
    found = plan(Own(), hours_ago(9), now, chosen)
    assert found == plan(HOURLY, hours_ago(9), now, chosen)


@pytest.mark.parametrize("catch_up", ["latest", "all"])
def test_a_kind_that_counts_to_its_limit_still_runs_what_is_recent(catch_up: str) -> None:
    """S10: ten thousand too old and more than that recent."""
    schedule = Own(step=5 * SECOND)
    found = plan(schedule, NOON - 20 * DAY, NOON + 2 * MINUTE, policy(catch_up))
    assert found.summaries[0].reason == "window"
    assert found.summaries[0].count == 10_000
    newest = NOON + 2 * MINUTE
    if catch_up == "latest":
        assert found.occurrences == (Planned(newest, missed=10_000),)
    else:
        assert found.occurrences[0] == Planned(newest - 100 * 5 * SECOND, late=True)


def test_a_large_limit_is_not_walked() -> None:
    """T8: what is kept is found by counting, not one by one."""
    asked = []

    @dataclass(frozen=True)
    class Counted(Own):
        """Tells how often it was asked."""

        def count_between(self, after: datetime, until: datetime) -> int:
            """By arithmetic."""
            asked.append(after)
            return (until - NOON) // self.step - (after - NOON) // self.step

        def next_after(self, instant: datetime) -> datetime | None:
            """As any other."""
            asked.append(instant)
            return super().next_after(instant)

    chosen = policy("all", catch_up_limit=1_000_000, catch_up_window=100 * DAY)
    found = plan(Counted(step=SECOND), NOON - 30 * DAY, NOON + HOUR, chosen)
    assert found.summaries[0].count == 30 * 86400 + 3599 - 1_000_000
    assert len(asked) < 200


def test_what_is_late_is_counted_from_the_jittered_instant() -> None:
    """S12: the grace begins when it is due; the window knows only nominal instants."""
    chosen = policy("skip", jitter=50 * MINUTE, seed="job")
    nominal, due, _ = next_from(HOURLY, hours_ago(1), chosen)
    assert nominal == NOON and due is not None and due > NOON + MINUTE
    on_time = plan(HOURLY, hours_ago(1), due + MINUTE, chosen)
    assert on_time.occurrences == (Planned(NOON),)
    late = plan(HOURLY, hours_ago(1), due + MINUTE + MOMENT, chosen)
    assert late.summaries == (Summary(NOON, NOON, 1, "missed"),)
    old = policy(jitter=50 * MINUTE, seed="job", catch_up_window=due - NOON)
    assert not plan(HOURLY, hours_ago(1), due + 2 * MINUTE, old).occurrences


def test_jitter_past_the_end_of_the_window_still_runs() -> None:
    """S8: the nominal instant lies inside; until then the job is not over."""
    chosen = policy(jitter=50 * MINUTE, seed="job", end_at=NOON)
    _, due, _ = next_from(HOURLY, hours_ago(1), chosen)
    assert due is not None
    waiting = plan(HOURLY, hours_ago(1), due - SECOND, chosen)
    assert waiting == Plan((), (), NOON, due, hours_ago(1), False)
    assert plan(HOURLY, hours_ago(1), due, chosen) == Plan(
        (Planned(NOON),), (), None, None, NOON, True
    )


@pytest.mark.parametrize("catch_up", EVERY_POLICY)
@pytest.mark.parametrize("room", [0, None])
def test_an_instant_once_is_owed_whatever_the_policy(catch_up: str, room: int | None) -> None:
    """S7: it does not go through catching up, so it needs no room there."""
    chosen = policy(catch_up, room=room, catch_up_window=timedelta(0), catch_up_limit=0)
    found = plan(once(NOON), None, NOON + 9 * DAY, chosen)
    assert found == Plan((Planned(NOON, late=True),), (), None, None, NOON, True)


@pytest.mark.parametrize(
    "fields", [{"end_at": NOON - MOMENT}, {"start_at": NOON + MOMENT}, {"remaining": 0}]
)
def test_an_instant_once_outside_the_window_never_runs(fields: dict[str, object]) -> None:
    """S8: the job is over."""
    found = plan(once(NOON), hours_ago(1), NOON + HOUR, policy(**fields))  # type: ignore[arg-type]
    assert found == Plan((), (), None, None, hours_ago(1), True)


@pytest.mark.parametrize("limit", [3, 0])
def test_a_kind_whose_count_contradicts_itself_is_told_so(limit: int) -> None:
    """S10: an error instead of an endless search; what needs no search is planned."""

    @dataclass(frozen=True)
    class Jumping(Own):
        """Counts either none or five."""

        def count_between(self, after: datetime, until: datetime) -> int:
            """Five at once."""
            return 5 if after < hours_ago(2) <= until else 0

    chosen = policy("all", catch_up_limit=limit)
    if limit:
        with pytest.raises(InvalidSchedule, match="contradicts itself"):
            plan(Jumping(), hours_ago(6), NOON + HOUR / 2, chosen)
    else:
        assert plan(Jumping(), hours_ago(6), NOON + HOUR / 2, chosen).summaries[0].count == 5
