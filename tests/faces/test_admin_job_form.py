"""Adding, editing and deleting a job: all of it through the facade, no bad input is stored."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from django_scheduler import jobs
from django_scheduler.exceptions import JobAlreadyExists
from django_scheduler.models import Job, Run
from tests.faces.admin_rows import make_job, make_run, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]

ADD = "admin:django_scheduler_job_add"
LIST = "admin:django_scheduler_job_changelist"


def _input(**changed: Any) -> dict[str, Any]:
    """What the form of a new job sends when nothing but the basics is filled in."""
    given = {
        "name": "nightly",
        "function": "work",
        "schedule": "0 3 * * *",
        "timezone": "UTC",
        "args": "[]",
        "kwargs": "{}",
        "metadata": "{}",
        "executor": "default",
        "priority": "0",
        "on_lost": "retry",
        "overlap": "skip",
        "buffer_limit": "10",
        "catch_up": "latest",
    }
    return {**given, **changed}


def _edit(client, job: Job, **changed: Any) -> Any:
    """Open the job's page and send it back as a browser would, with some inputs changed."""
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    return client.post(url, {**_opened(client, job), **changed})


def _opened(client, job: Job) -> dict[str, Any]:
    """What the inputs of the job's page hold when it is opened."""
    page = client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if v is None else v for name, v in values.items() if v is not False}


def _errors(answer) -> dict[str, str]:
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    return {field: " ".join(texts) for field, texts in errors.items()}


def test_job_is_added_with_everything_given(admin_client):
    """A1, J4"""
    given = _input(
        schedule="@every 1h30m",
        timezone="Europe/Paris",
        kwargs='{"region": "eu"}',
        tags="shop, nightly, shop",
        timeout="1h30m",
        stall_timeout="90",
        misfire_grace="00:10:00",
        retry="3",
        start_at="2026-04-01T08:00:00",
        metadata='{"owner": "anna"}',
    )
    answer = admin_client.post(reverse(ADD), given)
    assert answer.status_code == 302
    job = jobs.get("nightly")
    assert job.kwargs == {"region": "eu"}
    assert sorted(tag.name for tag in job.tags.all()) == ["nightly", "shop"]
    assert job.timeout == timedelta(hours=1, minutes=30)
    assert job.stall_timeout == timedelta(seconds=90)
    assert job.misfire_grace == timedelta(minutes=10)
    assert job.retry["max_attempts"] == 3
    assert job.start_at == datetime(2026, 4, 1, 8, tzinfo=timezone.utc)
    assert job.next_run_at is not None
    assert LogEntry.objects.get().object_id == str(job.pk)


@pytest.mark.parametrize(
    ("changed", "field", "remedy"),
    [
        ({"schedule": "61 * * * *"}, "schedule", "0-59"),
        ({"schedule": "0 0 30 2 *"}, "schedule", "never"),
        ({"schedule": "@every 0s"}, "schedule", ""),
        ({"schedule": "@sometimes"}, "schedule", "use @every"),
        ({"schedule": ""}, "schedule", "required"),
        ({"timezone": "Mars/Olympus"}, "timezone", "Europe/Paris"),
        ({"name": ""}, "name", "required"),
        ({"name": "taken"}, "name", "already exists"),
        ({"name": "n" * 201}, "name", "200"),
        ({"function": "unheard.of"}, "function", "choose one from the list"),
        ({"function": "command:flush"}, "function", "choose one from the list"),
        ({"kwargs": '{"colour": 1}'}, "kwargs", "unexpected keyword"),
        ({"args": "[1, 2, 3]"}, "args", "too many positional"),
        ({"args": '{"a": 1}'}, "args", "must be a list"),
        ({"args": "0"}, "args", "must be a list"),
        ({"args": '["\\ud800"]'}, "args", "no database takes"),
        ({"args": "[" * 40 + "]" * 40}, "args", "levels deep"),
        ({"metadata": '{"a": "\\ud800"}'}, "metadata", "no database takes"),
        ({"retry": '["\\ud800"]'}, "retry", "number of attempts"),
        ({"kwargs": "region=eu"}, "kwargs", '{"region": "all"}'),
        ({"metadata": "owner: anna"}, "metadata", "not JSON"),
        ({"metadata": "[1]"}, "metadata", "must be a dict"),
        ({"timeout": "soon"}, "timeout", "1h30m"),
        ({"timeout": "0"}, "timeout", "longer"),
        ({"jitter": "-5"}, "jitter", "1h30m"),
        ({"retry": "often"}, "retry", "number of attempts"),
        ({"retry": '{"attempts": 3}'}, "retry", "max_attempts"),
        ({"retry": "0"}, "retry", "from 1"),
        ({"retry": "false"}, "retry", "number of attempts"),
        ({"max_running": "0"}, "max_running", "from 1"),
        ({"buffer_limit": "0"}, "buffer_limit", "from 1"),
        ({"executor": "nowhere"}, "executor", "choose one from the list"),
        ({"overlap": "sometimes"}, "overlap", "valid choice"),
        ({"tags": "t" * 65}, "tags", "64"),
        (
            {"start_at": "2026-04-02T00:00:00", "end_at": "2026-04-01T00:00:00"},
            "end_at",
            "later than start_at",
        ),
        ({"schedule": "@every 5m after finish", "overlap": "allow"}, "overlap", "choose another"),
    ],
)
def test_bad_input_is_an_error_at_its_field_and_nothing_is_stored(
    admin_client, changed, field, remedy
):
    make_job("taken")
    errors = _errors(admin_client.post(reverse(ADD), _input(**changed)))
    assert list(errors) == [field]
    assert remedy in errors[field]
    assert [job.name for job in jobs.all()] == ["taken"]
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("changed", "section"),
    [
        ({"stall_timeout": "soon"}, "Limits"),
        ({"buffer_limit": "0"}, "When late or overlapping"),
        ({"priority": "high"}, "Where it runs"),
        ({"retry": "often"}, "Failures"),
        ({"metadata": "[1]"}, "Notes"),
    ],
)
def test_section_with_an_error_is_unfolded(admin_client, changed, section):
    answer = admin_client.post(reverse(ADD), _input(**changed))
    assert list(_errors(answer)) == list(changed)
    folded = {str(part.name): part.is_collapsible for part in answer.context["adminform"]}
    folded |= {name: told() for name, told in folded.items() if callable(told)}
    assert folded.pop(section) is False
    assert folded == {**dict.fromkeys(folded, True), "What": False, "When": False}


def test_command_can_be_chosen_when_it_is_allowed(admin_client, settings):
    """J11"""
    settings.DJANGO_SCHEDULER = {"COMMANDS_ALLOWED": ["clearsessions"]}
    admin_client.post(reverse(ADD), _input(function="command:clearsessions"))
    assert jobs.get("nightly").function == "command:clearsessions"


def test_what_the_facade_refuses_at_the_last_moment_is_a_form_error(admin_client, monkeypatch):
    """Somebody else adds the name between the form's check and the facade's."""

    def add(*args: Any, **kwargs: Any) -> None:
        raise JobAlreadyExists("A job called 'nightly' exists.", field="name")

    monkeypatch.setattr(jobs, "add", add)
    errors = _errors(admin_client.post(reverse(ADD), _input()))
    assert errors == {"name": "A job called 'nightly' exists."}
    assert not LogEntry.objects.exists()


def test_edit_stores_only_what_was_changed(admin_client):
    """J5, and the next run does not move."""
    job = make_job("nightly", timeout=90, tags=["a", "b"], retry=3, kwargs={"region": "eu"})
    due, version = job.next_run_at, job.version
    answer = _edit(admin_client, job, description="Now with words", tags="b, c")
    assert answer.status_code == 302
    job = jobs.get("nightly")
    assert (job.description, job.version) == ("Now with words", version + 1)
    assert sorted(tag.name for tag in job.tags.all()) == ["b", "c"]
    assert (job.next_run_at, job.timeout) == (due, timedelta(seconds=90))
    assert job.retry["max_attempts"] == 3


def test_page_sent_back_untouched_changes_nothing(admin_client):
    job = make_job(
        "nightly",
        timeout=90.5,
        tags=["a"],
        retry={"max_attempts": 2, "delay": 5},
        start_at=datetime(2026, 1, 1, 12, 30, 5, tzinfo=timezone.utc),
        metadata={"k": [1, {"ä": None}]},
    )
    before = Job.objects.filter(pk=job.pk).values().get()
    assert _edit(admin_client, job).status_code == 302
    assert Job.objects.filter(pk=job.pk).values().get() == before


def test_a_bound_says_to_which_policy_it_belongs(admin_client):
    fields = admin_client.get(reverse(ADD)).context["adminform"].form.fields
    policies = {"max_running": "allow", "buffer_limit": "queue all", "catch_up_limit": "all"}
    for name, policy in policies.items():
        assert f"Only for “{policy}”" in str(fields[name].help_text)


def test_second_editor_is_told_and_nothing_is_overwritten(admin_client):
    """§9: two editors opened the same page."""
    job = make_job("nightly")
    seen = job.version
    jobs.update(job, description="The first editor's words")
    answer = _edit(admin_client, job, description="The second's", seen_version=seen)
    assert "changed by somebody else" in _errors(answer)["__all__"]
    assert jobs.get("nightly").description == "The first editor's words"
    assert not LogEntry.objects.exists()


def test_editor_who_does_not_say_what_they_saw_is_told_to_look(admin_client):
    job = make_job("nightly")
    answer = _edit(admin_client, job, description="blind", seen_version="")
    assert "look at it again" in _errors(answer)["__all__"]


def test_pause_during_an_edit_is_not_undone(admin_client):
    job = make_job("nightly")
    given = _opened(admin_client, job)
    jobs.pause(job, "meanwhile")
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    admin_client.post(url, {**given, "description": "edited"})
    job = jobs.get("nightly")
    assert (job.state, job.pause_reason, job.description) == ("paused", "meanwhile", "edited")


def test_engines_fields_cannot_be_sent(admin_client):
    job = make_job("nightly")
    _edit(admin_client, job, state="ended", success_count="99", name="renamed", version="7")
    job = jobs.get("nightly")
    assert (job.state, job.success_count, job.version) == ("active", 0, 1)


def test_job_of_a_function_unknown_here_can_still_be_edited(admin_client):
    """T9: another version of the code may own it."""
    job = make_job("nightly")
    Job.objects.filter(pk=job.pk).update(function="elsewhere.only")
    job.refresh_from_db()
    assert _edit(admin_client, job, description="kept").status_code == 302
    assert (jobs.get("nightly").function, jobs.get("nightly").description) == (
        "elsewhere.only",
        "kept",
    )


def test_broken_schedule_is_mended_in_the_form(admin_client):
    """T10"""
    job = make_job("nightly")
    Job.objects.filter(pk=job.pk).update(schedule="61 * * * *", state="broken", error="no")
    job.refresh_from_db()
    assert "schedule" in _errors(_edit(admin_client, job))
    assert _edit(admin_client, job, schedule="1 * * * *").status_code == 302
    job = jobs.get("nightly")
    assert (job.state, job.error) == ("active", "")
    assert job.next_run_at is not None


def test_page_shows_the_next_five_runs(admin_client):
    """S13"""
    job = make_job("nightly", "0 9 * * *", timezone="Asia/Tokyo", end_at=_utc(2026, 3, 13))
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    panel = page.context["panel"]
    assert panel["times"]["zones"] == ["Asia/Tokyo", "UTC"]
    assert [row["texts"][1].replace("\xa0", " ") for row in panel["times"]["next"]] == [
        "Wed 11 Mar, 00:00 UTC",
        "Thu 12 Mar, 00:00 UTC",
        "Fri 13 Mar, 00:00 UTC",
    ]
    assert "<td>Wed\xa011\xa0Mar, 09:00\xa0JST</td>" in page.content.decode()


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


def test_viewer_sees_the_page_without_a_form(client):
    client.force_login(staff("viewer", "view_job"))
    job = make_job("nightly", tags=["a"], timeout=90)
    url = reverse("admin:django_scheduler_job_change", args=[job.pk])
    page = client.get(url)
    assert page.status_code == 200
    assert 'name="schedule"' not in page.content.decode()
    assert client.post(url, _input(description="x")).status_code == 403
    assert client.get(reverse(ADD)).status_code == 403


def test_deleting_removes_the_job_and_keeps_its_history(admin_client):
    """J6"""
    job = make_job("nightly")
    run = make_run(job, "succeeded")
    url = reverse("admin:django_scheduler_job_delete", args=[job.pk])
    assert "nightly" in admin_client.get(url).content.decode()
    admin_client.post(url, {"post": "yes"})
    assert not Job.objects.exists()
    assert Run.objects.get(pk=run.pk).job_name == "nightly"
    assert LogEntry.objects.get().is_deletion()


def test_deleting_a_job_declared_in_code_says_that_it_comes_back(admin_client):
    plain, declared = make_job("plain"), make_job("declared")
    Job.objects.filter(pk=declared.pk).update(declared_in_code=True)
    pages = [
        admin_client.get(reverse("admin:django_scheduler_job_delete", args=[job.pk]))
        for job in (plain, declared)
    ]
    chosen = {"action": "delete_selected", "_selected_action": [plain.pk, declared.pk]}
    pages.append(admin_client.post(reverse(LIST), chosen))
    texts = [page.content.decode() for page in pages]
    assert all("The runs stay" in text for text in texts)
    assert ["<b>declared</b> is declared in code" in text for text in texts] == [False, True, True]
    assert not any("<b>plain</b> is declared" in text for text in texts)


def test_deleting_several_leaves_what_runs_until_it_has_ended(admin_client):
    """J6: the bulk delete goes through the facade as well."""
    idle, busy = make_job("idle"), make_job("busy")
    run = make_run(busy, "running")
    given = {"action": "delete_selected", "_selected_action": [idle.pk, busy.pk], "post": "yes"}
    admin_client.post(reverse(LIST), given)
    assert list(jobs.all()) == []
    assert [job.name for job in Job.objects.all()] == ["busy"]
    run.refresh_from_db()
    assert (run.status, run.stop_requested_at) == ("running", None)


def test_deleting_needs_its_permission(client):
    client.force_login(staff("editor", "view_job", "change_job"))
    job = make_job("nightly")
    url = reverse("admin:django_scheduler_job_delete", args=[job.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert jobs.get("nightly")
