"""The list of jobs: what a row says, what it costs, and that no row can break it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_scheduler import jobs
from django_scheduler.models import Job
from tests.faces.admin_rows import NOW, SECOND, make_job, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]

LIST = "admin:django_scheduler_job_changelist"


def _page(client, **query) -> str:
    answer = client.get(reverse(LIST), query)
    assert answer.status_code == 200
    return answer.content.decode().replace("\xa0", " ")


def _queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        _page(client)
    return len(captured)


def test_row_shows_schedule_in_words_and_next_run(admin_client):
    """A1"""
    make_job("nightly", "0 9 * * 1-5", timezone="Europe/Paris")
    page = _page(admin_client)
    assert 'title="0 9 * * 1-5">At 09:00, Monday through Friday, Europe/Paris' in page
    assert "in 17 hours" in page
    assert "2026-03-11 08:00:00 UTC" in page


def test_row_leaves_what_daylight_saving_does_to_the_page(admin_client):
    job = make_job("nightly", "30 2 * * *", timezone="Europe/Paris")
    page = _page(admin_client)
    assert ">At 02:30, every day, Europe/Paris</span>" in page
    assert "does not exist" not in page
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    assert "when 02:30 does not exist, at 03:00" in admin_client.get(url).content.decode()


def test_row_shows_recent_outcomes_with_what_each_was(admin_client):
    row = make_job("nightly")
    make_run(row, "succeeded", NOW - 60 * SECOND)
    make_run(row, "failed", NOW - 30 * SECOND, reason="exception")
    page = _page(admin_client)
    assert 'aria-label="Last runs: 1 succeeded, 1 failed"' in page
    assert "2026-03-10 14:02:50 UTC failed (exception) 3.0 s" in page


def test_number_of_queries_does_not_grow_with_the_number_of_jobs(admin_client):
    """A6: 5 jobs and 50 jobs cost the same."""
    for n in range(5):
        make_run(make_job(f"job-{n}"), "succeeded")
    _page(admin_client)
    few = _queries(admin_client)
    for n in range(5, 50):
        make_run(make_job(f"job-{n}"), "succeeded")
    assert _queries(admin_client) == few


@pytest.mark.parametrize(
    ("field", "value"),
    [("schedule", "61 * * * *"), ("schedule", "@nonsense"), ("timezone", "Mars/Olympus")],
)
def test_row_that_cannot_be_read_shows_its_error(admin_client, field, value):
    """T10: one poisonous row does not take the page down."""
    make_job("good")
    Job.objects.filter(pk=make_job("bad").pk).update(**{field: value})
    page = _page(admin_client)
    assert "sched-unreadable" in page
    assert "good" in page
    bad = jobs.get("bad")
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[bad.pk]))
    assert "sched-unreadable" in page.content.decode()


def test_job_without_a_clock_is_still_shown(admin_client):
    job = make_job("no-clock")
    job.clock.delete()
    assert "no-clock" in _page(admin_client)
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    assert page.status_code == 200


def test_names_and_reasons_are_never_taken_for_markup(admin_client):
    attack = '<script>alert("x")</script>'
    job = make_job(attack, description=attack)
    make_run(job, "failed", reason=attack, error=attack, traceback=attack, log=attack)
    jobs.pause(job, attack, by=attack)
    for path in (
        reverse(LIST),
        reverse("admin:django_scheduler_job_change", args=[job.pk]),
        reverse("admin:django_scheduler_job_resume", args=[job.pk]),
        reverse("admin:django_scheduler_run_changelist"),
        reverse("admin:django_scheduler_run_change", args=[job.runs.get().pk]),
    ):
        page = admin_client.get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_longest_name_is_shown_whole(admin_client):
    name = "n" * 200
    make_job(name)
    assert name in _page(admin_client)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"state__exact": "paused"}, {"paused"}),
        ({"last_status__exact": "failed"}, {"failing"}),
        ({"executor": "default"}, {"paused", "failing", "tagged"}),
        ({"executor": "elsewhere"}, set()),
        ({"q": "agg"}, {"tagged"}),
    ],
)
def test_filters_and_search_narrow_the_list(admin_client, query, shown):
    make_job("tagged", tags=["billing"])
    failing = make_job("failing")
    Job.objects.filter(pk=failing.pk).update(last_status="failed")
    jobs.pause(make_job("paused"), "because")
    rows = admin_client.get(reverse(LIST), query).context["cl"].result_list
    assert {row.name for row in rows} == shown


def test_filter_by_tag(admin_client):
    tagged = make_job("tagged", tags=["billing"])
    make_job("other", tags=["shop"])
    tag = tagged.tags.get()
    rows = admin_client.get(reverse(LIST), {"tags__id__exact": tag.pk}).context["cl"].result_list
    assert [row.name for row in rows] == ["tagged"]


def test_removed_job_that_waits_for_its_last_run_is_not_listed(admin_client):
    job = make_job("going")
    make_run(job, "running")
    jobs.remove(job, running="leave")
    assert Job.objects.filter(name="going").exists()
    assert "going" not in _page(admin_client)


def test_list_says_that_everything_is_paused(admin_client):
    make_job("any")
    jobs.pause_all("Moving the database", by="anna")
    page = _page(admin_client)
    assert "Everything is paused:" in page
    assert "Moving the database" in page


def test_next_run_is_shown_in_the_viewers_zone(admin_client, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    make_job("soon", "@every 1h", timezone="UTC")
    assert "00:03 JST" in _page(admin_client)


def test_overdue_job_says_how_long(admin_client):
    job = make_job("late")
    job.clock.next_run_at = NOW - timedelta(minutes=2)
    job.clock.save()
    assert "2 minutes ago" in _page(admin_client)
