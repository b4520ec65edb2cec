"""The scheduler's side of the Celery executor, without a broker."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured

from django_scheduler.clock import SystemClock
from django_scheduler.executors.celery import TASK, CeleryExecutor
from django_scheduler.executors.celery.publisher import Broker, BrokerAway, Publisher
from django_scheduler.lifecycle import GivenBack, Published
from django_scheduler.runner import Runner, Watch
from django_scheduler.testing import ManualClock
from tests.executors.doubles import Recorder, make_dispatch
from tests.waiting import wait_until

not_celery = object()


class FakeBroker:
    """A broker that is there, away, or slow, as the test says."""

    def __init__(self):
        self.error = None
        self.gate = threading.Event()
        self.gate.set()
        self.got = []
        self.tries = 0

    def publish(self, dispatch):
        self.tries += 1
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        self.got.append(dispatch.run_id)

    def close(self):
        self.gate.set()


@pytest.fixture
def broker():
    return FakeBroker()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def publisher(broker, recorder, clock):
    publisher = Publisher("remote", broker, recorder, clock, 5)
    publisher.start()
    yield publisher
    broker.gate.set()
    publisher.close()
    publisher.join(10)


def test_a_confirmed_run_is_told_as_published(publisher, broker, recorder, clock):
    dispatch = make_dispatch()
    publisher.put(dispatch)
    (fact,) = wait_until(lambda: recorder.of(Published))
    assert fact == Published(**dispatch.guard, at=clock.now())
    assert broker.got == [dispatch.run_id]


def test_taking_runs_over_never_waits_for_the_broker(publisher, broker, recorder):
    broker.gate.clear()
    for _ in range(3):
        publisher.put(make_dispatch())
    assert publisher.free_slots() == 2
    assert recorder.of(Published) == []
    assert not publisher.wait_until_idle(0)


def test_no_room_beyond_what_may_be_in_flight(publisher, broker):
    broker.gate.clear()
    for _ in range(7):
        publisher.put(make_dispatch())
    assert publisher.free_slots() == 0


def test_all_that_waits_is_given_back_when_the_broker_is_away(publisher, broker, recorder, clock):
    broker.gate.clear()
    dispatches = [make_dispatch() for _ in range(3)]
    for dispatch in dispatches:
        publisher.put(dispatch)
    wait_until(lambda: broker.tries)
    broker.error = BrokerAway("refused")
    broker.gate.set()
    facts = wait_until(lambda: len(found := recorder.of(GivenBack)) == 3 and found)
    assert {fact.run_id for fact in facts} == {dispatch.run_id for dispatch in dispatches}
    assert {fact.reason for fact in facts} == {"unpublished"}
    assert {fact.due_at for fact in facts} == {clock.now() + timedelta(seconds=1)}
    assert broker.tries == 1


def test_one_run_at_a_time_finds_out_whether_the_broker_is_back(publisher, broker, recorder, clock):
    broker.error = BrokerAway("refused")
    publisher.put(make_dispatch())
    wait_until(lambda: recorder.of(GivenBack))
    assert publisher.wait_until_idle(10)
    assert publisher.free_slots() == 0
    clock.advance(1)
    assert publisher.free_slots() == 1
    broker.error = None
    publisher.put(make_dispatch())
    wait_until(lambda: publisher.free_slots() == 5)


def test_the_wait_for_the_broker_grows_and_is_bounded(publisher, broker, recorder, clock):
    broker.error = BrokerAway("refused")
    pauses = []
    for count in range(1, 8):
        publisher.put(make_dispatch())
        facts = wait_until(lambda n=count: len(f := recorder.of(GivenBack)) == n and f)
        pauses.append((facts[-1].due_at - clock.now()).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_an_outage_is_logged_once_and_its_end_once(publisher, broker, recorder, caplog):
    caplog.set_level(logging.WARNING, "django_scheduler.executors.celery")
    broker.error = BrokerAway("connection refused")
    for count in range(1, 4):
        publisher.put(make_dispatch())
        wait_until(lambda n=count: len(recorder.of(GivenBack)) == n)
    broker.error = None
    publisher.put(make_dispatch())
    wait_until(lambda: recorder.of(Published))
    assert publisher.wait_until_idle(10)
    away, back = [record.getMessage() for record in caplog.records]
    assert "is away" in away and "connection refused" in away
    assert "is back" in back


def test_a_run_the_broker_refuses_holds_up_no_other(publisher, broker, recorder, clock):
    broker.error = ValueError("such a queue cannot be")
    refused = make_dispatch()
    publisher.put(refused)
    (fact,) = wait_until(lambda: recorder.of(GivenBack))
    assert fact.run_id == refused.run_id
    assert fact.due_at == clock.now() + timedelta(seconds=30)
    broker.error = None
    assert publisher.wait_until_idle(10)
    assert publisher.free_slots() == 5


def test_what_was_not_begun_is_withdrawn_and_the_rest_is_finished(publisher, broker, recorder):
    broker.gate.clear()
    first, second = make_dispatch(), make_dispatch()
    publisher.put(first)
    wait_until(lambda: broker.tries)
    publisher.put(second)
    assert publisher.close() == [second]
    broker.gate.set()
    assert publisher.wait_until_idle(10)
    publisher.join(10)
    assert [fact.run_id for fact in recorder.of(Published)] == [first.run_id]
    assert publisher.free_slots() == 0


def test_a_run_submitted_after_the_end_is_given_back(publisher, recorder, clock):
    publisher.close()
    publisher.put(make_dispatch())
    (fact,) = recorder.of(GivenBack)
    assert fact.due_at == clock.now()


@pytest.fixture
def memory_app():
    return Celery("publishing", broker="memory://")


def _delivered(app, queue):
    with app.connection_for_read() as connection, connection.SimpleQueue(queue) as simple:
        message = simple.get(timeout=5)
        message.ack()
        return message


def test_the_message_names_the_run_and_nothing_else(memory_app):
    """E2"""
    queue, expires = f"q-{uuid.uuid4()}", datetime(2100, 1, 1, tzinfo=timezone.utc)
    dispatch = make_dispatch(expires_at=expires, kwargs={"secret": 1})
    broker = Broker(memory_app, queue)
    broker.publish(dispatch)
    broker.close()
    message = _delivered(memory_app, queue)
    assert message.headers["task"] == TASK
    assert message.headers["id"] == message.properties["correlation_id"] == str(dispatch.run_id)
    assert message.headers["ignore_result"] is True
    assert datetime.fromisoformat(message.headers["expires"]) == expires
    args, kwargs, _ = message.decode()
    assert (args, kwargs) == ([str(dispatch.run_id)], {})


def test_a_job_with_a_queue_is_published_there(memory_app):
    """T11 E2"""
    queue = f"q-{uuid.uuid4()}"
    broker = Broker(memory_app, "elsewhere")
    broker.publish(make_dispatch(queue=queue))
    broker.close()
    assert _delivered(memory_app, queue).headers["task"] == TASK


def test_a_job_without_a_queue_goes_to_celerys_own(memory_app):
    memory_app.conf.task_default_queue = queue = f"q-{uuid.uuid4()}"
    broker = Broker(memory_app, "")
    broker.publish(make_dispatch())
    broker.close()
    assert _delivered(memory_app, queue).headers["task"] == TASK


def test_a_closed_port_is_an_outage():
    app = Celery("closed", broker="redis://127.0.0.1:1/0")
    broker = Broker(app, "any")
    with pytest.raises(BrokerAway):
        broker.publish(make_dispatch())
    broker.close()


def _start(executor):
    clock, recorder = SystemClock(), Recorder()
    executor.start(Runner(clock, recorder, Watch(clock)), recorder, clock)


@pytest.mark.parametrize(
    "path", ["no.such.module", "tests.executors.nothing", f"{__name__}.not_celery"]
)
def test_an_app_that_is_none_is_named_when_it_starts(path):
    executor = CeleryExecutor("remote", app=path)
    with pytest.raises(ImproperlyConfigured, match=r"\['remote'\]\['OPTIONS'\]\['app'\]"):
        _start(executor)


@pytest.mark.parametrize(
    "options",
    [
        {"app": ""},
        {"app": 1},
        {"app": "a.b", "queue": 1},
        {"app": "a.b", "in_flight": 0},
        {"app": "a.b", "in_flight": True},
        {"app": "a.b", "redispatch_after": 0},
        {"app": "a.b", "redispatch_after": -1},
        {"app": "a.b", "redispatch_after": None},
    ],
)
def test_a_bad_option_is_refused(options):
    with pytest.raises(ValueError, match=next(reversed(options))):
        CeleryExecutor("remote", **options)


def test_an_executor_that_was_not_started_has_no_room_and_nothing_to_end():
    executor = CeleryExecutor("remote", app="a.b")
    assert executor.free_slots() == 0
    assert executor.withdraw() == []
    assert executor.stop(0)


def test_options_of_the_settings_reach_the_executor():
    options = {"app": "a.b", "queue": "q", "in_flight": 3, "redispatch_after": 90}
    executor = CeleryExecutor.from_options("remote", options, threads=20)
    assert executor.redispatch_after == timedelta(seconds=90)
    assert (executor.alias, executor.queue, executor.in_flight) == ("remote", "q", 3)
