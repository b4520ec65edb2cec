"""Pause, resume, run now, bring forward, stop: who may, what is logged, what goes wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_scheduler import jobs, registry
from django_scheduler.models import Job, Run
from tests.faces.admin_rows import NOW, make_job, make_run, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]

LIST = "admin:django_scheduler_job_changelist"
ORDERS = ("trigger", "pause", "resume", "resume_catching_up", "bring_forward", "skip_next")
NEEDS = {"resume_catching_up": "resume"}
GIVEN = {
    "pause": {"reason": "maintenance"},
    "bring_forward": {"within": "1m"},
    "resume_catching_up": {"mode": "all"},
}
USERS = ("superuser", "view", "trigger", "pause", "resume", "bring_forward", "skip_next", "change")


def _sign_in(client, who: str) -> None:
    codenames = {"view": [], "change": ["change_job"]}.get(who, [f"{who}_job"])
    if who == "superuser":
        user = staff("boss")
        user.is_superuser = True
        user.save()
    else:
        user = staff(who, "view_job", *codenames)
    client.force_login(user)


def _job_for(order: str) -> Job:
    job = make_job("nightly", "0 3 * * *")
    return jobs.pause(job, "before") if order.startswith("resume") else job


def _obeyed(order: str) -> bool:
    job = jobs.get("nightly")
    return {
        "trigger": Run.objects.filter(trigger="manual").exists(),
        "pause": job.state == "paused",
        "resume": job.state == "active",
        "resume_catching_up": job.state == "active" and job.clock.catch_up == "all",
        "skip_next": Run.objects.filter(status="skipped", reason="asked").exists(),
        "bring_forward": job.next_run_at == NOW + timedelta(minutes=1),
    }[order]


@pytest.mark.parametrize("who", USERS)
@pytest.mark.parametrize("order", ORDERS)
def test_button_on_the_page_needs_its_own_permission(client, order, who):
    """A5: checked on the server, hidden without it, and written to the log."""
    _sign_in(client, who)
    job = _job_for(order)
    may = who in ("superuser", NEEDS.get(order, order))
    url = reverse(f"admin:django_scheduler_job_{order}", args=[job.pk])
    page = client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    assert (url in page.content.decode()) is may
    answer = client.post(url, GIVEN.get(order, {}))
    assert answer.status_code == (302 if may else 403)
    assert _obeyed(order) is may
    assert LogEntry.objects.count() == (1 if may else 0)


@pytest.mark.parametrize("who", USERS)
@pytest.mark.parametrize("order", ORDERS)
def test_action_of_the_list_needs_its_own_permission(client, order, who):
    """A5"""
    _sign_in(client, who)
    job = _job_for(order)
    may = who in ("superuser", NEEDS.get(order, order))
    action = f"{order}_selected"
    assert (f'value="{action}"' in client.get(reverse(LIST)).content.decode()) is may
    given = {"action": action, "_selected_action": [job.pk], "apply": "1"}
    client.post(reverse(LIST), {**given, **GIVEN.get(order, {})})
    assert _obeyed(order) is may
    assert LogEntry.objects.count() == (1 if may else 0)


@pytest.mark.parametrize("order", ORDERS)
def test_permission_to_order_is_none_to_look(client, order):
    user = staff("blind", f"{NEEDS.get(order, order)}_job")
    client.force_login(user)
    job = _job_for(order)
    url = reverse(f"admin:django_scheduler_job_{order}", args=[job.pk])
    assert client.post(url, GIVEN.get(order, {})).status_code == 403
    assert not _obeyed(order)


@pytest.mark.parametrize("order", ORDERS)
def test_looking_at_an_order_changes_nothing(admin_client, order):
    job = _job_for(order)
    answer = admin_client.get(reverse(f"admin:django_scheduler_job_{order}", args=[job.pk]))
    assert answer.status_code == 200
    assert "nightly" in answer.content.decode()
    assert not _obeyed(order)


@pytest.mark.parametrize("order", ORDERS)
def test_order_without_csrf_token_is_refused(admin_user, order):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    job = _job_for(order)
    url = reverse(f"admin:django_scheduler_job_{order}", args=[job.pk])
    assert client.post(url, GIVEN.get(order, {})).status_code == 403
    assert not _obeyed(order)


def test_order_on_a_job_that_is_gone_is_not_found(admin_client):
    url = reverse("admin:django_scheduler_job_trigger", args=[99])
    assert admin_client.post(url).status_code == 404


def test_pause_keeps_reason_person_and_end(admin_client):
    """C1"""
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_pause", args=[job.pk])
    admin_client.post(url, {"reason": "year's end", "until": "2026-03-12T08:00:00"})
    job = jobs.get("nightly")
    assert (job.pause_reason, job.paused_by) == ("year's end", "admin")
    assert job.paused_until == NOW.replace(day=12, hour=8, minute=0, second=0)
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    assert "year&#x27;s end, by admin" in page.content.decode()
    assert LogEntry.objects.get().change_message == (
        "Paused until 2026-03-12 08:00:00 UTC: year's end"
    )


@pytest.mark.parametrize(
    "given", [{"reason": ""}, {"reason": "x", "until": "2026-03-10T14:00:00"}, {"until": "soon"}]
)
def test_pause_without_reason_or_until_the_past_is_asked_again(admin_client, given):
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_pause", args=[job.pk])
    answer = admin_client.post(url, given)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert jobs.get("nightly").state == "active"


def test_pause_of_several_asks_once_and_keeps_the_choice(admin_client):
    chosen = [make_job("one").pk, make_job("two").pk]
    make_job("three")
    given = {"action": "pause_selected", "_selected_action": chosen}
    asked = admin_client.post(reverse(LIST), given)
    page = asked.content.decode()
    assert all(f'name="_selected_action" value="{pk}"' in page for pk in chosen)
    done = admin_client.post(reverse(LIST), {**given, "apply": "1", "reason": "audit"}, follow=True)
    assert "2 jobs were paused." in done.content.decode()
    assert set(jobs.all(state="paused").values_list("name", flat=True)) == {"one", "two"}


def test_one_job_that_fails_does_not_stop_the_others(admin_client):
    """An action goes on after one fails and says which failed and why."""
    jobs.pause(make_job("a-paused"), "before")
    for name in ("b", "c"):
        make_job(name)
    given = {
        "action": "pause_selected",
        "_selected_action": list(jobs.all().values_list("pk", flat=True)),
        "apply": "1",
        "reason": "audit",
    }
    page = admin_client.post(reverse(LIST), given, follow=True).content.decode()
    assert "2 jobs were paused." in page
    assert "<b>a-paused</b>: &#x27;a-paused&#x27; is paused; only a job that is active" in page
    assert jobs.get("a-paused").pause_reason == "before"
    assert LogEntry.objects.count() == 2


def test_run_now_that_was_skipped_says_so(admin_client):
    """T3, T6: the job is running and allows no other."""
    job = make_job("nightly")
    make_run(job, "running")
    url = reverse("admin:django_scheduler_job_trigger", args=[job.pk])
    page = admin_client.post(url, follow=True).content.decode()
    assert "Asked to run now, but skipped (overlap)" in page
    assert "1 job was asked to run now." not in page
    assert "skipped (overlap)" in LogEntry.objects.get().change_message


def test_a_skipped_run_is_named_with_the_one_that_comes_next(admin_client):
    """On the clock of the job's zone; of several jobs only how many."""
    job = make_job("nightly", "0 3 * * *", timezone="Europe/Paris")
    url = reverse("admin:django_scheduler_job_skip_next", args=[job.pk])
    page = admin_client.post(url, follow=True).content.decode().replace("\xa0", " ")
    assert "Skipped Wed 11 Mar, 03:00 CET; next Thu 12 Mar, 03:00 CET. <a href=" in page
    make_job("other")
    given = {
        "action": "skip_next_selected",
        "_selected_action": list(jobs.all().values_list("pk", flat=True)),
    }
    page = admin_client.post(reverse(LIST), given, follow=True).content.decode()
    assert "The next run of 2 jobs was skipped." in page


def test_a_skipped_run_without_another_one_says_so(admin_client):
    job = make_job("once", "@at 2026-03-11T09:00:00Z")
    url = reverse("admin:django_scheduler_job_skip_next", args=[job.pk])
    page = admin_client.post(url, follow=True).content.decode().replace("\xa0", " ")
    assert "Skipped Wed 11 Mar, 09:00 UTC; no further one is planned." in page


def test_run_now_leads_to_the_run(admin_client):
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_trigger", args=[job.pk])
    page = admin_client.post(url, follow=True).content.decode()
    to_run = reverse("admin:django_scheduler_run_change", args=[Run.objects.get().pk])
    assert f'1 job was asked to run now. <a href="{to_run}">' in page


def test_run_now_shows_no_way_to_a_run_the_user_may_not_see(client):
    client.force_login(staff("operator", "view_job", "trigger_job"))
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_trigger", args=[job.pk])
    page = client.post(url, follow=True).content.decode()
    assert "1 job was asked to run now." in page
    assert f"/run/{Run.objects.get().pk}/" not in page


def test_page_of_an_order_leads_back(admin_client):
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_pause", args=[job.pk])
    back = reverse("admin:django_scheduler_job_change", args=[job.pk])
    link = '<a class="closelink" href="{}">No, take me back</a>'
    page = admin_client.get(url).content.decode()
    assert link.format(back) in page
    assert '<label for="id_reason" class="required">' in page
    given = {"action": "pause_selected", "_selected_action": [job.pk]}
    assert link.format(reverse(LIST)) in admin_client.post(reverse(LIST), given).content.decode()


def test_run_now_that_waits_says_so(admin_client):
    job = make_job("nightly", overlap="queue")
    make_run(job, "running")
    admin_client.post(reverse("admin:django_scheduler_job_trigger", args=[job.pk]))
    assert "waits until the active run has ended" in LogEntry.objects.get().change_message


def test_run_now_of_an_unknown_function_is_a_message(admin_client):
    """T9: never a server error."""
    registry.register(registry.Definition("short-lived", lambda: None))
    job = jobs.add("orphan", "short-lived")
    registry.unregister("short-lived")
    url = reverse("admin:django_scheduler_job_trigger", args=[job.pk])
    page = admin_client.post(url, follow=True)
    assert "No function is registered as" in page.content.decode()
    assert not Run.objects.exists()
    assert not LogEntry.objects.exists()


def test_run_now_of_a_paused_job_is_allowed(admin_client):
    job = jobs.pause(make_job("nightly"), "because")
    admin_client.post(reverse("admin:django_scheduler_job_trigger", args=[job.pk]))
    assert Run.objects.get().status == "queued"


def test_many_failures_are_told_in_a_few_messages(admin_client):
    for n in range(14):
        make_job(f"job-{n:02}")
    given = {
        "action": "resume_selected",
        "_selected_action": list(jobs.all().values_list("pk", flat=True)),
    }
    page = admin_client.post(reverse(LIST), given, follow=True).content.decode()
    assert page.count("only a job that is paused") == 10
    assert "And 4 more." in page
