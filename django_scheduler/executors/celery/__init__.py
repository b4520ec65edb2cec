"""Runs carried out by Celery workers. A broker gets a run's id, the database keeps everything.

Knows how to hand a run's id to a broker and whether the broker has it. What a worker does with
the id is the worker's side; neither must know why a run is due.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

try:
    from celery import Celery
except ModuleNotFoundError as error:
    if error.name != "celery":
        raise
    raise ImportError(
        "Celery is not installed; pip install 'django-runscheduler[celery]' brings it"
    ) from error

from ...clock import Clock
from ...policies import to_timedelta
from ...runner import Dispatch, Reporter, Runner
from ..base import Executor
from .publisher import Broker, Publisher
from .worker import TASK

__all__ = ["TASK", "CeleryExecutor"]


class CeleryExecutor(Executor):
    """Publishes each run's id to a broker; a Celery worker takes it and carries the run out.

    Publishing is done by a thread of its own. Until the broker has confirmed a run it belongs to
    this process; from then on it belongs to nobody until a worker receives it.

    Args:
        app: dotted path of the project's Celery application.
        queue: the Celery queue of runs whose job names none; empty: Celery's default queue.
        in_flight: how many runs may wait here to be published.
        redispatch_after: a ``timedelta`` or seconds, more than 0.
    """

    def __init__(
        self,
        alias: str,
        app: str,
        queue: str = "",
        in_flight: int = 1000,
        redispatch_after: timedelta | float = timedelta(minutes=5),
    ) -> None:
        super().__init__(alias)
        if not isinstance(app, str) or not app:
            raise ValueError(f"app must be the dotted path of a Celery application, not {app!r}")
        if not isinstance(queue, str):
            raise ValueError(f"queue must be a text, not {queue!r}")
        if isinstance(in_flight, bool) or not isinstance(in_flight, int) or in_flight < 1:
            raise ValueError(f"in_flight must be a whole number from 1, not {in_flight!r}")
        span = to_timedelta(redispatch_after, "redispatch_after")
        if not span:
            raise ValueError(f"redispatch_after must be longer than 0, not {redispatch_after!r}")
        self.app = app
        self.queue = queue
        self.in_flight = in_flight
        self.redispatch_after = span
        self._publisher: Publisher | None = None

    def start(self, runner: Runner, reporter: Reporter, clock: Clock) -> None:
        """Import the Celery application and begin to publish in a thread of its own.

        Raises:
            ImproperlyConfigured: the option ``app`` names no Celery application.
        """
        broker = Broker(self._application(), self.queue)
        self._publisher = Publisher(self.alias, broker, reporter, clock, self.in_flight)
        self._publisher.start()

    def _application(self) -> Celery:
        option = f"DJANGO_SCHEDULER['EXECUTORS'][{self.alias!r}]['OPTIONS']['app']"
        remedy = 'Name the Celery application of the project, such as "config.celery.app".'
        try:
            found = import_string(self.app)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"{option} is {self.app!r}, which cannot be imported: {error}. {remedy}"
            ) from error
        if not isinstance(found, Celery):
            raise ImproperlyConfigured(
                f"{option} is {self.app!r}, which is a {type(found).__name__}. {remedy}"
            )
        return found

    def free_slots(self) -> int:
        """Return how many more runs may wait to be published; few while the broker is away."""
        return self._publisher.free_slots() if self._publisher else 0

    def submit(self, dispatch: Dispatch) -> None:
        """Leave the run to the publisher; it is given back if it cannot be published."""
        assert self._publisher is not None
        self._publisher.put(dispatch)

    def withdraw(self) -> list[Dispatch]:
        """Return the runs not yet published; the one being published is finished or given back."""
        return self._publisher.close() if self._publisher else []

    def stop(self, timeout: float) -> bool:
        """Wait until nothing is being published; what workers do goes on without this process."""
        return self._publisher.wait_until_idle(timeout) if self._publisher else True
