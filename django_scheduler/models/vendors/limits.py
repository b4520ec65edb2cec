"""How long the engine's own connections may be silent, wait for a lock, or wait for an answer.

All follow from the lease: what a stopped process holds must be free again before others take over
from it, and one whose database does not answer must be able to start over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.backends.signals import connection_created

from ... import conf

__all__ = ["Limits", "set_limits", "statements", "wire_options"]

_SHORTEST = timedelta(milliseconds=500)


@dataclass(frozen=True)
class Limits:
    """The limits of one engine connection.

    Attributes:
        idle: within a transaction, between two statements.
        lock: a statement waits for it; longer than ``idle``, so that what a stopped process held
            is had rather than given up just before it is free.
        silence: between two transactions, where a server knows no limit within one only.
    """

    idle: timedelta
    lock: timedelta
    silence: timedelta

    @classmethod
    def of(cls, settings: conf.SchedulerSettings) -> Limits:
        """Return the limits that suit these settings."""
        idle = max(settings.lease / 3, _SHORTEST)
        regular = max(settings.poll_interval, settings.heartbeat_interval)
        return cls(idle, 2 * idle, max(idle, 3 * regular))


def _whole_seconds(span: timedelta) -> int:
    return math.ceil(span.total_seconds())


def _milliseconds(span: timedelta) -> int:
    return math.ceil(span.total_seconds() * 1000)


def wire_options(connection: Any) -> dict[str, Any]:
    """Return the driver's options by which a dead peer is noticed; the project's own go first.

    A peer that vanished without a word would otherwise be waited for during a quarter of an hour.
    """
    lease = conf.current().lease
    third = max(2, _whole_seconds(lease / 3))
    if connection.vendor == "postgresql":
        return {
            "connect_timeout": third,
            "keepalives_idle": third,
            "keepalives_interval": max(1, third // 3),
            "keepalives_count": 3,
            "tcp_user_timeout": _milliseconds(max(lease / 3, timedelta(seconds=2))),
        }
    if connection.vendor == "mysql":
        # Longer than a statement may wait for its lock.
        answer = max(3, _whole_seconds(lease))
        return {"connect_timeout": third, "read_timeout": answer, "write_timeout": answer}
    return {}


def set_limits(connection: Any) -> None:
    """Tell the server the limits of this open connection, if it is one of the engine's."""
    limits: Limits | None = getattr(connection, "engine_limits", None)
    if limits is None:
        return
    said = statements(connection, limits)
    if said:
        with connection.cursor() as cursor:
            for statement in said:
                cursor.execute(statement)


def statements(connection: Any, limits: Limits) -> list[str]:
    """Return what tells the server of ``connection`` these limits."""
    if connection.vendor == "postgresql":
        return [
            f"SET idle_in_transaction_session_timeout = {_milliseconds(limits.idle)}",
            f"SET lock_timeout = {_milliseconds(limits.lock)}",
        ]
    if connection.vendor == "mysql":
        lock = f"SET SESSION innodb_lock_wait_timeout = {_whole_seconds(limits.lock)}"
        if connection.mysql_is_mariadb:
            return [f"SET SESSION idle_transaction_timeout = {_whole_seconds(limits.idle)}", lock]
        # MySQL counts every silence, also that between two transactions.
        return [f"SET SESSION wait_timeout = {_whole_seconds(limits.silence)}", lock]
    return []


def _on_connect(*, connection: Any, **_kwargs: object) -> None:
    set_limits(connection)


connection_created.connect(_on_connect, dispatch_uid="django_scheduler.models.vendors.limits")
