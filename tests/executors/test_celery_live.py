"""Schedulers, brokers and Celery workers as they are in production, on the test's database."""

from __future__ import annotations

import os

import pytest
from django.conf import settings as django_settings

from django_scheduler import jobs, runs
from django_scheduler.engine import Scheduler
from django_scheduler.models import Process, Run
from tests.executors import celery_app
from tests.executors.conftest import EXECUTORS, SHORT
from tests.executors.live import BROKERS, LiveBroker, LiveWorker
from tests.waiting import wait_until


@pytest.fixture(params=BROKERS)
def broker(request):
    broker = LiveBroker(getattr(django_settings, request.param))
    yield broker
    broker.remove()


@pytest.fixture
def options():
    """Options of the executor that a test may add to before it starts anything."""
    return dict(EXECUTORS["celery"]["OPTIONS"])


@pytest.fixture
def scheduler(broker, options, settings, monkeypatch, transactional_db):
    """A scheduler in threads of this process, which publishes to the broker."""
    monkeypatch.setattr(celery_app, "app", broker.app)
    executors = {"celery": {**EXECUTORS["celery"], "OPTIONS": options}}
    settings.DJANGO_SCHEDULER = {**SHORT, "EXECUTORS": executors}
    scheduler = Scheduler(sync_code=False)
    yield scheduler
    if scheduler.is_running:
        scheduler.stop(grace=0)


@pytest.fixture
def start_worker(broker, subprocess_env, tmp_path):
    """Start workers of the broker; what still lives at the end is ended."""
    started = []

    def start(pool="prefork"):
        settings = {**SHORT, "EXECUTORS": EXECUTORS}
        started.append(LiveWorker(broker, subprocess_env, settings, tmp_path, pool))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def trigger(function, **kwargs):
    job = jobs.add(function, function=function, executor="celery", kwargs=kwargs)
    return jobs.trigger(job)


def status(run):
    return runs.get(run.pk).status


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_a_job_runs_in_a_worker_once_however_often_it_is_delivered(
    scheduler, broker, start_worker, tmp_path
):
    """E2"""
    worker = start_worker()
    scheduler.start()
    note = tmp_path / "note"
    run = trigger("tests.note", path=str(note))
    done = runs.wait(run, 20)
    assert (done.status, done.executor) == ("succeeded", "celery")
    process = Process.objects.get(pk=done.process)
    assert process.kind == "worker"
    assert process.pid not in (os.getpid(), worker.process.pid)
    assert done.scheduled_for <= done.started_at <= done.finished_at
    broker.send_again(run.pk)
    wait_until(lambda: f"Task django_scheduler.run[{run.pk}] succeeded" in worker.log.read_text())
    after = runs.wait(jobs.trigger("tests.note"), 20)
    assert after.status == "succeeded"
    assert lines(note) == ["called", "called"]
    worker.terminate()
    assert set(Process.objects.filter(kind="worker").values_list("state", flat=True)) == {"stopped"}


def test_a_running_function_is_asked_to_stop(scheduler, start_worker, tmp_path):
    start_worker()
    scheduler.start()
    run = trigger("tests.hold", path=str(tmp_path / "note"), until=str(tmp_path / "never"))
    wait_until(lambda: lines(tmp_path / "note"))
    runs.stop(run, reason="enough")
    done = runs.wait(run, 20)
    assert (done.status, done.reason) == ("stopped", "enough")


def test_a_run_waits_for_a_broker_that_is_away(scheduler, broker):
    """E2"""
    away = broker.url.replace(":6379", ":1").replace(":5672", ":1")
    broker.app.conf.broker_url = away
    scheduler.start()
    run = trigger("tests.note", path="nowhere")
    wait_until(lambda: runs.get(run.pk).reason == "unpublished")
    assert status(run) == "queued"
    broker.app.conf.broker_url = broker.url
    assert broker.receive() == str(run.pk)
    wait_until(lambda: status(run) == "dispatched")
    assert runs.get(run.pk).reason == ""


def test_a_run_that_nobody_received_is_published_again(scheduler, broker, options):
    """E2"""
    options["redispatch_after"] = 1
    scheduler.start()
    run = trigger("tests.note", path="nowhere")
    assert broker.receive() == str(run.pk)
    assert broker.receive() == str(run.pk)


def test_a_run_whose_worker_is_killed_is_lost_and_tried_again(scheduler, start_worker, tmp_path):
    """E3"""
    first = start_worker()
    scheduler.start()
    note, until = tmp_path / "note", tmp_path / "until"
    run = trigger("tests.hold", path=str(note), until=str(until))
    wait_until(lambda: lines(note))
    first.kill()
    start_worker()
    until.touch()
    assert runs.wait(run, 20).status == "lost"
    again = Run.objects.get(number=2)
    done = runs.wait(again, 20)
    assert (done.status, done.attempt, done.result) == ("succeeded", 2, "done")
    assert lines(note) == [f"{run.key} 1", f"{run.key} 2"]


def test_a_function_that_kills_its_process_is_tried_again(scheduler, start_worker, tmp_path):
    """E3"""
    start_worker()
    scheduler.start()
    run = trigger("tests.die", path=str(tmp_path / "note"))
    assert runs.wait(run, 20).status == "lost"
    assert runs.wait(Run.objects.get(number=2), 20).status == "succeeded"


@pytest.mark.parametrize("pool", ["solo", "threads"])
@pytest.mark.parametrize("broker", BROKERS[:1], indirect=True)
def test_other_pools_run_jobs_as_well(scheduler, start_worker, tmp_path, pool):
    """E2"""
    worker = start_worker(pool)
    scheduler.start()
    done = runs.wait(trigger("tests.note", path=str(tmp_path / "note")), 20)
    assert done.status == "succeeded"
    assert Process.objects.get(pk=done.process).pid == worker.process.pid
    worker.terminate()
    assert Process.objects.get(pk=done.process).state == "stopped"
