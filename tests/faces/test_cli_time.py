"""``scheduler explain`` and ``next``: instants in every zone that matters, and why none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler import every, jobs
from django_scheduler.models import Job, JobClock
from tests.facades.fixed import NOW, fixed_clock, plain, registered
from tests.faces.cli import ask, refused, say

pytestmark = pytest.mark.django_db

EVE = "2026-03-28T12:00:00Z"
"""The day before clocks are set forward in Paris."""


@pytest.fixture(autouse=True)
def clock(settings):
    settings.TIME_ZONE = "Europe/Paris"
    with fixed_clock() as clock, registered("plain", plain):
        yield clock


def test_explain_shows_job_zone_local_zone_and_utc():
    """S13"""
    lines = say("explain", "0 3 * * *", "--tz", "Asia/Tokyo", "--count", "2").splitlines()
    assert lines[:2] == ["0 3 * * *", "At 03:00, every day, Asia/Tokyo"]
    assert lines[3].split() == ["NEXT,", "ASIA/TOKYO", "NEXT,", "EUROPE/PARIS", "NEXT,", "UTC"]
    assert " ".join(lines[4].split()) == (
        "Tue 2026-03-03 03:00:00 JST Mon 2026-03-02 19:00:00 CET Mon 2026-03-02 18:00:00 UTC"
    )
    assert lines[7].startswith("PREVIOUS, ASIA/TOKYO")
    assert lines[8].startswith("Mon 2026-03-02 03:00:00 JST")


@pytest.mark.parametrize(("zone", "columns"), [("Europe/Berlin", 2), ("UTC", 2), ("Asia/Tokyo", 3)])
def test_explain_leaves_out_a_zone_that_reads_the_same(zone, columns):
    text = say("explain", "0 3 * * *", "--tz", zone)
    assert text.count("NEXT, ") == columns


def test_explain_warns_of_what_dst_does_within_a_year():
    text = say("explain", "30 2 * * *", "--at", EVE, "--count", "1")
    assert "Sun 2026-03-29 03:00:00 CEST" in text
    assert "Daylight saving within a year, Europe/Paris:" in text
    assert "  2026-03-29: 02:30 does not exist, so it runs at 03:00\n" in text
    assert "  2026-10-25: 02:30 comes twice and runs the first time only\n" in text
    assert "Daylight saving" not in say("explain", "30 4 * * *", "--at", EVE)


def test_explain_gives_programs_everything():
    document = ask("explain", "30  2 * * *", "--at", EVE, "--count", "2")
    assert document["schedule"] == "30 2 * * *"
    assert document["at"] == EVE
    assert document["upcoming"] == ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert document["previous"] == ["2026-03-28T01:30:00Z", "2026-03-27T01:30:00Z"]
    assert document["warnings"][0] == {
        "at": "2026-03-29T01:00:00Z",
        "kind": "gap",
        "low": "2026-03-29T02:00:00",
        "high": "2026-03-29T03:00:00",
        "action": "shifted",
        "first": "2026-03-29T02:30:00",
        "count": 1,
        "description": "2026-03-29: 02:30 does not exist, so it runs at 03:00",
    }
    assert document["warnings"][1]["kind"] == "fold"


def test_explain_of_a_job_is_in_its_zone():
    jobs.add("plain", schedule="0 9 * * *", timezone="America/New_York")
    document = ask("explain", "--job", "plain", "--count", "1")
    assert (document["schedule"], document["timezone"]) == ("0 9 * * *", "America/New_York")
    assert document["upcoming"] == ["2026-03-02T14:00:00Z"]
    elsewhere = ask("explain", "--job", "plain", "--tz", "UTC", "--count", "1")
    assert elsewhere["upcoming"] == ["2026-03-03T09:00:00Z"]


def test_explain_says_from_when_an_interval_counts():
    counted = "Counted from now; in a job, from its creation."
    assert say("explain", "@every 5m").splitlines()[2] == counted
    assert "Counted from that instant; in" in say("explain", "@every 3d", "--at", EVE)
    jobs.add("plain", schedule=every(minutes=5))
    for words in (["@every 5m from 2026-01-01T00:00:00Z"], ["@every 5m after finish"], ["@daily"]):
        assert "Counted" not in say("explain", *words)
    assert "Counted" not in say("explain", "--job", "plain")


def test_explain_of_a_job_says_what_is_planned_and_why_it_is_not():
    jobs.add("plain", schedule=every(hours=1), timezone="America/New_York")
    jobs.run_within("plain", 60)
    planned = "Planned next: Mon 2026-03-02 07:01:00 EST"
    assert say("explain", "--job", "plain").splitlines()[2] == planned
    document = ask("explain", "--job", "plain")
    assert (document["state"], document["next_run_at"]) == ("active", "2026-03-02T12:01:00Z")
    jobs.pause("plain", reason="stock\ntaking")
    lines = say("explain", "--job", "plain").splitlines()
    assert lines[2:4] == ["paused: stock taking", ""]
    jobs.resume("plain")
    jobs.pause("plain")
    assert "\npaused: it is not planned.\n" in say("explain", "--job", "plain")
    Job.objects.update(state="broken", error="no such zone")
    assert "\nbroken: no such zone\n" in say("explain", "--job", "plain")
    assert ask("explain", "@daily")["state"] is None


def test_explain_reads_at_in_the_zone_that_is_given():
    at = "2026-03-28T12:00:00"
    assert ask("explain", "@daily", "--at", at)["at"] == "2026-03-28T11:00:00Z"
    assert ask("explain", "@daily", "--at", at, "--tz", "Asia/Tokyo")["at"] == (
        "2026-03-28T03:00:00Z"
    )
    assert ask("explain", "@daily", "--at", EVE, "--tz", "Asia/Tokyo")["at"] == EVE
    assert "Mars/Olympus" in refused("explain", "@daily", "--at", at, "--tz", "Mars/Olympus")


def test_explain_of_what_never_fires():
    assert "It never fires by itself from now on." in say("explain", "@manual")
    assert "It never fires by itself after that instant." in say("explain", "@manual", "--at", EVE)
    document = ask("explain", "@at 2020-01-01T00:00:00Z")
    assert (document["upcoming"], document["previous"]) == ([], ["2020-01-01T00:00:00Z"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--job"),
        (["@daily", "--job", "plain"], "one of the two"),
        (["--job", "nobody"], "nobody"),
        (["0 0 30 2 *"], "never match"),
        (["@daily", "--tz", "Mars/Olympus"], "Mars/Olympus"),
        (["@daily", "--at", "noon"], "--at"),
        (["@daily", "--at", "9999-06-01"], "calendar"),
        (["@daily", "--count", "1001"], "--count"),
    ],
)
def test_explain_refuses_with_the_reason(words, said):
    assert said in refused("explain", *words)


def test_next_shows_the_nominal_instant_where_it_is_another():
    """T4"""
    jobs.add("plain", schedule=every(hours=1))
    assert "NOMINAL" not in say("next")
    jobs.run_within("plain", 60)
    header, first, second = say("next", "plain", "--count", "2").splitlines()
    assert header.split("  ")[-1].strip() == "NOMINAL, EUROPE/PARIS"
    assert first.split("  ") == [
        "Mon 2026-03-02 13:01:00 CET",
        "Mon 2026-03-02 12:01:00 UTC",
        "Mon 2026-03-02 14:00:00 CET",
    ]
    assert second.split("  ")[0] == second.split("  ")[2] == "Mon 2026-03-02 15:00:00 CET"


def test_next_of_one_job_is_in_its_zone_first():
    jobs.add("plain", schedule="0 9 * * *", timezone="America/New_York")
    header, line, *_ = say("next", "plain").splitlines()
    assert header.startswith("DUE, AMERICA/NEW_YORK")
    assert line.startswith("Mon 2026-03-02 09:00:00 EST")


def test_next_says_why_there_is_nothing():
    jobs.add("asleep", "plain", "@hourly")
    jobs.pause("asleep", reason="until Monday")
    assert say("next", "asleep") == (
        "Nothing: asleep is paused (until Monday). Plan it again with `scheduler resume asleep`.\n"
    )
    jobs.add("quiet", "plain", "@hourly")
    jobs.pause("quiet")
    assert "quiet is paused. Plan" in say("next", "quiet")
    jobs.add("two words", "plain", "@hourly")
    jobs.pause("two words")
    assert "`scheduler resume 'two words'`" in say("next", "two words")
    jobs.remove("two words")
    jobs.add("over", "plain", "@hourly", end_at=NOW + timedelta(minutes=1))
    Job.objects.filter(name="over").update(state="ended")
    assert say("next", "over") == "Nothing: no occurrence of over is left.\n"
    jobs.add("odd", "plain", "@hourly")
    Job.objects.filter(name="odd").update(state="broken", error="no such\nzone")
    assert say("next", "odd") == "Nothing: odd is broken: no such zone\n"
    jobs.add("plain")
    assert say("next", "plain") == "Nothing: plain runs only when it is triggered.\n"
    jobs.add("delayed", "plain", every(minutes=5, after="finish"))
    JobClock.objects.filter(job__name="delayed").update(next_run_at=None, next_occurrence=None)
    assert say("next", "delayed").startswith("Nothing yet: the next run of delayed")
    assert say("next") == "Nothing is scheduled.\nNot planned: 1 broken, 1 ended, 2 paused.\n"
