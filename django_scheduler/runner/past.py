"""What earlier runs of a job left, read from the database when a function asks for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from .. import conf
from ..context import is_in_loop
from ..models import Job, Run
from ..states import RunStatus
from .dispatch import Dispatch

__all__ = ["RowsOfThePast"]

logger = logging.getLogger("django_scheduler.runs")

T = TypeVar("T")


class RowsOfThePast:
    """The rows that a run's job and its earlier runs are. One query each, by an index."""

    def __init__(self, dispatch: Dispatch) -> None:
        # A run whose job was removed has no past; no job has this key.
        self._job_id = dispatch.job_id or 0
        self._job_name = dispatch.job_name
        self._using = conf.current().database
        self._thread = threading.get_ident()
        self._connection: Any = connections[self._using]

    def state(self) -> dict[str, Any]:
        """Return the state that the job carries; empty if it carries none that can be read."""
        carried = self._out_of_loop(self._state)
        if isinstance(carried, dict):
            return carried
        if carried is not None:
            logger.warning(
                "The job %s carries %.80r, which is no dict; the run begins with an empty state",
                self._job_name,
                carried,
            )
        return {}

    def _state(self) -> Any:
        jobs = Job.objects.using(self._using).filter(pk=self._job_id)
        return jobs.values_list("carried_state", flat=True).first()

    def previous_result(self) -> Any:
        """Return the result of the job's newest run that succeeded; None if none has."""
        return self._out_of_loop(self._previous_result)

    def _previous_result(self) -> Any:
        good = Run.objects.using(self._using).filter(
            job_id=self._job_id, status=RunStatus.SUCCEEDED.value
        )
        return good.order_by("-id").values_list("result", flat=True).first()

    def _out_of_loop(self, read: Callable[[], T]) -> T:
        """Call ``read`` here; in an event loop, where Django asks nothing, in a thread beside it.

        The loop stands still for as long as that takes: one query by a key.
        """
        if not is_in_loop():
            return read()
        lent = self._connection if self._is_in_transaction() else None
        if lent is not None:
            lent.inc_thread_sharing()
        try:
            with ThreadPoolExecutor(1, "scheduler-past") as thread:
                return thread.submit(_beside, read, self._using, lent).result()
        finally:
            if lent is not None:
                lent.dec_thread_sharing()

    def _is_in_transaction(self) -> bool:
        """Tell whether a transaction is open in this thread, as in tests.

        What it has written is seen through its own connection only, and may be locked for others.
        """
        same = threading.get_ident() == self._thread
        return same and bool(self._connection.in_atomic_block)


def _beside(read: Callable[[], T], using: str, lent: Any) -> T:
    """Call ``read`` with the connection that is lent, or with one that is closed again."""
    if lent is not None:
        connections[using] = lent
    try:
        return read()
    finally:
        if lent is None:
            connections.close_all()
