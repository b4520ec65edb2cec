"""From a dispatch to a confirmed message, in a thread that may wait for a broker.

It must not know the database: what became of a run is told to the reporter.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from celery import Celery
from kombu import Connection, Producer
from kombu.exceptions import OperationalError

from ...clock import Clock
from ...lifecycle import GivenBack, Published
from ...runner import Dispatch, Reporter
from ...states import Reason
from .worker import TASK

__all__ = ["Broker", "BrokerAway", "Publisher"]

logger = logging.getLogger("django_scheduler.executors.celery")

PATIENCE = 5
"""Seconds a broker has to accept a connection, and then to confirm a message."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
REFUSED_PAUSE = timedelta(seconds=30)
"""How long a run waits that the broker refused although it is there."""


class BrokerAway(Exception):
    """The broker cannot be reached, or does not answer in time."""


class Broker:
    """One kept connection to the application's broker. Belongs to one thread."""

    def __init__(self, app: Celery, queue: str) -> None:
        self._app = app
        self._queue = queue
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def publish(self, dispatch: Dispatch) -> None:
        """Return once the broker has confirmed that it has the run's id.

        A kept connection may have been dropped while idle: then a new one is tried at once. The
        message may have arrived nevertheless; workers refuse the second one.

        Raises:
            BrokerAway: it cannot be reached.
            Exception: whatever else keeps this run from being published.
        """
        kept = self._producer is not None
        try:
            self._send(dispatch, self._producer or self._connect())
        except BrokerAway:
            self.close()
            if not kept:
                raise
            self.publish(dispatch)
        except Exception:
            self.close()
            raise

    def _connect(self) -> Producer:
        try:
            connection = self._app.connection_for_write(
                connect_timeout=PATIENCE, transport_options=self._transport_options()
            )
            self._connection = connection
            connection.ensure_connection(
                max_retries=1, interval_start=0, interval_step=0, interval_max=0, timeout=PATIENCE
            )
            self._producer = self._app.amqp.Producer(connection)
        except Exception as error:
            raise BrokerAway(str(error) or type(error).__name__) from error
        return self._producer

    def _transport_options(self) -> dict[str, Any]:
        """Return the project's options with bounds on waiting and, for AMQP, confirms."""
        given = dict(self._app.conf.broker_transport_options or {})
        kind = self._app.connection_for_write().transport.driver_type
        if kind == "amqp":
            bounds = {"read_timeout": PATIENCE, "write_timeout": PATIENCE}
            # Without confirms a message counts as sent when it has left this machine.
            return {**bounds, **given, "confirm_publish": True}
        if kind == "redis":
            return {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, **given}
        return given

    def _send(self, dispatch: Dispatch, producer: Producer) -> None:
        queue = dispatch.queue or self._queue or self._app.conf.task_default_queue
        run_id = str(dispatch.run_id)
        assert self._connection is not None
        try:
            self._app.send_task(
                TASK,
                args=(run_id,),
                task_id=run_id,
                queue=queue,
                expires=dispatch.expires_at,
                priority=self._priority(dispatch.priority, queue),
                producer=producer,
                retry=False,
                serializer="json",
                ignore_result=True,
                add_to_parent=False,
            )
        except _outages(self._connection) as error:
            raise BrokerAway(str(error) or type(error).__name__) from error

    def _priority(self, priority: int, queue: str) -> int | None:
        """Return the message's priority in the broker's own counting; None where it has none.

        A job's lower number goes first. So it does on Redis, which knows 0 to 9; on RabbitMQ the
        higher goes first, up to what the queue was declared with.
        """
        assert self._connection is not None
        if self._connection.transport.driver_type == "redis":
            return min(max(priority, 0), 9)
        declared = self._app.amqp.queues[queue].queue_arguments or {}
        highest: int | None = declared.get("x-max-priority")
        return None if highest is None else max(highest - max(priority, 0), 0)

    def close(self) -> None:
        """Drop the connection, whatever state it is in; the next run makes a new one."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collect(socket_timeout=1)


def _outages(connection: Connection) -> tuple[type[BaseException], ...]:
    """Return the exceptions that say the broker cannot be reached, whichever it is."""
    of_its_kind: Iterable[type[BaseException]] = connection.connection_errors
    return (OSError, OperationalError, *of_its_kind)


class Publisher(threading.Thread):
    """Publishes what it is given, in order, and tells what became of each.

    While the broker is away, one run at a time finds out whether it is back; all others are
    given back, for another scheduler may reach it.
    """

    def __init__(
        self, alias: str, broker: Broker, reporter: Reporter, clock: Clock, in_flight: int
    ) -> None:
        super().__init__(name=f"scheduler-{alias}", daemon=True)
        self._alias = alias
        self._broker = broker
        self._reporter = reporter
        self._clock = clock
        self._in_flight = in_flight
        self._state = threading.Condition()
        self._waiting: deque[Dispatch] = deque()
        self._busy = False
        self._closed = False
        self._pause = 0.0
        self._try_again_at = 0.0

    def free_slots(self) -> int:
        """Return how many more runs it takes now."""
        with self._state:
            unpublished = len(self._waiting) + self._busy
            if self._closed:
                return 0
            if not self._pause:
                return max(0, self._in_flight - unpublished)
            due = self._clock.monotonic() >= self._try_again_at
            return 1 if due and not unpublished else 0

    def put(self, dispatch: Dispatch) -> None:
        """Have the run published; after :meth:`close` it is given back at once."""
        with self._state:
            if not self._closed:
                self._waiting.append(dispatch)
                self._state.notify_all()
                return
        self._give_back([dispatch], timedelta(0))

    def close(self) -> list[Dispatch]:
        """Return what was not begun, and end once nothing is being published."""
        with self._state:
            self._closed = True
            self._state.notify_all()
            return self._drain()

    def wait_until_idle(self, timeout: float) -> bool:
        """Return whether nothing waits or is being published, after ``timeout`` s at most."""
        with self._state:
            return self._state.wait_for(lambda: not (self._busy or self._waiting), timeout)

    def _drain(self) -> list[Dispatch]:
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def run(self) -> None:
        """Publish until closed."""
        try:
            while (dispatch := self._next()) is not None:
                self._publish(dispatch)
        finally:
            self._give_back(self.close(), timedelta(0))
            self._idle()
            self._broker.close()

    def _idle(self) -> None:
        with self._state:
            self._busy = False
            self._state.notify_all()

    def _next(self) -> Dispatch | None:
        self._idle()
        with self._state:
            self._state.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            self._busy = True
            return self._waiting.popleft()

    def _publish(self, dispatch: Dispatch) -> None:
        try:
            self._broker.publish(dispatch)
        except BrokerAway as error:
            self._wait_for_broker(dispatch, error)
        except Exception:
            logger.exception("The broker refused run %s; it is tried again", dispatch.run_id)
            self._give_back([dispatch], REFUSED_PAUSE)
        else:
            self._reporter.tell(Published(**dispatch.guard, at=self._clock.now()))
            self._be_back()

    def _wait_for_broker(self, dispatch: Dispatch, error: BrokerAway) -> None:
        with self._state:
            first = not self._pause
            self._pause = min(LONGEST_PAUSE, 2 * self._pause or FIRST_PAUSE)
            self._try_again_at = self._clock.monotonic() + self._pause
            unpublished = [dispatch, *self._drain()]
        if first:
            logger.warning(
                "The broker of the executor %r is away; runs wait until it is back: %s",
                self._alias,
                error,
            )
        self._give_back(unpublished, timedelta(seconds=self._pause))

    def _be_back(self) -> None:
        if self._pause:
            logger.warning("The broker of the executor %r is back", self._alias)
            with self._state:
                self._pause = 0.0

    def _give_back(self, dispatches: Iterable[Dispatch], pause: timedelta) -> None:
        due_at = self._clock.now() + pause
        for dispatch in dispatches:
            self._reporter.tell(
                GivenBack(**dispatch.guard, due_at=due_at, reason=Reason.UNPUBLISHED.value)
            )
