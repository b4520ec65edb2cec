"""The example project's demo: its report judges, its processes end with it, its feed repeats."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from django_scheduler import jobs, registry
from django_scheduler.models import Run
from django_scheduler.registry import Definition
from example_project.shop import feed
from example_project.shop.demo import report
from example_project.shop.demo.children import Asked, Children
from tests.waiting import wait_until

BEGAN = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
IGNORES_TERM = (
    "import pathlib, signal, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "pathlib.Path(sys.argv[1]).touch()\n"
    "while True: signal.pause()\n"
)


@pytest.fixture
def job():
    registry.register(Definition("demo-job", lambda: None))
    yield jobs.add("demo-job")
    registry.unregister("demo-job")


def _report(expected=True, state="active", **statuses):
    return report.JobReport("import-orders", state, expected, Counter(statuses))


def _store_run(job, status, *, second, attempt=1, late=timedelta(0), queued=None):
    due = BEGAN + timedelta(seconds=second)
    return Run.objects.create(
        job=job,
        job_name=job.name,
        function=job.function,
        key=due.isoformat(),
        trigger="schedule",
        attempt=attempt,
        status=status,
        scheduled_for=due,
        queued_at=queued or due,
        started_at=due + late,
        finished_at=due + late + timedelta(seconds=1),
        lateness=late,
        executor="default",
    )


def test_an_expected_job_without_a_success_is_a_problem():
    assert report.problems([_report(failed=2, skipped=1)]) == [
        "import-orders should have succeeded at least once: 2 failed, 1 skipped, job active."
    ]


def test_an_expected_job_that_never_ran_is_a_problem():
    assert report.problems([_report(state="broken")]) == [
        "import-orders should have succeeded at least once: no runs, job broken."
    ]


def test_an_expected_job_that_does_not_exist_is_a_problem():
    assert report.problems([_report(state=None)]) == [
        "import-orders should have run, but there is no such job."
    ]


def test_one_success_among_failures_is_enough():
    assert report.problems([_report(succeeded=1, failed=5)]) == []


def test_a_job_that_is_not_expected_is_never_a_problem():
    assert report.problems([_report(expected=False, failed=3)]) == []


@pytest.mark.django_db
def test_the_report_counts_only_runs_of_this_demo(job):
    _store_run(job, "succeeded", second=-60)
    _store_run(job, "failed", second=10)
    [found] = report.collect(["demo-job"], BEGAN)
    assert found.statuses == {"failed": 1}
    assert found.problem is not None


@pytest.mark.django_db
def test_the_report_tells_the_first_success_and_the_worst_lateness_of_first_attempts(job):
    _store_run(job, "succeeded", second=20, late=timedelta(milliseconds=15))
    _store_run(job, "succeeded", second=5, late=timedelta(milliseconds=40))
    _store_run(job, "succeeded", second=40, attempt=2, late=timedelta(seconds=9))
    [found] = report.collect(["demo-job"], BEGAN)
    assert found.first_success == BEGAN + timedelta(seconds=6, milliseconds=40)
    assert found.worst_lateness == timedelta(milliseconds=40)


@pytest.mark.django_db
def test_what_was_due_before_the_demo_began_is_not_late(job):
    _store_run(job, "succeeded", second=-60, late=timedelta(seconds=61), queued=BEGAN)
    [found] = report.collect(["demo-job"], BEGAN)
    assert (found.statuses, found.worst_lateness) == ({"succeeded": 1}, None)


@pytest.mark.django_db
def test_a_job_somebody_paused_is_not_expected_to_run(job):
    jobs.pause(job)
    [found] = report.collect(["demo-job"], BEGAN)
    assert (found.expected, found.problem) == (False, None)


@pytest.mark.django_db
def test_the_table_shows_every_job_and_every_expected_name(job):
    _store_run(job, "succeeded", second=1, late=timedelta(milliseconds=7))
    lines = report.table(report.collect(["not-there"], BEGAN), BEGAN).splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == ["demo-job", "not-there"]
    assert " ".join(lines[2].split()) == "demo-job no 1 succeeded after 2.0 s 7 ms"
    assert " ".join(lines[3].split()) == "not-there yes - - -"


def test_a_child_that_ends_by_itself_is_a_problem():
    children = Children(Asked())
    children.start("scheduler", ["-c", "raise SystemExit(3)"])
    problems = wait_until(children.dead)
    assert problems == ["The scheduler ended by itself with exit code 3."]
    assert children.stop(5) == []


def test_a_child_that_ignores_the_request_is_killed(tmp_path):
    children, deaf = Children(Asked()), tmp_path / "deaf"
    child = children.start("scheduler", ["-c", IGNORES_TERM, str(deaf)], must_end_with=0)
    wait_until(deaf.exists)
    assert children.stop(0.3) == ["The scheduler did not end when asked and was killed."]
    assert not child.is_alive


def test_a_child_that_ends_with_the_wrong_code_is_a_problem():
    children = Children(Asked())
    children.start("scheduler", ["-c", "import signal; signal.pause()"], must_end_with=0)
    assert children.stop(10) == [f"The scheduler ended with exit code {-signal.SIGTERM}."]


def test_a_signal_ends_the_waiting_of_the_demo():
    with Asked().listening() as asked:
        children = Children(asked)
        signal.raise_signal(signal.SIGTERM)
        assert children.wait_while(lambda: True) == []
    assert asked.times == 1


def test_a_second_attempt_meets_the_same_delivery():
    assert feed.delivery("a", products=9) == feed.delivery("a", products=9)
    assert feed.delivery("a", products=9) != feed.delivery("b", products=9)


def test_the_payment_provider_answers_at_the_third_attempt():
    for attempt in (1, 2):
        with pytest.raises(feed.ProviderUnavailable):
            list(feed.confirm_payments(["x"], attempt=attempt))
    assert list(feed.confirm_payments(["x"], attempt=3)) == ["x"]
