"""Pausing, resuming, bringing forward, and the pause of everything."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from django_scheduler import every, jobs
from django_scheduler.exceptions import InvalidJob, InvalidRunState, JobNotFound
from django_scheduler.models import Installation, Job, JobClock, Run
from django_scheduler.signals import job_paused, job_resumed
from tests.facades.fixed import DAY, HOUR, MINUTE, NOW, make_row

pytestmark = pytest.mark.django_db


def test_pause_keeps_reason_person_and_end_and_stops_the_clock():
    """C1"""
    jobs.add("plain", schedule="@hourly")
    job = jobs.pause("plain", "stocktaking", until=NOW + DAY, by="ann")
    assert (job.state, job.pause_reason, job.paused_by) == ("paused", "stocktaking", "ann")
    assert (job.paused_at, job.paused_until, job.next_run_at) == (NOW, NOW + DAY, None)


def test_pause_leaves_running_runs_alone():
    """C1"""
    run = make_row(jobs.add("plain"), "running")
    jobs.pause("plain")
    run.refresh_from_db()
    assert (run.status, run.stop_requested_at) == ("running", None)


def test_resume_never_fires_at_once(clock):
    """C1: paused time is not missed time."""
    jobs.add("plain", schedule=every(hours=1))
    jobs.pause("plain", "stocktaking", by="ann")
    clock.advance(10 * HOUR)
    job = jobs.resume("plain")
    assert (job.state, job.next_run_at) == ("active", NOW + 11 * HOUR)
    assert (job.pause_reason, job.paused_by, job.paused_at) == ("", "", None)
    assert JobClock.objects.get().planned_until == NOW + 10 * HOUR
    assert not Run.objects.exists()


def test_resume_of_a_job_whose_window_is_over_ends_it(clock):
    """S8"""
    jobs.add("plain", schedule="@hourly", end_at=NOW + 2 * HOUR)
    jobs.pause("plain")
    clock.advance(DAY)
    assert (jobs.resume("plain").state, jobs.get("plain").next_run_at) == ("ended", None)


def order(name):
    return {"pause": jobs.pause, "resume": jobs.resume, "run_within": run_soon}[name]


def run_soon(job):
    return jobs.run_within(job, 5)


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ("active", "resume"),
        ("paused", "pause"),
        ("paused", "run_within"),
        ("ended", "pause"),
        ("ended", "resume"),
        ("ended", "run_within"),
        ("broken", "pause"),
        ("broken", "resume"),
    ],
)
def test_order_in_the_wrong_state_changes_nothing(state, refused):
    """C5"""
    jobs.add("plain", schedule="@hourly")
    Job.objects.update(state=state)
    before = (Job.objects.values().get(), JobClock.objects.values().get())
    with pytest.raises(InvalidRunState) as raised:
        order(refused)("plain")
    assert raised.value.field == "state"
    assert (Job.objects.values().get(), JobClock.objects.values().get()) == before


FIRST = datetime.min.replace(tzinfo=timezone(HOUR))
LAST = datetime.max.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (NOW, "until is 2026-03-02 12:00 UTC, which has passed."),
        ((NOW - HOUR).astimezone(timezone(HOUR)), "is 2026-03-02 11:00 UTC, which has passed."),
        (FIRST, "until is 0001-01-01 00:00:00+01:00, which has passed."),
        (LAST, "give a year before 9999."),
        (datetime(2030, 1, 1), "give a datetime that knows its time zone"),  # noqa: DTZ001
        ("soon", "until is 'soon': give a datetime"),
    ],
)
def test_pause_until_a_past_or_naive_instant_is_refused(until, said):
    jobs.add("plain", schedule="@hourly")
    with pytest.raises(InvalidJob) as raised:
        jobs.pause("plain", until=until)
    assert raised.value.field == "until"
    assert said in str(raised.value)
    assert jobs.get("plain").state == "active"


@pytest.mark.parametrize("delta", [-5, -0.5, timedelta(seconds=-5)])
def test_run_within_says_what_to_give_instead_of_a_negative_delta(delta):
    jobs.add("plain", schedule="@hourly")
    with pytest.raises(InvalidJob, match="is negative: give 0 or more seconds") as raised:
        jobs.run_within("plain", delta)
    assert raised.value.field == "delta"


def test_name_of_a_function_is_told_from_a_name_nobody_knows():
    with pytest.raises(JobNotFound, match=r"jobs\.add\('plain', schedule=\.\.\.\)"):
        jobs.trigger("plain")
    for name in ("evening", "morning"):
        jobs.add(name, "plain")
    with pytest.raises(JobNotFound, match="a function, called by: evening, morning"):
        jobs.trigger("plain")
    with pytest.raises(JobNotFound, match=r"There is no job called 'nobody'\.$"):
        jobs.trigger("nobody")


def test_unknown_way_to_resume_is_refused():
    jobs.add("plain")
    jobs.pause("plain")
    with pytest.raises(InvalidJob) as raised:
        jobs.resume("plain", mode="sometimes")
    assert raised.value.field == "mode"
    assert jobs.get("plain").state == "paused"


def test_pause_and_resume_are_told(django_capture_on_commit_callbacks):
    """H3"""
    seen = []

    def paused(job, **_kwargs):
        seen.append(("paused", job.pause_reason))

    def resumed(job, **_kwargs):
        seen.append(("resumed", job.state))

    jobs.add("plain")
    job_paused.connect(paused)
    job_resumed.connect(resumed)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            jobs.pause("plain", "why")
            jobs.resume("plain")
    finally:
        job_paused.disconnect(paused)
        job_resumed.disconnect(resumed)
    assert seen == [("paused", "why"), ("resumed", "active")]


@pytest.mark.parametrize(
    ("delta", "expected"),
    [(timedelta(minutes=10), NOW + 10 * MINUTE), (7200, NOW + HOUR), (0, NOW)],
)
def test_run_within_takes_the_sooner_of_both(delta, expected):
    """T4"""
    jobs.add("plain", schedule=every(hours=1))
    assert jobs.run_within("plain", delta) == expected
    assert jobs.get("plain").next_run_at == expected


def test_run_within_moves_one_job_and_keeps_its_occurrence():
    """T4: the schedule goes on from the nominal instant."""
    jobs.add("plain", schedule=every(hours=1))
    jobs.add("report", schedule=every(hours=1))
    jobs.run_within("plain", 60)
    rows = JobClock.objects.order_by("job__name").values_list("next_run_at", "next_occurrence")
    assert list(rows) == [(NOW + MINUTE, NOW + HOUR), (NOW + HOUR, NOW + HOUR)]


def test_run_within_schedules_a_job_that_only_ran_on_demand():
    jobs.add("plain")
    assert jobs.run_within("plain", 60) == NOW + MINUTE
    clock = JobClock.objects.get()
    assert (clock.next_run_at, clock.next_occurrence) == (NOW + MINUTE, None)


def test_run_within_works_for_a_function_that_is_not_here():
    """T4"""
    jobs.add("plain", schedule=every(hours=1))
    Job.objects.update(function="elsewhere.work")
    assert jobs.run_within("plain", 60) == NOW + MINUTE


@pytest.mark.parametrize("delta", [-1, None, "soon", float("nan"), float("inf")])
def test_run_within_an_impossible_span_is_refused(delta):
    jobs.add("plain", schedule=every(hours=1))
    with pytest.raises(InvalidJob) as raised:
        jobs.run_within("plain", delta)
    assert raised.value.field == "delta"
    assert jobs.get("plain").next_run_at == NOW + HOUR


def test_pause_of_everything_is_one_row_and_touches_no_job():
    """C4"""
    jobs.add("plain", schedule="@hourly")
    jobs.pause_all("fire", by="ann")
    jobs.pause_all("flood", by="bob")
    row = Installation.objects.get()
    assert (row.paused_at, row.pause_reason, row.paused_by) == (NOW, "flood", "bob")
    assert (jobs.get("plain").state, jobs.get("plain").next_run_at) == ("active", NOW + HOUR)


def test_resume_of_everything_moves_the_overdue_past_now_and_keeps_own_pauses(clock):
    """C4"""
    jobs.add("overdue", "plain", every(hours=1))
    jobs.add("coming", "plain", every(days=2))
    jobs.add("own", "plain", every(hours=1))
    jobs.pause("own", "mine")
    jobs.pause_all("fire")
    clock.advance(3 * HOUR)
    jobs.resume_all()
    assert jobs.get("overdue").next_run_at == NOW + 4 * HOUR
    assert jobs.get("coming").next_run_at > NOW + 4 * HOUR
    assert jobs.get("own").state == "paused"
    assert Installation.objects.get().paused_at is None
    assert not Run.objects.exists()


def test_orders_to_nobody_are_job_not_found():
    for command in (jobs.pause, jobs.resume, jobs.trigger, jobs.remove, jobs.unschedule, run_soon):
        with pytest.raises(JobNotFound):
            command("nobody")
