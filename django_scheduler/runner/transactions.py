"""Transactions that somebody's code leaves open in this thread, and connections it leaves behind.

What comes after such code in the same thread, the next hook or the next run, would write into the
open transaction, and all of it would be gone in the end.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections

from ..exceptions import TransactionLeftOpen

__all__ = ["Depths", "end_transactions", "is_any_open", "open_transactions", "tidy_connections"]

logger = logging.getLogger("django_scheduler.runs")

Depths = dict[str, tuple[int, bool]]
"""By alias: how many ``atomic`` blocks are open, and whether autocommit is on outside of them."""


def open_transactions() -> Depths:
    """Return what is open in this thread, to compare with later."""
    return {each.alias: _state(each) for each in connections.all(initialized_only=True)}


def _state(connection: Any) -> tuple[int, bool]:
    if connection.in_atomic_block:
        return len(connection.atomic_blocks), False
    default = bool(connection.settings_dict["AUTOCOMMIT"])
    return 0, default if connection.connection is None else bool(connection.autocommit)


def is_any_open() -> bool:
    """Tell whether a transaction is open in this thread, on whichever connection."""
    known = connections.all(initialized_only=True)
    opened = [each for each in known if each.connection is not None]
    return any(each.in_atomic_block or not each.autocommit for each in opened)


def end_transactions(before: Depths) -> TransactionLeftOpen | None:
    """Roll back what was opened since ``before``, and return what is to be said of it, if any."""
    left = []
    for connection in connections.all(initialized_only=True):
        default = (0, bool(connection.settings_dict["AUTOCOMMIT"]))
        if _end(connection, *before.get(connection.alias, default)):
            left.append(connection.alias)
    return TransactionLeftOpen(left) if left else None


def _end(connection: Any, depth: int, autocommit: bool) -> bool:
    """Leave the blocks deeper than ``depth``; tell whether there were any."""
    found = False
    while connection.in_atomic_block and len(connection.atomic_blocks) > depth:
        found = True
        _roll_back(connection)
    if connection.in_atomic_block or _state(connection) == (0, autocommit):
        return found
    # Nobody can tell what was written since autocommit was switched off: a new connection can.
    _close(connection)
    return True


def _roll_back(connection: Any) -> None:
    """Leave the innermost block as an exception would."""
    error = TransactionLeftOpen([connection.alias])
    try:
        connection.atomic_blocks[-1].__exit__(type(error), error, None)
    except Exception:
        # The connection is broken as well. A new one begins without any of this.
        connection.in_atomic_block = False
        connection.atomic_blocks = []
        connection.savepoint_ids = []
        connection.needs_rollback = False
        _close(connection)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except Exception as error:  # it was broken, and is forgotten all the same
        logger.debug("A connection to %s could not be closed: %s", connection.alias, error)


def tidy_connections() -> None:
    """Close this thread's connections that are broken or old. It raises nothing."""
    for connection in connections.all(initialized_only=True):
        try:
            connection.close_if_unusable_or_obsolete()
        except Exception as error:
            logger.debug("A connection to %s was given up: %s", connection.alias, error)
            _close(connection)
