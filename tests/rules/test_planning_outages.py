"""Planning step by step through an outage and what follows: the bounds hold for all of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from django_scheduler.planning import Plan, Planned, Policy, Summary, plan
from django_scheduler.policies import CatchUp
from django_scheduler.schedules import Schedule, cron, every

from .times import HOUR, MINUTE, SECOND, at

HOURLY = cron("0 * * * *")
MINUTELY = every(minutes=1)
DELAYED = every(minutes=10, after="finish")
NOON = at("2026-05-05 12:00")


def hours_ago(count: int) -> datetime:
    """That many hours before noon."""
    return NOON - count * HOUR


def policy(catch_up: str = "all", **fields: object) -> Policy:
    """A policy with this catch-up."""
    return Policy(catch_up=CatchUp(catch_up), **fields)  # type: ignore[arg-type]


def one_by_one(
    schedule: Schedule,
    mark: datetime,
    now: datetime,
    chosen: Policy,
    *,
    busy: timedelta,
    steps: int,
) -> list[Plan]:
    """Plans made when each run has ended, ``busy`` after it was planned."""
    found = []
    for _ in range(steps):
        found.append(plan(schedule, mark, now, chosen))
        mark, now = found[-1].planned_until, now + busy
    return found


def test_of_one_outage_no_more_run_than_the_limit() -> None:
    """T8: in series it is not counted anew at each step; what came due meanwhile is added."""
    plans = one_by_one(
        MINUTELY, hours_ago(5), NOON, policy(catch_up_limit=20, room=1), busy=30 * SECOND, steps=60
    )
    late = [each.scheduled_for for one in plans for each in one.occurrences if each.late]
    assert sum(each < NOON for each in late) == 20
    assert late[0] == NOON - 20 * MINUTE
    records = [each for one in plans for each in one.summaries]
    assert records == [Summary(hours_ago(5) + MINUTE, NOON - 21 * MINUTE, 279, "limit")]
    # Thirty seconds a run of one a minute: caught up, the newest is on time.
    assert any(not each.late for one in plans for each in one.occurrences)


def test_slower_than_its_schedule_it_keeps_the_newest() -> None:
    """T8: never more owed than the limit; what is given up is one record with a run."""
    plans = one_by_one(
        MINUTELY, hours_ago(1), NOON, policy(catch_up_limit=20, room=1), busy=5 * MINUTE, steps=40
    )
    for number, each in enumerate(plans):
        assert each.waits and len(each.occurrences) == 1 and len(each.summaries) <= 1
        owed = MINUTELY.count_between(each.planned_until, NOON + number * 5 * MINUTE)
        assert owed <= 20
    assert [each.count for each in plans[-1].summaries] == [4]


def test_what_grows_too_old_while_waiting_is_one_record() -> None:
    """T8: none while it waits, however often it is looked at; all of it with the next run."""
    chosen = policy(catch_up_window=2 * HOUR, room=0)
    for minutes in range(0, 180, 20):
        now = NOON + minutes * MINUTE
        found = plan(HOURLY, hours_ago(4), now, chosen)
        assert found == Plan((), (), hours_ago(3), None, hours_ago(4), False, waits=True)
    found = plan(HOURLY, hours_ago(4), NOON + 3 * HOUR, policy(catch_up_window=2 * HOUR, room=1))
    assert found.summaries == (Summary(hours_ago(3), NOON, 4, "window"),)
    assert found.occurrences == (Planned(NOON + HOUR, late=True),)
    assert (found.next_occurrence, found.waits) == (NOON + 2 * HOUR, True)


@pytest.mark.parametrize("room", [-1, 0])
def test_nothing_left_to_run_does_not_wait(room: int) -> None:
    """T8: all of it too old or beyond the limit is recorded, room or not."""
    for fields, reason in (
        ({"catch_up_window": timedelta(0)}, "window"),
        ({"catch_up_limit": 0}, "limit"),
    ):
        found = plan(HOURLY, hours_ago(3), NOON, policy(room=room, **fields))
        record = Summary(hours_ago(2), hours_ago(1), 2, reason)
        assert found == Plan((Planned(NOON),), (record,), NOON + HOUR, NOON + HOUR, NOON, False)
    assert plan(HOURLY, hours_ago(3), NOON, policy(room=room)).waits


@pytest.mark.parametrize("room", [0, 1, None])
def test_skip_never_asks_for_room(room: int | None) -> None:
    """T8: what is on time goes to the overlap policy, what is not is a record."""
    for now in (NOON, NOON + HOUR / 2):
        found = plan(HOURLY, hours_ago(3), now, policy("skip", room=room))
        assert found == plan(HOURLY, hours_ago(3), now, policy("skip"))


@pytest.mark.parametrize("room", [-1, 0])
@pytest.mark.parametrize("now", [NOON, NOON + HOUR / 2])
def test_one_run_for_all_missed_waits_for_room(room: int, now: datetime) -> None:
    """T6, T8: it is not refused for overlap; records come with it."""
    found = plan(HOURLY, hours_ago(30), now, policy("latest", room=room))
    assert (found.occurrences, found.summaries) == ((), ())
    assert (found.waits, found.next_at, found.planned_until) == (True, None, hours_ago(30))
    assert plan(HOURLY, hours_ago(30), now, policy("latest", room=1)) == plan(
        HOURLY, hours_ago(30), now, policy("latest")
    )


def test_on_time_alone_or_all_too_old_needs_no_room() -> None:
    """T6: the overlap policy decides of the one on time."""
    alone = plan(HOURLY, hours_ago(1), NOON, policy("latest", room=0))
    assert alone == plan(HOURLY, hours_ago(1), NOON, policy("latest"))
    old = policy("latest", room=0, catch_up_window=HOUR / 4)
    found = plan(HOURLY, hours_ago(3), NOON + HOUR / 2, old)
    assert (found.occurrences, len(found.summaries), found.waits) == ((), 1, False)


def test_a_missed_fixed_delay_does_not_wait_under_latest() -> None:
    """S6: the end of any run sets its next time."""
    delay = every(hours=1, after="finish")
    found = plan(delay, hours_ago(3), NOON, policy("latest", room=0))
    assert (len(found.occurrences), found.waits) == (1, False)


@pytest.mark.parametrize(
    ("room", "runs", "next_at", "waits"),
    [(9, 9, None, True), (10, 10, None, True), (11, 10, NOON + SECOND, False)],
)
def test_room_for_more_than_a_batch_only_pauses(
    room: int, runs: int, next_at: datetime | None, waits: bool
) -> None:
    """T8: what there is no room for waits for a run's end, what there is room for a second."""
    found = plan(HOURLY, hours_ago(15), NOON, policy(room=room))
    assert (len(found.occurrences), found.next_at, found.waits) == (runs, next_at, waits)


@pytest.mark.parametrize(
    ("catch_up", "remaining", "runs", "ended"),
    [
        ("all", 2, (Planned(hours_ago(4), late=True), Planned(hours_ago(3), late=True)), True),
        ("latest", 2, (Planned(NOON, missed=4, late=True),), False),
        ("latest", 1, (Planned(NOON, missed=4, late=True),), True),
        ("skip", 2, (), False),
    ],
)
def test_remaining_runs_are_used_up_oldest_first(
    catch_up: str, remaining: int, runs: tuple[Planned, ...], ended: bool
) -> None:
    """S8: five missed; what was due after the last run is no occurrence, and not recorded."""
    found = plan(HOURLY, hours_ago(5), NOON + HOUR / 2, policy(catch_up, remaining=remaining))
    assert (found.occurrences, found.ended, found.waits) == (runs, ended, False)
    assert found.planned_until == (hours_ago(3) if catch_up == "all" else NOON)
    assert (found.next_occurrence is None) is ended
    assert bool(found.summaries) is (catch_up == "skip")


def test_remaining_and_room_and_limit_together() -> None:
    """S8: the newest within the limit, of these the oldest, one at a time, and then over."""
    chosen = policy(catch_up_limit=3, room=1, remaining=2)
    found = plan(HOURLY, hours_ago(5), NOON + HOUR / 2, chosen)
    assert found.summaries == (Summary(hours_ago(4), hours_ago(3), 2, "limit"),)
    assert found.occurrences == (Planned(hours_ago(2), late=True),)
    assert (found.waits, found.ended, found.next_occurrence) == (True, False, hours_ago(1))
    found = plan(HOURLY, hours_ago(2), NOON + HOUR / 2, policy(room=1, remaining=1))
    assert found == Plan((Planned(hours_ago(1), late=True),), (), None, None, hours_ago(1), True)


@pytest.mark.parametrize(
    ("catch_up", "runs", "records"),
    [
        ("skip", (), (Summary(hours_ago(4), hours_ago(2), 3, "missed"),)),
        ("latest", (Planned(hours_ago(2), missed=2, late=True),), ()),
        ("all", tuple(Planned(hours_ago(each), late=True) for each in (4, 3, 2)), ()),
    ],
)
@pytest.mark.parametrize("bounds", [{}, {"start_at": hours_ago(4)}])
def test_missed_before_the_end_is_caught_up_and_then_it_is_over(
    catch_up: str,
    runs: tuple[Planned, ...],
    records: tuple[Summary, ...],
    bounds: dict[str, datetime],
) -> None:
    """S8: nothing outside the window is missed, though the outage is longer on both sides."""
    mark = hours_ago(9) if bounds else hours_ago(5)
    found = plan(HOURLY, mark, NOON, policy(catch_up, end_at=hours_ago(2), **bounds))
    assert found == Plan(runs, records, None, None, hours_ago(2), True)


def test_on_time_at_the_very_end_is_the_last() -> None:
    """S8: the end belongs to the window."""
    found = plan(HOURLY, hours_ago(1), NOON + SECOND, policy("latest", end_at=NOON))
    assert found == Plan((Planned(NOON),), (), None, None, NOON, True)


@pytest.mark.parametrize(
    ("fields", "count", "reason"),
    [({"catch_up_limit": 0}, 1, "limit"), ({"catch_up_window": 4 * HOUR}, 1, "window")],
)
def test_a_missed_fixed_delay_that_is_not_run_starts_again_from_now(
    fields: dict[str, object], count: int, reason: str
) -> None:
    """S6: recorded once."""
    occurrence = hours_ago(5) + 10 * MINUTE
    found = plan(DELAYED, hours_ago(5), NOON, policy(**fields))  # type: ignore[arg-type]
    record = Summary(occurrence, occurrence, count, reason)
    following = NOON + 10 * MINUTE
    assert found == Plan((), (record,), following, following, NOON, False)
    # Measured from the old mark it would be missed again, and for ever.
    assert plan(DELAYED, found.planned_until, following, policy()).occurrences == (
        Planned(following),
    )


@pytest.mark.parametrize("room", [0, 1, None])
def test_a_missed_fixed_delay_does_not_wait(room: int | None) -> None:
    """S6: the end of a run asked for by hand sets its next time; until then overlap decides."""
    occurrence = hours_ago(5) + 10 * MINUTE
    found = plan(DELAYED, hours_ago(5), NOON, policy(room=room))
    assert found == Plan((Planned(occurrence, late=True),), (), None, None, occurrence, False)
    found = plan(DELAYED, hours_ago(5), NOON, policy(room=room, remaining=1))
    assert found == Plan((Planned(occurrence, late=True),), (), None, None, occurrence, True)


def test_a_fixed_delay_first_due_at_the_start_of_its_window_can_be_too_old() -> None:
    """S6: its one occurrence is the start itself."""
    start = NOON - 48 * HOUR
    found = plan(DELAYED, NOON - 72 * HOUR, NOON, policy("latest", start_at=start))
    assert (found.occurrences, found.summaries) == ((), (Summary(start, start, 1, "window"),))
    recent = plan(DELAYED, NOON - 72 * HOUR, NOON, policy("latest", start_at=hours_ago(3)))
    assert recent.occurrences == (Planned(hours_ago(3), late=True),)


def test_a_fixed_delay_after_the_end_of_its_window_never_runs() -> None:
    """S6: the job is over, with nothing to record."""
    found = plan(DELAYED, hours_ago(5), NOON, policy(end_at=hours_ago(5) + 9 * MINUTE))
    assert found == Plan((), (), None, None, hours_ago(5), True)
