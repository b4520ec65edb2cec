"""Publishing runs for Celery workers, against bare LPUSH of the same bytes."""

from __future__ import annotations

import os
import uuid

from ..databases import redis_url
from ..figures import Figure, pairwise
from ..loading import load, make_due
from ..raw import timed
from ..seams import celery_publisher, dispatches
from .place import Place

__all__ = ["measure"]

TARGET = 0.10


def measure(place: Place) -> list[Figure]:
    """One kept connection each, one confirmed message after the other, a queue of its own."""
    import redis
    from celery import Celery

    count = place.pick(20, 300, 1_000)
    client = redis.Redis.from_url(redis_url())
    queue = f"benchmark-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    app = Celery("benchmark", broker=redis_url())
    app.conf.task_default_queue = queue
    app.conf.broker_transport_options = {"global_keyprefix": f"{queue}:"}
    key = f"{queue}:{queue}"
    given = _dispatches(place, count)
    try:
        with celery_publisher(app, queue) as publish:
            publish(given[0])
            message = client.lindex(key, 0)
            assert isinstance(message, bytes)
            pairs = pairwise(
                lambda: timed(lambda: [publish(each) for each in given]),
                lambda: timed(lambda: [client.lpush(f"{key}-raw", message) for _ in given]),
                place.pick(1, 4, 12),
                place.seconds,
            )
    finally:
        for each in list(client.scan_iter(f"{queue}*")):
            client.delete(each)
    return [
        Figure(
            "celery", "Celery publish, Redis", "redis", pairs.rate(count), "messages/s",
            ratio=pairs.ratio, target=f"≥ {TARGET} of raw LPUSH", good=pairs.ratio >= TARGET,
            note=f"raw {pairs.raw_rate(count):,.0f}/s of {len(message):,} bytes;"
            f" {pairs.rounds} rounds of {count}",
            series={"ours": pairs.ours, "raw": pairs.raw},
        )
    ]  # fmt: skip


def _dispatches(place: Place, count: int) -> list:
    from django_scheduler.models import Run

    make_due(load(count))
    with place.bare() as bare, bare.transaction():
        bare.claim(count)
    return dispatches(list(Run.objects.select_related("job")))
