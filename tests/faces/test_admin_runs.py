"""The list of runs, the page of one, the processes: to look at, whatever their number."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_scheduler.admin.base import BoundedPaginator
from django_scheduler.models import Run
from tests.faces.admin_rows import (
    MINUTE,
    NOW,
    SECOND,
    TRACEBACK,
    make_job,
    make_process,
    make_run,
    staff,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("work", "standing_clock")]

LIST = "admin:django_scheduler_run_changelist"


def _page(client, run: Run):
    answer = client.get(reverse("admin:django_scheduler_run_change", args=[run.pk]))
    assert answer.status_code == 200
    return answer


def _listed(client, **query) -> list[str]:
    return [run.job_name for run in client.get(reverse(LIST), query).context["cl"].result_list]


def _queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse(LIST)).status_code == 200
    return len(captured)


def test_list_shows_the_newest_first_with_status_and_process(admin_client):
    """A2"""
    job, process = make_job("nightly"), make_process("app-7")
    make_run(job, "failed", NOW - MINUTE, reason="exception", process=process.pk)
    make_run(job, "running", NOW - SECOND)
    page = admin_client.get(reverse(LIST))
    assert [run.status for run in page.context["cl"].result_list] == ["running", "failed"]
    text = page.content.decode()
    assert "app-7" in text
    assert "exception" in text
    assert "50 ms" in text


def test_number_of_queries_does_not_grow_with_the_number_of_runs(admin_client):
    """A6"""
    job = make_job("nightly")
    for n in range(5):
        make_run(job, at=NOW - n * MINUTE, process=make_process().pk)
    _queries(admin_client)
    few = _queries(admin_client)
    for n in range(5, 60):
        make_run(job, at=NOW - n * MINUTE, process=make_process().pk)
    assert _queries(admin_client) == few


def test_list_never_counts_all_rows(admin_client, monkeypatch):
    """A6: the count stops at a limit, and the page says so."""
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 3)
    job = make_job("nightly")
    for n in range(5):
        make_run(job, at=NOW - n * MINUTE)
    with CaptureQueriesContext(connection) as captured:
        page = admin_client.get(reverse(LIST))
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]
    assert len(counts) == 1
    assert "LIMIT 4" in counts[0]
    assert "These are the newest 3." in page.content.decode()


def test_list_does_not_load_long_columns(admin_client):
    make_run(make_job("nightly"), log="x" * 1000)
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(reverse(LIST))
    rows = [q["sql"] for q in captured if '"lateness"' in q["sql"] or "`lateness`" in q["sql"]]
    assert len(rows) == 1
    assert "traceback" not in rows[0]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"status__exact": "failed"}, ["alpha"]),
        ({"trigger__exact": "manual"}, ["beta"]),
        ({"executor": "default"}, ["beta", "alpha"]),
        ({"executor": "elsewhere"}, []),
        ({"q": "alp"}, ["alpha"]),
        ({"q": "nothing"}, []),
        ({"job": "999999"}, []),
        ({"job": "x"}, []),
    ],
)
def test_filters_and_search_narrow_the_list(admin_client, query, shown):
    make_run(make_job("alpha"), "failed", NOW - MINUTE)
    make_run(make_job("beta"), "succeeded", trigger="manual")
    assert _listed(admin_client, **query) == shown


def test_runs_of_one_job_are_found_by_its_link(admin_client):
    job = make_job("alpha")
    make_run(job)
    make_run(make_job("beta"))
    page = admin_client.get(reverse("admin:django_scheduler_job_change", args=[job.pk]))
    link = page.context["panel"]["runs_url"]
    found = admin_client.get(link)
    assert [run.job_name for run in found.context["cl"].result_list] == ["alpha"]
    assert "By job" in found.content.decode()


def test_runs_are_found_by_id_and_by_a_removed_jobs_name(admin_client):
    run = make_run(None, job_name="gone")
    make_run(make_job("other"))
    assert _listed(admin_client, q=str(run.pk)) == ["gone"]
    assert _listed(admin_client, q="gone") == ["gone"]


def test_no_filter_lists_all_jobs(admin_client):
    make_job("never-listed")
    assert "never-listed" not in admin_client.get(reverse(LIST)).content.decode()


def test_page_shows_everything_that_was_kept(admin_client):
    """R1, R9, X2, H2"""
    process = make_process("app-7")
    run = make_run(
        make_job("nightly"),
        "failed",
        reason="exception",
        error="InvalidOperation: n/a",
        traceback=TRACEBACK,
        log="one line of the log",
        data={"last_id": 88_177},
        result=[1, {"total": "12.50"}],
        kwargs={"region": "eu"},
        hook_errors={"on_error": "SlackError: gone"},
        process=process.pk,
        missed=9,
        completed=3,
        total=4,
        message="almost",
    )
    text = _page(admin_client, run).content.decode()
    for shown in (
        "InvalidOperation: n/a",
        "line 84, in import_orders",
        "one line of the log",
        "&quot;last_id&quot;: 88177",
        "&quot;total&quot;: &quot;12.50&quot;",
        "&quot;region&quot;: &quot;eu&quot;",
        "on_error: SlackError: gone",
        "app-7",
        "app-1.example.org",
        "75 %",
        "almost",
    ):
        assert shown in text


def test_page_tells_what_happened_in_order(admin_client):
    run = make_run(make_job("nightly"), "stopped", NOW - MINUTE, dispatched_at=NOW - 59 * SECOND)
    run.started_at, run.stop_requested_at = NOW - 58 * SECOND, NOW - 30 * SECOND
    run.finished_at, run.left_at = NOW - 29 * SECOND, NOW - 20 * SECOND
    run.save()
    steps = _page(admin_client, run).context["page"]["steps"]
    assert [(step["label"], step["after"]) for step in steps] == [
        ("Scheduled", ""),
        ("Queued", "0 ms"),
        ("Dispatched", "1.0 s"),
        ("Started", "1.0 s"),
        ("Stop requested", "28.0 s"),
        ("Finished", "1.0 s"),
        ("Function left", "9.0 s"),
    ]


def test_page_links_the_attempts_of_the_same_occurrence(admin_client):
    """Y1"""
    job = make_job("nightly")
    first = make_run(job, "failed", NOW - MINUTE, key="k", number=1, attempt=1)
    second = make_run(job, "succeeded", NOW, key="k", number=2, attempt=2, trigger="retry")
    make_run(job, "succeeded", NOW, key="other")
    attempts = _page(admin_client, second).context["page"]["attempts"]
    assert [(row["attempt"], row["here"]) for row in attempts] == [(1, False), (2, True)]
    assert attempts[0]["url"].endswith(f"/{first.pk}/change/")


def test_page_says_that_a_given_up_function_still_goes_on(admin_client):
    run = make_run(make_job("nightly"), "timed_out")
    Run.objects.filter(pk=run.pk).update(left_at=None)
    assert "its function still goes on" in _page(admin_client, run).content.decode()


def test_page_of_a_removed_jobs_run(admin_client):
    run = make_run(None, job_name="gone", process=uuid.uuid4())
    assert "The job was removed." in _page(admin_client, run).content.decode()


@pytest.mark.parametrize("status", ["queued", "dispatched", "paused", "skipped", "lost"])
def test_page_of_every_kind_of_run(admin_client, status):
    run = make_run(make_job("nightly"), status, total=0, completed=0, message="m")
    assert run.get_status_display() in _page(admin_client, run).content.decode()


def test_nobody_adds_changes_or_deletes_a_run_or_a_process(admin_client):
    """Not even a superuser: these rows are the engine's."""
    run, process = make_run(make_job("nightly")), make_process()
    for model, row in (("run", run), ("process", process)):
        name = f"admin:django_scheduler_{model}"
        assert admin_client.get(reverse(f"{name}_add")).status_code == 403
        assert admin_client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        delete = reverse(f"{name}_delete", args=[row.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == 403
        row.refresh_from_db()


def test_looking_at_runs_and_processes_needs_permission(client):
    client.force_login(staff("nobody"))
    run, process = make_run(make_job("nightly")), make_process()
    for model, row in (("run", run), ("process", process)):
        name = f"admin:django_scheduler_{model}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 403
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 403


def test_processes_show_silence_and_clocks_that_differ(admin_client):
    """W3"""
    make_process("fine")
    late = NOW - timedelta(seconds=40)
    row = make_process("silent", heartbeat_at=late, lease_until=late, clock_offset=5 * SECOND)
    page = admin_client.get(reverse("admin:django_scheduler_process_changelist")).content.decode()
    assert page.count("lease overdue") == 1
    assert "40 seconds ago" in page
    assert '<span class="sched-problem">5.0 s</span>' in page
    one = admin_client.get(reverse("admin:django_scheduler_process_change", args=[row.pk]))
    assert "lease overdue" in one.content.decode()
