"""What an edit would repeat, leave out or end, in a table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler.planning import Policy
from django_scheduler.planning.edits import NoticeKind, edit_notices
from django_scheduler.schedules import parse_schedule

from .times import DAY, at

REPEATS, LEFT_OUT, ENDS = NoticeKind.REPEATS, NoticeKind.LEFT_OUT, NoticeKind.ENDS
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
    ("0 18 * * *", "@at 2026-03-05T00:00:00Z", "UTC", "2026-03-01 18:00", []),
    ("0 9 * * 1", "0 18 * * 1", "UTC", "2026-03-02 09:00", [REPEATS]),
    ("0 9 * * 1", "0 9 * * 2", "UTC", "2026-03-02 09:00", []),
    ("0 0 2 * *", "0 23 2 * *", "UTC", "2026-03-02 00:00", [REPEATS]),
    ("0 * * * *", "30 * * * *", "UTC", "2026-03-02 12:00", []),
    ("0 3 * * *", "*/5 * * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@every 1199m from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 22h from 2026-03-02T01:00:00Z", "0 1 * * *", "UTC", "2026-03-02 01:00", []),
    ("0 3 * * *", "@every 20m after finish", "UTC", "2026-03-02 03:00", []),
    ("@every 1d after finish", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("0 3 * * *", "@manual", "UTC", "2026-03-02 03:00", []),
    ("@manual", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@manual", "0 9 * * *", "UTC", "2026-03-02 03:00", []),
    ("0 3 * * *", "@at 2026-03-02T15:00:00Z", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@at 2026-03-02T09:00:00Z", "@at 2026-03-03T09:00:00Z", "UTC", "2026-03-02 09:00", []),
    ("0 3 * * *", "0 15 * * *", "Asia/Tokyo", "2026-03-01 18:00", []),
    ("0 3 * * *", "0 23 * * *", "Asia/Tokyo", "2026-03-01 18:00", [REPEATS]),
    ("0 18 * * *", "0 9 * * *", "UTC", None, []),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", [REPEATS]),
    ("@every 19h from 2026-03-02T03:00:00Z", "0 15 * * *", "UTC", "2026-03-02 03:00", []),
    ("@every 20h from 2026-03-02T03:00:00Z", "0 3 * * *", "UTC", "2026-03-02 03:00", []),
]


def _notices(old, new, zone="UTC", had=None, **given):
    return edit_notices(
        parse_schedule(old, zone),
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


def test_a_job_that_never_ran_has_waited_since_its_creation():
    created = at("2026-03-02 08:00")
    (notice,) = _notices("0 18 * * *", "0 9 * * *", since=created)
    assert notice.kind is LEFT_OUT
    assert _notices("0 18 * * *", "0 7 * * *", since=created) == []


def test_a_new_job_can_neither_repeat_nor_leave_out():
    assert edit_notices(None, parse_schedule("0 15 * * *"), at(NOW), had=at(NOW)) == []


def test_a_schedule_without_an_end_ahead_is_noticed_as_over():
    new = parse_schedule("0 15 * * *")
    policy = Policy(end_at=at(NOW) + timedelta(hours=1))
    (notice,) = edit_notices(None, new, at(NOW), policy=policy)
    assert notice.kind is ENDS
    assert notice.describe() == "It would never run again: no occurrence lies ahead."


def test_an_instant_in_the_past_is_owed_and_so_not_over():
    """It runs at once, as for a new job."""
    past = parse_schedule("@at 2026-03-01T00:00:00Z")
    assert edit_notices(None, past, at(NOW)) == []
    assert edit_notices(parse_schedule("0 3 * * *"), past, at(NOW), had=at(NOW) - 2 * DAY) == []


def test_a_window_that_opens_later_leaves_out_too():
    policy = Policy(start_at=at("2026-03-10 00:00"))
    (notice,) = _notices("0 18 * * *", "0 9 * * *", had="2026-03-01 18:00", policy=policy)
    assert notice.following == at("2026-03-10 09:00")
