"""What planning says: which occurrences to run, what to record, when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Plan", "Planned", "Summary"]


@dataclass(frozen=True)
class Planned:
    """An occurrence to make a run of.

    Attributes:
        scheduled_for: the nominal instant, the occurrence's identity.
        missed: how many older occurrences the run stands for besides its own.
        late: True if it is caught up, False if it is on time.
    """

    scheduled_for: datetime
    missed: int = 0
    late: bool = False


@dataclass(frozen=True)
class Summary:
    """Occurrences that are not run, to be recorded in one row.

    Attributes:
        first, last: the oldest and the newest of them, nominal.
        count: how many they are.
        reason: ``missed`` (by policy), ``window`` (too old) or ``limit`` (too many).
    """

    first: datetime
    last: datetime
    count: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to look again.

    Attributes:
        occurrences: to run, oldest first.
        summaries: to record, oldest first.
        next_occurrence: the next nominal instant; None if there is none, or none is known yet.
        next_at: when to look again: the next occurrence with its jitter, or after a short pause if
            more missed ones are to be planned; None if they wait, and with ``next_occurrence``.
        planned_until: the newest nominal instant dealt with; never earlier than it was. Of a fixed
            delay that is not run, the present: its next one is measured from there.
        ended: True if no occurrence will come any more.
        waits: True if missed occurrences are left for which there is no room: look again when an
            active run of the job ends. ``next_occurrence`` is the oldest of them.
    """

    occurrences: tuple[Planned, ...]
    summaries: tuple[Summary, ...]
    next_occurrence: datetime | None
    next_at: datetime | None
    planned_until: datetime
    ended: bool
    waits: bool = False
