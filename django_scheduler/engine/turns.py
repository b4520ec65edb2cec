"""Duties that one process does for all: whose turn it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q

from ..models import Duty

__all__ = ["is_due", "take_turn", "turn_of"]

_SHARE = 0.9
"""Of the interval, what must have passed: who comes a little early must not wait another one."""


@contextlib.contextmanager
def turn_of(name: str, every: timedelta, now: datetime, using: str) -> Iterator[bool]:
    """Tell whether the duty ``name``, due once in ``every``, is this process's to do now.

    Nothing is locked meanwhile, so a process that is stopped in the middle holds up nobody: the
    next one does it an interval later. If the block fails, whoever asks next has the turn.
    """
    mine = take_turn(name, every, now, using)
    try:
        yield mine
    except Exception:
        if mine:
            with contextlib.suppress(DatabaseError):
                Duty.objects.using(using).filter(pk=name).update(begun_at=None)
        raise


def is_due(had_at: datetime | None, every: timedelta, now: datetime) -> bool:
    """Tell whether it is time for a turn; None: nobody is known to have had it."""
    # An instant that lies ahead was written before the database's clock was set back.
    return had_at is None or had_at > now or had_at <= now - _SHARE * every


def take_turn(name: str, every: timedelta, now: datetime, using: str) -> bool:
    """Take the turn if nobody has had it lately. One conditional update decides."""
    rows = Duty.objects.using(using).filter(pk=name)
    due = rows.filter(
        Q(begun_at__isnull=True) | Q(begun_at__lte=now - _SHARE * every) | Q(begun_at__gt=now)
    )
    if due.update(begun_at=now):
        return True
    if rows.exists():
        return False
    Duty.objects.using(using).bulk_create([Duty(name=name)], ignore_conflicts=True)
    return bool(due.update(begun_at=now))
