"""A schedule as it is shown before anything is stored: words, instants around now, warnings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from .base import Schedule, as_utc
from .effects import DstEffect, dst_effects

__all__ = ["Preview", "preview"]

#: Warnings tell what daylight saving does within so much time: each shift of a year once.
_AHEAD = timedelta(days=365)


@dataclass(frozen=True)
class Preview:
    """What a schedule does around an instant.

    Attributes:
        words: the schedule for people.
        text: its normalised spec text.
        zone: the zone whose clock it follows.
        upcoming: its next occurrences, earliest first, in UTC; of a fixed delay only one is known.
        previous: its last occurrences, latest first, in UTC.
        warnings: what daylight saving does to it within a year.
    """

    words: str
    text: str
    zone: str
    upcoming: tuple[datetime, ...]
    previous: tuple[datetime, ...]
    warnings: tuple[DstEffect, ...]


def preview(schedule: Schedule, now: datetime, count: int = 5, past: int = 3) -> Preview:
    """The schedule in words, with at most ``count`` occurrences after ``now`` and ``past`` before.

    Those before are of the schedule alone: no job need have run at them.
    """
    ahead = 1 if schedule.fixed_delay else count
    return Preview(
        words=schedule.describe(),
        text=str(schedule),
        zone=schedule.zone_name,
        upcoming=tuple(schedule.upcoming(now, ahead)),
        previous=tuple(_before(schedule, now, 0 if schedule.fixed_delay else past)),
        warnings=coming_effects(schedule, now),
    )


def coming_effects(schedule: Schedule, now: datetime) -> tuple[DstEffect, ...]:
    """What daylight saving does to the schedule within a year, as far as anybody notices."""
    return tuple(each for each in dst_effects(schedule, now, now + _AHEAD) if not each.rhythm)


def _before(schedule: Schedule, now: datetime, count: int) -> list[datetime]:
    found: list[datetime] = []
    instant: datetime | None = as_utc(now)
    while len(found) < count and instant is not None:
        instant = schedule.previous_before(instant)
        if instant is not None:
            found.append(instant)
    return found
