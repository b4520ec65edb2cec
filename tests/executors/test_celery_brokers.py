"""What counts as published, with real brokers behind a line that fails."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.conf import settings

from django_scheduler.executors.celery import publisher
from django_scheduler.executors.celery.publisher import Broker, BrokerAway
from tests.executors.celery_app import make_app
from tests.executors.doubles import make_dispatch
from tests.executors.live import BROKERS, LiveBroker
from tests.executors.proxy import Proxy


@pytest.fixture(params=BROKERS)
def live(request):
    live = LiveBroker(getattr(settings, request.param))
    yield live
    live.remove()


@pytest.fixture
def proxy(live):
    proxy = Proxy(urlsplit(live.url).port)
    yield proxy
    proxy.close()


@pytest.fixture
def broker(live, proxy):
    """The publisher's end of a line through the proxy."""
    parts = urlsplit(live.url)
    through = parts.netloc.replace(f":{parts.port}", f":{proxy.port}")
    broker = Broker(make_app(parts._replace(netloc=through).geturl(), live.queue), "")
    yield broker
    proxy.close()
    broker.close()


def test_what_was_published_is_there(live, broker):
    """E2"""
    dispatch = make_dispatch()
    broker.publish(dispatch)
    assert live.receive() == str(dispatch.run_id)


def test_one_connection_serves_many_runs(broker, proxy):
    broker.publish(make_dispatch())
    made = proxy.connections
    for _ in range(3):
        broker.publish(make_dispatch())
    assert proxy.connections == made


def test_a_kept_connection_that_was_dropped_is_no_outage(live, broker, proxy):
    broker.publish(make_dispatch())
    live.receive()
    proxy.cut()
    dispatch = make_dispatch()
    broker.publish(dispatch)
    assert live.receive() == str(dispatch.run_id)


def test_what_the_broker_does_not_confirm_is_not_published(broker, proxy, monkeypatch):
    """E2"""
    monkeypatch.setattr(publisher, "PATIENCE", 1)
    broker.publish(make_dispatch())
    proxy.mute = True
    with pytest.raises(BrokerAway):
        broker.publish(make_dispatch())


def test_a_broker_that_is_back_is_used_again(live, broker, proxy, monkeypatch):
    monkeypatch.setattr(publisher, "PATIENCE", 1)
    proxy.mute = True
    with pytest.raises(BrokerAway):
        broker.publish(make_dispatch())
    proxy.mute = False
    proxy.cut()
    dispatch = make_dispatch()
    broker.publish(dispatch)
    assert live.receive() == str(dispatch.run_id)


@pytest.mark.parametrize("live", BROKERS[1:], indirect=True)
def test_a_job_with_a_lower_number_goes_first_on_rabbitmq(live):
    """T11"""
    live.app.conf.task_queue_max_priority = 5
    broker = Broker(live.app, "")
    late, soon = make_dispatch(priority=9), make_dispatch(priority=0)
    broker.publish(late)
    broker.publish(soon)
    broker.close()
    assert [live.receive(), live.receive()] == [str(soon.run_id), str(late.run_id)]


@pytest.mark.parametrize("live", BROKERS[:1], indirect=True)
def test_a_job_with_a_lower_number_goes_first_on_redis(live):
    """T11"""
    broker = Broker(live.app, "")
    late, soon = make_dispatch(priority=9), make_dispatch(priority=-3)
    broker.publish(late)
    broker.publish(soon)
    broker.close()
    assert [live.receive(), live.receive()] == [str(soon.run_id), str(late.run_id)]
