"""What earlier runs of a job left, read from the database when a function asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import connections

from .. import conf
from ..models import Job, Run
from ..states import RunStatus
from .dispatch import Dispatch

__all__ = ["RowsOfThePast"]

T = TypeVar("T")


class RowsOfThePast:
    """The rows that a run's job and its earlier runs are. One query each, by an index."""

    def __init__(self, dispatch: Dispatch) -> None:
        # A run whose job was removed has no past; no job has this key.
        self._job_id = dispatch.job_id or 0

    def state(self) -> dict[str, Any]:
        """Return the state that the job carries; empty if it carries none that can be read."""
        carried = _out_of_loop(self._state)
        return carried if isinstance(carried, dict) else {}

    def _state(self) -> Any:
        jobs = Job.objects.using(conf.current().database).filter(pk=self._job_id)
        return jobs.values_list("carried_state", flat=True).first()

    def previous_result(self) -> Any:
        """Return the result of the job's newest run that succeeded; None if none has."""
        return _out_of_loop(self._previous_result)

    def _previous_result(self) -> Any:
        good = Run.objects.using(conf.current().database).filter(
            job_id=self._job_id, status=RunStatus.SUCCEEDED.value
        )
        return good.order_by("-id").values_list("result", flat=True).first()


def _out_of_loop(read: Callable[[], T]) -> T:
    """Call ``read`` here; in an event loop, where Django asks nothing, in a thread beside it.

    The loop stands still for as long as that takes: one query by a key.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return read()

    def and_close() -> T:
        try:
            return read()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1, "scheduler-past") as beside:
        return beside.submit(and_close).result()
