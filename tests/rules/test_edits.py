"""What an edit would repeat, leave out or end, in a table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler.planning import Policy
from django_scheduler.planning.edits import NoticeKind, edit_notices
from django_scheduler.schedules import parse_schedule

from .times import DAY, at

REPEATS, LEFT_OUT, ENDS = NoticeKind.REPEATS, NoticeKind.LEFT_OUT, NoticeKind.ENDS
AT_ONCE = NoticeKind.AT_ONCE
NOW = "2026-03-02 12:00"
"""A Monday noon, UTC and the other zones' day as well."""

# old, new, zone, the last occurrence it ran for, what is noticed
CASES = [
    ("0 3 * * *", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("0 3 * * *", "0 5 * * *", "UTC", "2026-03-02 03:00", []),
    ("0 3 * * *", "0 15 * * *", "UTC", "2026-03-01 03:00", []),
    ("0 18 * * *", "0 9 * * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "0 20 * * *", "UTC", "2026-03-01 18:00", []),
    ("0 18 * * *", "0 14 * * *", "UTC", "2026-03-01 18:00", []),
    ("0 18 * * *", "0 12 * * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "0 18 * * *", "UTC", "2026-03-01 18:00", []),
    ("0 18 * * *", "0 18 * * 1-5", "UTC", "2026-03-01 18:00", []),
    ("0 18 * * *", "0 2 * * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "0 9 2 * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * 1", "0 9 * * 1", "UTC", "2026-02-23 18:00", [LEFT_OUT]),
    ("0 18 * * 5", "0 9 * * 1", "UTC", "2026-02-27 18:00", []),
    ("0 18 * * *", "@at 2026-03-05T00:00:00Z", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "@at 2026-03-02T23:00:00Z", "UTC", "2026-03-01 18:00", []),
    ("0 18 * * *", "@manual", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "0 9 * * MON", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "0 9 1 * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "*/5 9-10 * * *", "UTC", "2026-03-01 18:00", [LEFT_OUT]),
    ("0 18 * * *", "*/5 * * * *", "UTC", "2026-03-01 18:00", []),
    ("0 * * * *", "0 3 * * *", "UTC", "2026-03-02 11:00", []),
    ("0 18 * * *", "0 9 * * *", "Asia/Tokyo", "2026-03-01 09:00", []),
    ("0 23 * * *", "0 9 * * *", "Asia/Tokyo", "2026-03-01 14:00", [LEFT_OUT]),
    ("0 3 * * *", "@at 2026-03-02T11:59:59Z", "UTC", "2026-03-02 03:00", [AT_ONCE]),
    ("0 3 * * *", "@at 2026-03-02T12:00:00Z", "UTC", "2026-03-02 03:00", [AT_ONCE]),
    ("@manual", "@at 2020-01-01T00:00:00Z", "UTC", None, [AT_ONCE]),
    ("@at 2026-03-01T00:00:00Z", "@at 2026-03-02T00:00:00Z", "UTC", "2026-03-01 00:00", [AT_ONCE]),
    ("@at 2026-03-01T00:00:00Z", "@at 2026-03-01T00:00:00Z", "UTC", "2026-03-01 00:00", [ENDS]),
    ("0 9 * * 1", "0 18 * * 1", "UTC", "2026-03-02 09:00", [REPEATS]),
    ("0 9 * * 1", "0 9 * * 2", "UTC", "2026-03-02 09:00", []),
    ("0 0 2 * *", "0 23 2 * *", "UTC", "2026-03-02 00:00", [REPEATS]),
    ("0 * * * *", "30 * * * *", "UTC", "2026-03-02 12:00", []),
    ("0 3 * * *", "*/5 * * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@every 1199m from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 22h from 2026-03-02T01:00:00Z", "0 1 * * *", "UTC", "2026-03-02 01:00", [LEFT_OUT]),
    ("0 3 * * *", "@every 20m after finish", "UTC", "2026-03-02 03:00", []),
    ("@every 1d after finish", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("0 3 * * *", "@manual", "UTC", "2026-03-02 03:00", []),
    ("@manual", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@manual", "0 9 * * *", "UTC", "2026-03-02 03:00", []),
    ("0 3 * * *", "@at 2026-03-02T15:00:00Z", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@at 2026-03-02T09:00:00Z", "@at 2026-03-03T09:00:00Z", "UTC", "2026-03-02 09:00", []),
    ("0 3 * * *", "0 15 * * *", "Asia/Tokyo", "2026-03-01 18:00", []),
    ("0 3 * * *", "0 23 * * *", "Asia/Tokyo", "2026-03-01 18:00", [REPEATS]),
    ("0 18 * * *", "0 9 * * *", "UTC", None, [LEFT_OUT]),
    ("0 18 * * *", "0 7 * * *", "UTC", None, [LEFT_OUT]),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@every 19h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 3 * * *", "UTC", "2026-03-02 03:00", [LEFT_OUT]),
    ("@every 19h from 2026-03-02T03:00:00Z", "0 3 * * *", "UTC", "2026-03-02 03:00", []),
]


def _notices(old, new, zone="UTC", had=None, **given):
    before = parse_schedule(old, zone)
    given.setdefault("coming", before.next_after(at(NOW)))
    return edit_notices(
        before,
        parse_schedule(new, zone),
        at(NOW),
        had=None if had is None else at(had),
        **given,
    )


@pytest.mark.parametrize(("old", "new", "zone", "had", "kinds"), CASES)
def test_an_edit_is_noticed_where_it_surprises(old, new, zone, had, kinds):
    """§4: what would repeat today, or not take place, is shown before saving."""
    assert [each.kind for each in _notices(old, new, zone, had)] == kinds


def test_a_repetition_names_both_instants():
    (notice,) = _notices("0 3 * * *", "0 15 * * *", "Europe/Paris", "2026-03-02 02:00")
    assert (notice.before, notice.following) == (at("2026-03-02 02:00"), at("2026-03-02 14:00"))
    assert notice.describe() == (
        "It has run for 2026-03-02 03:00 and would run again the same day, at 2026-03-02 15:00 "
        "(Europe/Paris)."
    )


def test_what_is_left_out_is_named_with_what_comes_instead():
    (notice,) = _notices("0 18 * * *", "0 9 * * *", had="2026-03-01 18:00")
    assert notice.describe() == (
        "The run of 2026-03-02 18:00 would not take place; the next one would be at "
        "2026-03-03 09:00 (UTC)."
    )


def test_a_zone_is_an_edit_too():
    """Midnight has been in Paris and is still to come in New York."""
    old, new = (parse_schedule("0 8 * * *", zone) for zone in ("Europe/Paris", "America/New_York"))
    notices = edit_notices(old, new, at(NOW), had=at("2026-03-02 07:00"))
    assert [each.kind for each in notices] == [REPEATS]


def test_what_is_left_out_for_good_is_named_alone():
    (notice,) = _notices("0 18 * * *", "@manual", "Europe/Paris")
    assert notice.following is None
    assert notice.describe() == (
        "The run of 2026-03-02 18:00 (Europe/Paris) would not take place; no further one is "
        "planned."
    )


def test_what_was_skipped_or_is_over_already_is_not_left_out():
    """The job waits for another day's run, or for none, whatever its schedule says."""
    for coming in (None, at("2026-03-03 18:00")):
        assert _notices("0 18 * * *", "0 9 * * *", coming=coming) == []


def test_what_is_overdue_would_be_left_out_too():
    """It has not begun, and an edit is never retroactive."""
    (notice,) = _notices("59 11 * * *", "0 9 * * *", coming=at("2026-03-02 11:59"))
    assert (notice.kind, notice.before) == (LEFT_OUT, at("2026-03-02 11:59"))


def test_a_new_job_can_neither_repeat_nor_leave_out():
    assert edit_notices(None, parse_schedule("0 15 * * *"), at(NOW), had=at(NOW)) == []


def test_a_schedule_without_an_end_ahead_is_noticed_as_over():
    new = parse_schedule("0 15 * * *")
    policy = Policy(end_at=at(NOW) + timedelta(hours=1))
    (notice,) = edit_notices(None, new, at(NOW), policy=policy)
    assert notice.kind is ENDS
    assert notice.describe() == "It would never run again: no occurrence lies ahead."


def test_an_instant_in_the_past_is_owed_and_so_not_over():
    """It runs at once, for a new job as after an edit."""
    past = parse_schedule("@at 2026-03-01T00:00:00Z", "Europe/Paris")
    for old in (None, parse_schedule("0 3 * * *")):
        (notice,) = edit_notices(old, past, at(NOW), had=at(NOW) - 2 * DAY)
        assert (notice.kind, notice.before) == (AT_ONCE, at("2026-03-01 00:00"))
        assert notice.describe() == (
            "2026-03-01 01:00 (Europe/Paris) has passed: saved like this, the job runs at once, "
            "and never again."
        )


def test_an_instant_that_its_jitter_puts_ahead_is_not_at_once():
    past = parse_schedule("@at 2026-03-02T11:59:59Z")
    policy = Policy(jitter=timedelta(days=10), seed="1")
    assert edit_notices(None, past, at(NOW), policy=policy) == []


def test_an_instant_that_is_owed_already_is_no_news():
    """It runs at once with the edit as without."""
    old, new = "@at 2026-03-02T11:59:59Z", "@at 2026-03-02T12:59:59+01:00"
    assert _notices(old, new, coming=at("2026-03-02 11:59:59")) == []
    (notice,) = _notices(old, new)
    assert notice.kind is AT_ONCE


def test_a_window_that_opens_later_leaves_out_too():
    policy = Policy(start_at=at("2026-03-10 00:00"))
    (notice,) = _notices("0 18 * * *", "0 9 * * *", had="2026-03-01 18:00", policy=policy)
    assert notice.following == at("2026-03-10 09:00")
