"""The admin's pages in a real browser, under a content policy that allows no inline anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from django_scheduler import jobs
from tests.faces.admin_rows import furnish, make_job, make_run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)

CUT_OFF = """() => [...document.querySelectorAll(".results, .sched-scroll, html")]
    .filter((box) => box.scrollWidth > box.clientWidth)
    .map((box) => `${box.className}: ${box.scrollWidth} > ${box.clientWidth}`)"""
"""The tables that do not fit a window of 1280 pixels with the sidebar and the filter open."""


def _forbid_inline(route: Any) -> None:
    """Answer what the server answers, with the policy: its handler was loaded for all tests."""
    answer = route.fetch(max_redirects=0)
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})


@pytest.fixture
def browser(chromium_path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # The browser's event loop lives in this thread, which also prepares the rows.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--headless"]
        )
        yield chromium
        chromium.close()


def _sign_in(page: Any, site: str) -> None:
    page.goto(f"{site}/admin/login/?next=/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "password")
    page.press("#id_password", "Enter")
    page.wait_for_url(f"{site}/admin/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_render_under_a_strict_content_policy(
    browser, live_server, admin_user, work, standing_clock, tmp_path, scheme
):
    """A6: no console error on any page, in either colour scheme; screenshots are kept."""
    job, failed, running = furnish()
    pages = {
        "jobs": "django_scheduler/job/",
        "job": f"django_scheduler/job/{job.pk}/change/",
        "job-add": "django_scheduler/job/add/",
        "delete": f"django_scheduler/job/{job.pk}/delete/",
        "pause": f"django_scheduler/job/{job.pk}/pause/",
        "runs": "django_scheduler/run/",
        "run-failed": f"django_scheduler/run/{failed.pk}/change/",
        "run-running": f"django_scheduler/run/{running.pk}/change/",
        "processes": "django_scheduler/process/",
    }
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    complaints: list[str] = []
    cut_off: dict[str, list[str]] = {}
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    _sign_in(page, live_server.url)
    page.route("**/admin/**", _forbid_inline)
    complaints.clear()
    for name, path in pages.items():
        answer = page.goto(f"{live_server.url}/admin/{path}")
        page.wait_for_load_state("networkidle")
        assert answer.status == 200, name
        assert answer.headers["content-security-policy"] == POLICY
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
        assert complaints == [], name
        cut_off[name] = page.evaluate(CUT_OFF)
    assert cut_off == {name: [] for name in pages}


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 420)])
def test_an_edit_is_looked_at_and_confirmed_without_scripts(
    browser, live_server, admin_user, work, standing_clock, tmp_path, scheme, width
):
    """S13: Preview saves nothing; what would run twice today asks before it is saved."""
    job = make_job("nightly", "30 2 * * *", timezone="Europe/Paris")
    make_run(job, "succeeded", scheduled_for=datetime(2026, 3, 10, 1, 30, tzinfo=timezone.utc))
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    page = browser.new_page(
        color_scheme=scheme, viewport={"width": width, "height": 900}, java_script_enabled=False
    )
    _sign_in(page, live_server.url)
    page.route("**/admin/**", _forbid_inline)
    page.goto(f"{live_server.url}/admin/django_scheduler/job/{job.pk}/change/")
    page.fill("#id_schedule", "30 18 * * *")
    page.click("text=Preview")
    assert "Nothing has been saved." in page.inner_text(".sched-preview")
    assert "18:30\xa0CET" in page.inner_text(".sched-preview")
    assert page.evaluate(CUT_OFF) == []
    page.screenshot(path=folder / f"preview-{scheme}-{width}.png", full_page=True)
    page.click("input[name=_save]")
    assert "would run again the same day" in page.inner_text(".sched-notice")
    assert jobs.get("nightly").schedule == "30 2 * * *"
    page.screenshot(path=folder / f"confirm-{scheme}-{width}.png", full_page=True)
    page.click("text=Save anyway")
    page.wait_for_url("**/job/")
    assert jobs.get("nightly").schedule == "30 18 * * *"
