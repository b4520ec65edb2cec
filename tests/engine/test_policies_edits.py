"""Pauses, edits, fixed delays: a schedule is never retroactive, and no occurrence comes twice (J5).

An edit may come through the facade, by saving the row, in bulk, or as SQL; past the facade the
scheduler notices it at its next look.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from django_scheduler import conf, cron, every, jobs, runs
from django_scheduler.models import Job, Run
from django_scheduler.states import JobState
from tests.engine.stories import MINUTE, START, add, lasting, minutes, timeline

HOUR = timedelta(hours=1)


def _by_facade(**fields):
    jobs.update("job", **fields)


def _by_saving(**fields):
    job = Job.objects.get(name="job")
    for name, value in fields.items():
        setattr(job, name, value)
    job.save()


def _in_bulk(**fields):
    Job.objects.filter(name="job").update(**fields)


def _by_sql(**fields):
    table = connection.ops.quote_name(Job._meta.db_table)
    for name, value in fields.items():
        column = connection.ops.quote_name(name)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE name = 'job'", [value])


def notice(scheduler):
    """Let the scheduler come to its next look at what was edited past the facade."""
    scheduler.clock.advance(conf.current().reconcile_interval)
    scheduler.run_due()


every_way = pytest.mark.parametrize("edit", [_by_facade, _by_saving, _in_bulk, _by_sql])


def ran():
    """The minutes of what was run, by occurrence; asserts that none came twice."""
    found = Run.objects.filter(status="succeeded").order_by("scheduled_for")
    keys = [run.key for run in found]
    assert len(set(keys)) == len(keys)
    assert all(run.started_at >= run.scheduled_for for run in found)
    return [minutes(run.scheduled_for) for run in found]


@every_way
def test_a_new_schedule_begins_strictly_after_the_edit(manual_scheduler, recorder, edit):
    add(schedule=cron("*/10 * * * *"))
    manual_scheduler.advance(25 * MINUTE)
    edit(schedule="*/3 * * * *")
    notice(manual_scheduler)
    manual_scheduler.advance(10 * MINUTE)
    assert ran() == [10, 20, 27, 30, 33]


@every_way
def test_an_instant_that_both_schedules_name_runs_once(manual_scheduler, recorder, edit):
    add(schedule=cron("*/10 * * * *"))
    manual_scheduler.advance(20 * MINUTE)
    edit(schedule="*/5 * * * *")
    notice(manual_scheduler)
    manual_scheduler.advance(10 * MINUTE)
    assert ran() == [10, 20, 25, 30]


@every_way
def test_an_edit_at_the_last_second_loses_no_instant_that_both_name(
    manual_scheduler, recorder, edit
):
    """Past the facade it is noticed only when that instant has come."""
    add(schedule=cron("*/10 * * * *"))
    manual_scheduler.advance(25 * MINUTE)
    manual_scheduler.clock.advance(5 * MINUTE - timedelta(seconds=1))
    edit(schedule="*/5 * * * *")
    manual_scheduler.advance(6 * MINUTE)
    assert ran() == [10, 20, 30, 35]


@every_way
def test_what_the_new_schedule_names_in_the_past_is_not_owed(manual_scheduler, recorder, edit):
    """Also not for a job that catches up with everything."""
    add(schedule=cron("0 20 * * *"), catch_up="all")
    manual_scheduler.advance(12 * HOUR)
    edit(schedule="0 */2 * * *")
    notice(manual_scheduler)
    manual_scheduler.advance(3 * HOUR)
    assert ran() == [14 * 60]


@every_way
def test_another_zone_moves_what_comes_and_nothing_that_was(manual_scheduler, recorder, edit):
    """Nine o'clock in Paris was at eight; nine in New York is at fourteen, another occurrence."""
    add(schedule=cron("0 9 * * *", timezone="Europe/Paris"))
    manual_scheduler.advance(10 * HOUR)
    edit(timezone="America/New_York")
    notice(manual_scheduler)
    manual_scheduler.advance(5 * HOUR)
    assert ran() == [8 * 60, 14 * 60]
    edit(timezone="Asia/Tokyo")
    notice(manual_scheduler)
    manual_scheduler.advance(10 * HOUR)
    assert ran()[2:] == [24 * 60]
    newest = Run.objects.latest("scheduled_for").scheduled_for
    assert newest.astimezone(ZoneInfo("Asia/Tokyo")).hour == 9


@every_way
def test_many_edits_there_and_back_repeat_nothing(manual_scheduler, recorder, edit):
    add(schedule=cron("*/4 * * * *"), catch_up="all")
    texts = ("*/2 * * * *", "*/3 * * * *", "* * * * *", "*/4 * * * *", "*/5 * * * *")
    for number in range(10):
        manual_scheduler.advance(timedelta(minutes=2, seconds=17 * (number % 5)))
        edit(schedule=texts[number % len(texts)])
        notice(manual_scheduler)
    assert len(ran()) > 10


@every_way
def test_an_edit_while_nobody_serves_is_not_retroactive(manual_scheduler, recorder, edit):
    """What the old schedule owed until then is on record, and the new one owes nothing."""
    add(schedule=cron("0 * * * *"), catch_up="all")
    manual_scheduler.run_due()
    manual_scheduler.kill()
    manual_scheduler.clock.advance(5 * HOUR + 30 * MINUTE)
    edit(schedule="15 * * * *")
    notice(manual_scheduler)
    manual_scheduler.advance(HOUR)
    assert ran() == [6 * 60 + 15]
    record = Run.objects.get(status="skipped")
    assert (record.key, record.missed) == ("missed:2026-01-01T01:00:00Z/2026-01-01T05:00:00Z", 5)


@every_way
def test_a_run_keeps_what_it_was_made_with(stage, edit):
    lasting(schedule=cron("*/10 * * * *"), minutes=8, executor="default")
    stage.advance(11 * MINUTE)
    edit(schedule="*/30 * * * *")
    notice(stage)
    stage.advance(20 * MINUTE)
    assert timeline() == [(10, "succeeded", 10, 18), (30, "running", 30, None)]
    assert Run.objects.earliest("scheduled_for").policy["schedule"] == "*/10 * * * *"


@every_way
def test_a_row_that_cannot_be_read_stops_only_itself_and_can_be_mended(
    manual_scheduler, recorder, edit
):
    """T10"""
    add()
    add("good")
    if edit is _by_facade:
        with pytest.raises(Exception, match="Olympus"):
            edit(timezone="Mars/Olympus")
        return
    edit(timezone="Mars/Olympus")
    manual_scheduler.advance(5 * MINUTE)
    assert jobs.get("job").state == JobState.BROKEN
    assert Run.objects.filter(job_name="good").count() == 5
    jobs.update("job", timezone="UTC")
    manual_scheduler.advance(2 * MINUTE)
    mended = Run.objects.filter(job_name="job", status="succeeded")
    assert [minutes(run.scheduled_for) for run in mended.order_by("pk")] == [6, 7]


@every_way
def test_a_field_without_timing_moves_nothing(manual_scheduler, recorder, edit):
    add(schedule=every(hours=1))
    manual_scheduler.advance(30 * MINUTE)
    edit(description="another", priority=4)
    notice(manual_scheduler)
    assert jobs.get("job").next_run_at == START + HOUR


@pytest.mark.parametrize(
    ("mode", "expected"), [("next", [10, 20, 70]), ("latest", [10, 20, 60, 70])]
)
def test_a_pause_holds_back_what_comes_and_not_what_runs(stage, mode, expected):
    """C1"""
    lasting(minutes=5)
    stage.advance(22 * MINUTE)
    jobs.pause("job")
    stage.advance(40 * MINUTE)
    assert timeline()[1] == (20, "succeeded", 20, 25)
    jobs.resume("job", mode=mode)
    stage.advance(17 * MINUTE)
    assert ran() == expected


def test_pausing_again_and_again_loses_and_repeats_nothing(manual_scheduler, recorder):
    add(schedule=every(minutes=1))
    for _ in range(5):
        manual_scheduler.advance(150)
        jobs.pause("job")
        manual_scheduler.advance(90)
        jobs.resume("job", mode="all")
    manual_scheduler.advance(MINUTE)
    assert ran() == list(range(1, 22))


def test_a_trigger_runs_while_the_job_is_paused(manual_scheduler, recorder):
    """semantics 9"""
    add(schedule=every(hours=1))
    jobs.pause("job")
    run = jobs.trigger("job")
    manual_scheduler.advance(2 * HOUR)
    assert (runs.get(run).status, recorder.times) == ("succeeded", 1)


def delayed(**fields):
    """A job that is due ten minutes after its run before has ended."""
    return lasting(schedule=every(minutes=10, after="finish"), **fields)


def test_a_fixed_delay_counts_from_the_end_whatever_the_run_takes(stage):
    """S6"""
    delayed(minutes=7)
    stage.advance(HOUR)
    assert [(row[0], row[3]) for row in timeline()] == [(10, 17), (27, 34), (44, 51)]


def test_a_fixed_delay_counts_from_a_failure(stage):
    delayed(minutes=7, metadata={"badly": True})
    stage.advance(HOUR)
    assert [(row[0], row[1]) for row in timeline()] == [(n, "exception") for n in (10, 27, 44)]


def test_a_fixed_delay_counts_from_the_last_attempt(stage):
    delayed(minutes=1, metadata={"badly": True}, retry={"max_attempts": 2, "delay": 120})
    stage.advance(30 * MINUTE)
    ends = [row[3] for row in timeline()]
    assert ends == [11, 14, 25, 28]
    assert jobs.get("job").next_run_at == START + 38 * MINUTE


def test_a_fixed_delay_counts_from_a_stop(stage):
    delayed(minutes=7)
    stage.advance(12 * MINUTE)
    runs.stop(Run.objects.get())
    stage.run_due()
    stage.advance(10 * MINUTE)
    assert [(row[0], row[1]) for row in timeline()] == [(10, "asked"), (22, "running")]


def test_a_fixed_delay_counts_from_a_run_that_expired(stage):
    stage.executor.slots = 1
    delayed(minutes=1, start_deadline=60)
    lasting("slow", schedule=every(minutes=9), minutes=5)
    stage.advance(30 * MINUTE)
    assert timeline()[:2] == [(10, "expired", None, None), (24, "succeeded", 24, 25)]


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_a_fixed_delay_goes_on_after_a_trigger(stage, overlap):
    """C2: it counts from the last end, and never stands still."""
    delayed(minutes=7, overlap=overlap)
    stage.advance(5 * MINUTE)
    jobs.trigger("job")
    stage.advance(2 * HOUR)
    rows = timeline()
    assert len([row for row in rows if row[1] == "succeeded"]) >= 5
    assert jobs.get("job").next_run_at is not None or rows[-1][1] in ("running", "waiting")
    ran_rows = [row for row in rows if row[3] is not None]
    assert all(later[2] >= former[3] for former, later in pairwise(ran_rows))


def test_a_fixed_delay_counts_from_the_takeover_when_its_process_died(stage):
    delayed(minutes=7, on_lost="fail")
    stage.advance(12 * MINUTE)
    stage.kill()
    stage.advance(30 * MINUTE)
    lost, after = timeline()[:2]
    assert lost[1] == "worker_lost"
    noticed = minutes(Run.objects.get(status="lost").finished_at)
    assert after[0] == pytest.approx(noticed + 10)


def test_a_fixed_delay_paused_during_its_run_goes_on_when_resumed(stage):
    delayed(minutes=7)
    stage.advance(12 * MINUTE)
    jobs.pause("job")
    stage.advance(HOUR)
    jobs.resume("job")
    stage.advance(10 * MINUTE)
    assert [row[0] for row in timeline()] == [10, 82]


@pytest.mark.parametrize(
    ("policy", "minute"),
    [({"catch_up": "skip"}, 130), ({"catch_up_window": 600}, 130), ({"catch_up": "latest"}, 120)],
)
def test_a_fixed_delay_goes_on_after_an_outage(stage, policy, minute):
    """S6, T8: what is not caught up with is one record, and the next is measured from now."""
    delayed(**policy)
    stage.run_due()
    stage.kill()
    stage.clock.advance(2 * HOUR)
    stage.advance(45 * MINUTE)
    began = [row[2] for row in timeline() if row[1] == "succeeded"]
    assert began == list(range(minute, 166, 10))
    assert Run.objects.filter(status="skipped").count() == (minute != 120)


def test_a_fixed_delay_whose_first_run_was_set_by_hand_goes_on_after_an_outage(stage):
    delayed(catch_up="skip", next_run_in=MINUTE)
    stage.run_due()
    stage.kill()
    stage.clock.advance(2 * HOUR)
    stage.advance(25 * MINUTE)
    assert [row[2] for row in timeline() if row[1] == "succeeded"] == [130, 140]
