"""The page of a run that goes on follows it, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_scheduler.models import Run
from tests.faces.admin_rows import make_job, make_run
from tests.faces.test_browser_admin import POLICY, _forbid_inline, _sign_in
from tests.faces.test_browser_admin import browser as browser  # the fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(transactional_db: None, work: Any, standing_clock: Any) -> Run:
    run = make_run(make_job("nightly"), "running")
    Run.objects.update(completed=1, total=4, log="first line", args=[1])
    return run


@pytest.fixture
def page(browser: Any, live_server: Any, admin_user: Any, run: Run) -> Iterator[Any]:
    """The page of the run, which complains of nothing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    _sign_in(page, live_server.url)
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.route("**/admin/**", _forbid_inline)
    answer = page.goto(f"{live_server.url}/admin/django_scheduler/run/{run.pk}/change/")
    assert answer.headers["content-security-policy"] == POLICY
    page.evaluate("() => { window.loadedOnce = true; }")
    yield page
    assert page.evaluate("() => window.loadedOnce") is True
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    assert complaints == []


def test_progress_and_log_are_followed_and_what_is_folded_stays_so(page: Any, run: Run) -> None:
    """A2"""
    page.click("#sched-args summary")
    Run.objects.update(completed=3, log="first line\nsecond line")
    page.wait_for_selector("text=3 / 4")
    page.wait_for_selector("text=second line")
    assert page.get_attribute("#sched-args", "open") is None


def test_what_somebody_types_meanwhile_stays(page: Any, run: Run) -> None:
    page.fill("input[name=reason]", "half a sent")
    Run.objects.update(completed=4, message="nearly")
    page.wait_for_selector("text=nearly")
    assert page.input_value("input[name=reason]") == "half a sent"


def test_the_buttons_follow_the_run_to_its_end(page: Any, run: Run) -> None:
    Run.objects.update(status="paused")
    page.wait_for_selector("button:has-text('Resume')")
    Run.objects.update(status="succeeded", result={"sum": 7})
    page.wait_for_selector("text=Run again")
    page.wait_for_selector("#sched-result")
    assert page.query_selector("input[name=reason]") is None
    assert page.query_selector("[data-sched-live]") is None
