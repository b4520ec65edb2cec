"""Stop and run again on the page of a run: who may, what is logged, what is refused."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_scheduler import jobs
from django_scheduler.models import Run
from tests.faces.admin_rows import make_job, make_run, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]


@pytest.mark.parametrize("who", ["stop", "view"])
def test_stop_needs_its_own_permission(client, who):
    """C3, A5"""
    user = staff(who, "view_run", *(["stop_run"] if who == "stop" else []))
    client.force_login(user)
    run = make_run(make_job("nightly"), "running")
    url = reverse("admin:django_scheduler_run_stop", args=[run.pk])
    page = client.get(reverse("admin:django_scheduler_run_change", args=[run.pk]))
    assert (url in page.content.decode()) is (who == "stop")
    answer = client.post(url, {"reason": "wrong file"})
    run.refresh_from_db()
    assert answer.status_code == (302 if who == "stop" else 403)
    assert (run.stop_requested_at is not None) is (who == "stop")
    logged = [entry.change_message for entry in LogEntry.objects.all()]
    assert logged == (["Asked to stop: wrong file"] if who == "stop" else [])


def test_stop_of_a_waiting_run_ends_it_at_once(admin_client):
    run = make_run(make_job("nightly"), "queued")
    url = reverse("admin:django_scheduler_run_stop", args=[run.pk])
    page = admin_client.post(url, follow=True).content.decode()
    assert "The run is stopped." in page
    run.refresh_from_db()
    assert run.status == "stopped"


def test_stop_of_a_run_that_is_over_is_a_message(admin_client):
    run = make_run(make_job("nightly"), "succeeded")
    url = reverse("admin:django_scheduler_run_stop", args=[run.pk])
    page = admin_client.post(url, follow=True).content.decode()
    assert "only an open run can be stopped" in page
    assert not LogEntry.objects.exists()
    assert admin_client.get(url).status_code == 200


def again_url(run):
    return reverse("admin:django_scheduler_run_retry", args=[run.pk])


@pytest.mark.parametrize("who", ["retry", "view"])
def test_run_again_needs_its_own_permission(client, who):
    """C6, A5"""
    client.force_login(staff(who, "view_run", *(["retry_run"] if who == "retry" else [])))
    run = make_run(make_job("nightly"), "failed")
    page = client.get(reverse("admin:django_scheduler_run_change", args=[run.pk]))
    assert (again_url(run) in page.content.decode()) is (who == "retry")
    answer = client.post(again_url(run), {"args": "[]", "kwargs": "{}"})
    assert answer.status_code == (302 if who == "retry" else 403)
    assert Run.objects.count() == (2 if who == "retry" else 1)


def test_run_again_unchanged_is_another_attempt(admin_client):
    run = make_run(make_job("nightly"), "failed")
    form = admin_client.get(again_url(run)).content.decode()
    assert "Run again" in form and Run.objects.count() == 1
    answer = admin_client.post(again_url(run), {"args": "[]", "kwargs": "{}"}, follow=True)
    new = Run.objects.exclude(pk=run.pk).get()
    assert (new.key, new.attempt, new.trigger) == (run.key, 2, "retry")
    assert answer.redirect_chain[-1][0].endswith(f"{new.pk}/change/")
    assert "This is the new run." in answer.content.decode()
    assert LogEntry.objects.get().change_message == f"Run again: run {new.pk}"


def test_run_again_with_other_arguments_is_a_run_of_its_own(admin_client):
    run = make_run(jobs.add("work-on", "work"), "succeeded")
    admin_client.post(again_url(run), {"args": "", "kwargs": '{"colour": "red"}'})
    assert Run.objects.count() == 1, "they do not fit the function"
    admin_client.post(again_url(run), {"args": "nonsense", "kwargs": "{}"})
    assert Run.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_run_again_that_waits_says_so(admin_client):
    job = make_job("nightly")
    run = make_run(job, "failed")
    make_run(job, "running")
    answer = admin_client.post(again_url(run), {"args": "[]", "kwargs": "{}"}, follow=True)
    assert "it waits until the active run has ended" in answer.content.decode()


@pytest.mark.parametrize("status", ["running", "queued"])
def test_run_again_of_what_is_not_over_is_refused_on_the_form(admin_client, status):
    run = make_run(make_job("nightly"), status)
    page = admin_client.get(reverse("admin:django_scheduler_run_change", args=[run.pk]))
    assert again_url(run) not in page.content.decode()
    answer = admin_client.post(again_url(run), {"args": "[]", "kwargs": "{}"})
    assert "only a run that is over" in answer.content.decode()
    assert Run.objects.count() == 1


def test_a_run_of_a_removed_job_offers_no_way_to_run_it_again(admin_client):
    run = make_run(make_job("nightly"), "failed")
    jobs.remove("nightly")
    page = admin_client.get(reverse("admin:django_scheduler_run_change", args=[run.pk]))
    assert again_url(run) not in page.content.decode()


def order_url(name, run):
    return reverse(f"admin:django_scheduler_run_{name}", args=[run.pk])


@pytest.mark.parametrize("who", ["pause", "view"])
def test_pausing_and_resuming_need_their_own_permission(client, who):
    """C2, A5"""
    may = who == "pause"
    client.force_login(staff(who, "view_run", *(["pause_run"] if may else [])))
    run = make_run(make_job("nightly"), "running")
    page_url = reverse("admin:django_scheduler_run_change", args=[run.pk])
    assert (order_url("pause", run) in client.get(page_url).content.decode()) is may
    assert client.post(order_url("pause", run)).status_code == (302 if may else 403)
    run.refresh_from_db()
    assert (run.pause_requested_at is not None) is may
    assert (order_url("resume", run) in client.get(page_url).content.decode()) is may
    assert client.post(order_url("resume", run)).status_code == (302 if may else 403)
    run.refresh_from_db()
    assert run.pause_requested_at is None
    logged = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert logged == (["Asked to pause", "Resumed"] if may else [])


def test_an_order_that_is_only_looked_at_asks_and_changes_nothing(admin_client):
    run = make_run(make_job("nightly"), "running")
    page = admin_client.get(order_url("pause", run)).content.decode()
    assert "Pause run" in page
    run.refresh_from_db()
    assert run.pause_requested_at is None


def test_an_order_that_is_not_to_be_had_is_a_message(admin_client):
    run = make_run(make_job("nightly"), "queued")
    page = admin_client.post(order_url("pause", run), follow=True).content.decode()
    assert "stop it, or pause its job" in page
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("status", "fields", "said"),
    [
        ("running", {"reason": "pause_not_seen"}, "reached no checkpoint in time, and goes on"),
        ("paused", {}, "It holds at a checkpoint until it is resumed or stopped"),
    ],
)
def test_the_page_says_what_became_of_a_pause(admin_client, status, fields, said):
    run = make_run(make_job("nightly"), status)
    Run.objects.filter(pk=run.pk).update(**fields)
    url = reverse("admin:django_scheduler_run_change", args=[run.pk])
    assert said in admin_client.get(url).content.decode()
