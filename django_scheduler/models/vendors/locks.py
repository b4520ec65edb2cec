"""Row locks in each database's own reach."""

from __future__ import annotations

from typing import TypeVar

from django.db import connections
from django.db.models import Model, QuerySet

__all__ = ["locked", "without_limit"]

M = TypeVar("M", bound=Model)
R = TypeVar("R")


def locked(rows: QuerySet[M], *, skip: bool = False) -> QuerySet[M]:
    """Return ``rows`` so that reading them locks them until the transaction ends.

    Rows joined for filtering are left unlocked where the database can (MariaDB cannot). With
    ``skip``, rows locked by others are left out instead of waited for, where the database can.
    SQLite has one writer at a time and needs no row locks.
    """
    features = connections[rows.db].features
    return without_limit(rows).select_for_update(
        skip_locked=skip and features.has_select_for_update_skip_locked,
        of=("self",) if features.has_select_for_update_of else (),
        # Nobody here changes a key: rows that refer to these can be inserted meanwhile.
        no_key=features.has_select_for_no_key_update,
    )


def without_limit(rows: QuerySet[M, R]) -> QuerySet[M, R]:
    """Return ``rows`` so that they can be locked: without a limit, where that is in the way.

    The rows are chosen before they are locked there. Those that do not suit any more are left out;
    of those that somebody holds no others stand in for them.
    """
    limited = rows.query.is_sliced
    if not limited or connections[rows.db].features.supports_select_for_update_with_limit:
        return rows
    keys = list(rows.values_list("pk", flat=True))
    whole = rows.all()
    whole.query.clear_limits()
    return whole.filter(pk__in=keys)
