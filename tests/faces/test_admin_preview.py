"""A schedule looked at before it is saved, and edits that somebody has to confirm."""

from __future__ import annotations

from datetime import datetime, timezone
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_scheduler import jobs
from django_scheduler.admin.preview import job_notices
from django_scheduler.models import Job
from django_scheduler.schedules import Schedule, kinds
from tests.faces.admin_rows import make_job, make_run, staff
from tests.faces.test_admin_job_form import ADD, _edit, _errors, _input, _opened

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]

TODAY = datetime(2026, 3, 10, 3, tzinfo=timezone.utc)
"""The occurrence of `0 3 * * *` on the day of the standing clock, whose time is 14:03."""


def _job_that_ran_today(**fields: Any) -> Job:
    job = make_job("nightly", "0 3 * * *", **fields)
    make_run(job, "succeeded", scheduled_for=TODAY)
    return job


def _shown(answer) -> Any:
    assert answer.status_code == 200
    return answer.context["preview"]


def _page(answer) -> str:
    return unescape(answer.content.decode()).replace("\xa0", " ")


def test_a_new_job_is_looked_at_and_not_saved(admin_client):
    """S13: words, text, times in each zone, what DST will do."""
    given = _input(schedule="30  2 * * *", timezone="Europe/Paris", _preview="Preview")
    answer = admin_client.post(reverse(ADD), given)
    preview = _shown(answer)
    assert preview["spec"] == "30 2 * * *"
    assert preview["times"]["zones"] == ["Europe/Paris", "UTC"]
    assert [len(preview["times"][part]) for part in ("next", "previous")] == [5, 3]
    page = _page(answer)
    assert '<th scope="col">Europe/<wbr>Paris</th><th scope="col">UTC</th>' in page
    assert "At 02:30, every day, Europe/Paris; when 02:30 does not exist, at 03:00" in page
    assert "<td>Wed 11 Mar, 02:30 CET</td><td>Wed 11 Mar, 01:30 UTC</td>" in page
    assert "<td>Tue 10 Mar, 02:30 CET</td><td>Tue 10 Mar, 01:30 UTC</td>" in page
    assert "<li>2026-03-29: 02:30 does not exist, so it runs at 03:00</li>" in page
    assert "Nothing has been saved." in page
    assert 'value="30  2 * * *"' in page
    assert not _errors(answer)
    assert not Job.objects.exists()


def test_an_edit_is_looked_at_and_not_saved(admin_client):
    job = _job_that_ran_today()
    answer = _edit(admin_client, job, schedule="0 15 * * *", description="x", _preview="Preview")
    preview = _shown(answer)
    assert preview["times"]["next"][0]["texts"][0].replace("\xa0", " ") == "Tue 10 Mar, 15:00 UTC"
    assert preview["notices"] == [
        "It has run for 2026-03-10 03:00 and would run again the same day, at 2026-03-10 15:00 "
        "(UTC)."
    ]
    assert preview["again"] == ""
    assert "Save anyway" not in _page(answer)
    job.refresh_from_db()
    assert (job.schedule, job.description) == ("0 3 * * *", "")
    assert not LogEntry.objects.exists()


def test_a_window_and_a_number_of_runs_bound_what_is_shown(admin_client):
    bounded = _input(schedule="@hourly", end_at="2026-03-10T16:00:00", _preview="1")
    assert len(_shown(admin_client.post(reverse(ADD), bounded))["times"]["next"]) == 2
    few = _input(schedule="@hourly", max_runs="3", _preview="1")
    assert len(_shown(admin_client.post(reverse(ADD), few))["times"]["next"]) == 3
    later = _input(schedule="0 3 * * *", start_at="2026-04-01T00:00:00", _preview="1")
    first = _shown(admin_client.post(reverse(ADD), later))["times"]["next"][0]
    assert first["texts"][0].replace("\xa0", " ") == "Wed 1 Apr, 03:00 UTC"


@pytest.mark.parametrize(
    ("schedule", "count"),
    [("@every 10m after finish", 1), ("@manual", 0), ("@at 2026-03-10T15:00:00Z", 1)],
)
def test_schedules_with_little_ahead_are_shown_as_well(admin_client, schedule, count):
    answer = admin_client.post(reverse(ADD), _input(schedule=schedule, _preview="1"))
    assert len(_shown(answer)["times"]["next"]) == count
    assert ("The ones after depend" in _page(answer)) == ("finish" in schedule)


def test_errors_stay_at_their_fields(admin_client):
    wrong = _input(schedule="61 * * * *", kwargs="region", _preview="1")
    answer = admin_client.post(reverse(ADD), wrong)
    assert _shown(answer) is None
    assert {"schedule", "kwargs"} == set(_errors(answer))
    half = _input(schedule="@hourly", kwargs="region", _preview="1")
    answer = admin_client.post(reverse(ADD), half)
    assert _shown(answer)["spec"] == "@hourly"
    assert set(_errors(answer)) == {"kwargs"}


def test_an_error_is_told_above_what_the_job_is_doing(admin_client):
    """Once: below the panel, whose height is a screen's, nobody would see it."""
    job = make_job("nightly")
    page = _edit(admin_client, job, schedule="61 * * * *").content.decode()
    assert page.count('class="errornote"') == 1
    assert page.index("Please correct the error below.") < page.index('id="sched-now"')
    stale = _edit(admin_client, job, description="mine", seen_version="").content.decode()
    assert stale.count("look at it again") == 1
    assert stale.index("look at it again") < stale.index('id="sched-now"')


def test_a_kind_that_cannot_show_itself_spoils_no_page(admin_client, monkeypatch):
    class Odd(Schedule):
        def next_after(self, instant):
            raise RuntimeError("the tide is out")

        def __str__(self):
            return "@odd"

    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, "@odd": lambda rest: Odd()})
    job = make_job("nightly")
    Job.objects.filter(pk=job.pk).update(schedule="@odd")
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    assert page.status_code == 200
    assert page.context["panel"]["times"]["previous"] == []
    assert _shown(admin_client.post(reverse(ADD), _input(schedule="@odd", _preview="1"))) is None
    job.schedule = "@odd"
    assert job_notices(job, ["schedule"], TODAY) == []
    kinds._parse.cache_clear()


def test_a_save_that_would_repeat_today_asks_first(admin_client):
    """§4: shown before saving; saved once it is confirmed."""
    job = _job_that_ran_today()
    answer = _edit(admin_client, job, schedule="0 15 * * *")
    preview = _shown(answer)
    assert preview["again"] == "_save"
    page = _page(answer)
    assert "It has run for 2026-03-10 03:00 and would run again the same day" in page
    assert '<button type="submit" form="job_form" name="_save"' in page
    change = reverse("admin:django_scheduler_job_change", args=[job.pk])
    assert f'<a class="sched-discard" href="{change}">Discard</a>' in page
    assert f'<input type="hidden" name="confirmed" value="{preview["confirmed"]}">' in page
    assert not _errors(answer)
    assert jobs.get("nightly").schedule == "0 3 * * *"
    answer = _edit(
        admin_client, job, schedule="0 15 * * *", confirmed=preview["confirmed"], _save="1"
    )
    assert answer.status_code == 302
    assert jobs.get("nightly").schedule == "0 15 * * *"
    (entry,) = LogEntry.objects.all()
    assert "Schedule" in entry.get_change_message()
    assert "onfirm" not in entry.get_change_message()


def test_a_save_that_would_leave_today_out_asks_first(admin_client):
    job = make_job("nightly", "0 18 * * *")
    make_run(job, "succeeded", scheduled_for=datetime(2026, 3, 9, 18, tzinfo=timezone.utc))
    answer = _edit(admin_client, job, schedule="0 9 * * *", _continue="1")
    assert _shown(answer)["again"] == "_continue"
    assert _shown(answer)["notices"] == [
        "The run of 2026-03-10 18:00 would not take place; the next one would be at "
        "2026-03-11 09:00 (UTC)."
    ]


def test_a_new_job_corrected_right_away_is_told_that_today_is_left_out(admin_client):
    """Nine has been before the job was there: today's run is lost all the same."""
    job = make_job("nightly", "0 18 * * *")
    assert _shown(_edit(admin_client, job, schedule="0 9 * * *"))["notices"] == [
        "The run of 2026-03-10 18:00 would not take place; the next one would be at "
        "2026-03-11 09:00 (UTC)."
    ]


def test_a_run_that_was_skipped_by_hand_is_not_left_out_again(admin_client):
    job = make_job("nightly", "0 18 * * *")
    jobs.skip_next(job)
    job.refresh_from_db()
    assert _edit(admin_client, job, schedule="0 9 * * *").status_code == 302


def test_an_instant_that_has_passed_asks_before_the_job_runs_at_once(admin_client):
    """A once in the past runs once, now: its time is told as that, and not as past as well."""
    job = make_job("nightly", "0 3 * * *")
    past = "@at 2026-03-09T12:00:00+00:00"
    for given in ({"_preview": "1"}, {}):
        preview = _shown(_edit(admin_client, job, schedule=past, **given))
        assert preview["notices"] == [
            "2026-03-09 12:00 (UTC) has passed: saved like this, the job runs at once, and never "
            "again."
        ]
        assert [row["relative"] for row in preview["times"]["next"]] == ["at once"]
        assert preview["times"]["previous"] == []
    assert jobs.get("nightly").schedule == "0 3 * * *"
    confirmed = _edit(admin_client, job, schedule=past, confirmed=preview["confirmed"])
    assert confirmed.status_code == 302
    assert jobs.get("nightly").next_run_at == datetime(2026, 3, 9, 12, tzinfo=timezone.utc)


def test_another_surprise_than_the_confirmed_one_asks_again(admin_client):
    job = _job_that_ran_today()
    confirmed = _shown(_edit(admin_client, job, schedule="0 15 * * *"))["confirmed"]
    answer = _edit(admin_client, job, schedule="0 16 * * *", confirmed=confirmed)
    assert "2026-03-10 16:00" in _shown(answer)["notices"][0]


def test_an_edit_that_ends_a_job_asks_first(admin_client):
    job = make_job("nightly")
    Job.objects.filter(pk=job.pk).update(start_at=datetime(2026, 1, 1, tzinfo=timezone.utc))
    job.refresh_from_db()
    answer = _edit(admin_client, job, end_at="2026-03-01T00:00:00")
    assert _shown(answer)["notices"] == ["It would never run again: no occurrence lies ahead."]


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "x"},
        {"schedule": "0 4 * * *"},
        {"schedule": "@hourly"},
        {"schedule": "@manual"},
    ],
    ids=["no timing", "tomorrow", "often", "on demand"],
)
def test_an_edit_without_surprises_is_saved_at_once(admin_client, changed):
    assert _edit(admin_client, _job_that_ran_today(), **changed).status_code == 302


def test_a_run_that_was_left_out_or_asked_for_is_no_days_run(admin_client):
    """Overlap left the occurrence out, somebody triggered the job: the day's run is still due."""
    job = make_job("nightly", "0 3 * * *")
    make_run(job, "skipped", scheduled_for=TODAY)
    make_run(job, "succeeded", scheduled_for=TODAY, trigger="manual")
    assert _edit(admin_client, job, schedule="0 15 * * *").status_code == 302


def test_a_paused_job_has_no_runs_to_repeat(admin_client):
    job = _job_that_ran_today()
    jobs.pause(job)
    assert _edit(admin_client, jobs.get("nightly"), schedule="0 15 * * *").status_code == 302


def test_a_job_whose_schedule_cannot_be_read_is_mended_at_once(admin_client):
    job = _job_that_ran_today()
    Job.objects.filter(pk=job.pk).update(schedule="61 * * * *", state="broken", error="no")
    job.refresh_from_db()
    assert _edit(admin_client, job, schedule="0 15 * * *").status_code == 302


def test_the_page_of_a_job_shows_past_and_warnings_too(admin_client):
    job = make_job("nightly", "30 2 * * *", timezone="Europe/Paris")
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    times = page.context["panel"]["times"]
    assert len(times["previous"]) == 3
    assert times["warnings"][0] == "2026-03-29: 02:30 does not exist, so it runs at 03:00"
    assert 'name="_preview"' in page.content.decode()


def test_who_may_only_look_has_nothing_to_preview(client):
    client.force_login(staff("viewer", "view_job"))
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    assert 'name="_preview"' not in client.get(url).content.decode()
    assert client.post(url, _input(_preview="1")).status_code == 403


def test_a_preview_by_two_editors_saves_nothing_and_hides_no_conflict(admin_client):
    job = _job_that_ran_today()
    given = _opened(admin_client, job)
    jobs.update("nightly", description="theirs")
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    assert _shown(admin_client.post(url, {**given, "_preview": "1"})) is not None
    answer = admin_client.post(url, {**given, "description": "mine"})
    assert "look at it again" in _errors(answer)["__all__"]
