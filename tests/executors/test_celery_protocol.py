"""From claim to worker and back, on a manual clock and with brokers that do as they are told."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from django_scheduler import jobs, runs
from django_scheduler.executors import celery
from django_scheduler.executors.celery import CeleryExecutor
from django_scheduler.executors.celery.publisher import BrokerAway
from django_scheduler.models import Run
from django_scheduler.testing import ManualScheduler
from tests.executors.celery_app import PATH
from tests.executors.conftest import EXECUTORS
from tests.waiting import wait_until

LEASE_OVER = timedelta(seconds=30)


class ScriptedBroker:
    """Keeps the ids it was given; may be away, or never answer."""

    def __init__(self):
        self.got = []
        self.away = False
        self.answers = threading.Event()
        self.answers.set()

    def publish(self, dispatch):
        if self.away:
            raise BrokerAway("nobody listens")
        self.got.append(dispatch.run_id)
        assert self.answers.wait(20)

    def close(self):
        pass


@pytest.fixture
def broker(monkeypatch):
    broker = ScriptedBroker()
    monkeypatch.setattr(celery, "Broker", lambda app, queue: broker)
    yield broker
    broker.answers.set()


@pytest.fixture
def remote(scheduler_clock, broker, db, settings):
    """A scheduler whose only executor is Celery's, with the broker of the test."""
    settings.DJANGO_SCHEDULER = {"EXECUTORS": EXECUTORS}
    executor = CeleryExecutor("celery", app=f"{PATH}.app", redispatch_after=60)
    scheduler = ManualScheduler(scheduler_clock, executors={"celery": executor})
    yield scheduler
    broker.answers.set()
    scheduler.close()


@pytest.fixture
def job(remote, calls):
    return jobs.add("remote", function="remote", executor="celery")


def status(run):
    return runs.get(run.pk).status


def until(remote, question):
    """Let the scheduler turn, without time passing, until the publisher's word has arrived."""

    def turn_and_ask():
        remote.run_due()
        return question()

    return wait_until(turn_and_ask)


def test_a_confirmed_run_belongs_to_nobody_until_it_is_received(remote, job, scheduler_clock):
    """E2"""
    run = jobs.trigger("remote")
    until(remote, lambda: status(run) == "dispatched")
    row = runs.get(run.pk)
    assert (row.process, row.dispatched_at) == (None, scheduler_clock.now())


def test_what_is_published_and_never_received_is_published_again(remote, broker, job):
    """E2"""
    run = jobs.trigger("remote")
    until(remote, lambda: status(run) == "dispatched")
    remote.advance(timedelta(seconds=59))
    assert broker.got == [run.pk]
    remote.advance(timedelta(seconds=15))
    until(remote, lambda: status(run) == "dispatched")
    assert broker.got == [run.pk, run.pk]


def test_a_scheduler_that_dies_before_the_broker_answers_loses_nothing(remote, broker, job):
    """E2"""
    broker.answers.clear()
    run = jobs.trigger("remote")
    remote.run_due()
    wait_until(lambda: broker.got)
    remote.kill()
    broker.answers.set()
    remote.advance(LEASE_OVER)
    remote.advance(LEASE_OVER)
    until(remote, lambda: status(run) == "dispatched")
    assert broker.got == [run.pk, run.pk]
    assert Run.objects.count() == 1


def test_a_run_that_cannot_be_published_waits_and_loses_no_attempt(remote, broker, job):
    """E2"""
    broker.away = True
    run = jobs.trigger("remote")
    until(remote, lambda: runs.get(run.pk).reason == "unpublished")
    assert (status(run), runs.get(run.pk).process) == ("queued", None)
    broker.away = False
    remote.advance(timedelta(seconds=5))
    until(remote, lambda: status(run) == "dispatched")
    row = runs.get(run.pk)
    assert (row.attempt, row.number, row.reason) == (1, 1, "")


def test_a_stop_that_comes_while_the_run_is_published_is_carried_out(remote, broker, job):
    broker.answers.clear()
    run = jobs.trigger("remote")
    remote.run_due()
    wait_until(lambda: broker.got)
    assert runs.stop(run, reason="never mind").status == "queued"
    broker.answers.set()
    until(remote, lambda: status(run) == "dispatched")
    remote.advance(timedelta(seconds=15))
    row = runs.get(run.pk)
    assert (row.status, row.reason) == ("stopped", "never mind")
    assert broker.got == [run.pk]


def test_a_stop_reaches_a_run_that_was_given_back(remote, broker, job):
    broker.answers.clear()
    run = jobs.trigger("remote")
    remote.run_due()
    wait_until(lambda: broker.got)
    runs.stop(run, reason="never mind")
    remote.close()
    assert status(run) in ("queued", "dispatched")
    broker.answers.set()
    remote.kill()
    remote.advance(LEASE_OVER)
    remote.advance(LEASE_OVER)
    row = runs.get(run.pk)
    assert (row.status, row.reason) == ("stopped", "never mind")


def test_a_published_run_past_its_start_deadline_is_skipped(remote, broker, job):
    jobs.update("remote", start_deadline=20)
    run = jobs.trigger("remote")
    until(remote, lambda: status(run) == "dispatched")
    remote.advance(timedelta(seconds=45))
    row = runs.get(run.pk)
    assert (row.status, row.reason) == ("skipped", "expired")
    assert broker.got == [run.pk]


def test_a_scheduler_that_stops_leaves_what_it_did_not_publish_to_others(remote, broker, job):
    """E2"""
    broker.answers.clear()
    jobs.update("remote", overlap="allow")
    both = {jobs.trigger("remote").pk, jobs.trigger("remote").pk}
    remote.run_due()
    wait_until(lambda: broker.got)
    threading.Timer(0.1, broker.answers.set).start()
    remote.scheduler.close(grace=timedelta(days=1))
    (published,) = broker.got
    (other,) = both - {published}
    assert runs.get(published).status == "dispatched"
    waiting = runs.get(other)
    assert (waiting.status, waiting.process) == ("queued", None)
    assert waiting.due_at is not None
