"""A database that takes everything but what is told of runs, as a full disk or a lock would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

TABLE = "django_scheduler_run"


def is_told_of_runs(sql: str) -> bool:
    """Whether the statement changes rows of runs."""
    head = sql.lstrip().partition("SET")[0]
    return head.upper().startswith("UPDATE") and TABLE in head


def anything(sql: str) -> bool:
    """Whether the database is asked anything at all."""
    return True


@contextmanager
def failing(
    which: Callable[[str], bool] = is_told_of_runs, about: Callable[[Any], bool] = bool
) -> Iterator[list[str]]:
    """Fail the statements of every connection for which `which` and, of values, `about` say so.

    The list that is given fills with the statements that failed.
    """
    real, failed = (CursorWrapper.execute, CursorWrapper.executemany), []

    def refuse(sql: Any, values: Any) -> None:
        if which(str(sql)) and about(values):
            failed.append(str(sql))
            raise OperationalError("no space left on device")

    def execute(self: Any, sql: Any, params: Any = None) -> Any:
        refuse(sql, params or True)
        return real[0](self, sql, params)

    def executemany(self: Any, sql: Any, param_list: Any) -> Any:
        refuse(sql, param_list or True)
        return real[1](self, sql, param_list)

    CursorWrapper.execute, CursorWrapper.executemany = execute, executemany  # type: ignore[method-assign]
    try:
        yield failed
    finally:
        CursorWrapper.execute, CursorWrapper.executemany = real  # type: ignore[method-assign]
