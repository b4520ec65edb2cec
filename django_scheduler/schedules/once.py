"""Schedules that do not repeat: one instant, or none at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from ..exceptions import InvalidSchedule
from .base import Schedule, as_utc, check_within_calendar, fixed_offset, format_instant
from .speech import Voice, in_words
from .wall import zone_called

__all__ = ["Manual", "Once"]


@dataclass(frozen=True)
class Once(Schedule):
    """A single instant; owed even when it lies in the past. Make one with ``once()``.

    Raises:
        InvalidSchedule: ``at`` is not an aware datetime.
    """

    one_shot: ClassVar[bool] = True

    at: datetime

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.at, datetime) or self.at.utcoffset() is None:
            raise InvalidSchedule(
                f"{self.at!r} is not an instant: once() needs an aware datetime.", field="schedule"
            )
        check_within_calendar(self.at)
        object.__setattr__(self, "at", fixed_offset(self.at))

    def next_after(self, instant: datetime) -> datetime | None:
        """``at``, in UTC, while it is still to come."""
        at = as_utc(self.at)
        return at if as_utc(instant) < at else None

    def previous_before(self, instant: datetime) -> datetime | None:
        """``at``, in UTC, once it is past."""
        at = as_utc(self.at)
        return at if at < as_utc(instant) else None

    def first(self, created_at: datetime) -> datetime | None:
        """``at``, also when it lies before the job's creation."""
        return as_utc(self.at)

    def describe(self) -> str:
        """The instant in words, on the clock of its zone if it has one."""
        return in_words(self._told)

    def _told(self, voice: Voice) -> str:
        if self.timezone is None:
            return voice.say("Once, at {instant}", instant=self.at.isoformat(sep=" "))
        local = self.at.astimezone(zone_called(self.timezone)).isoformat(sep=" ")
        return f"{voice.say('Once, at {instant}', instant=local)}, {self.timezone}"

    def __str__(self) -> str:
        return f"@at {format_instant(self.at)}"


@dataclass(frozen=True)
class Manual(Schedule):
    """Never by itself: the job runs when somebody triggers it. Make one with ``manual()``."""

    on_demand: ClassVar[bool] = True

    def next_after(self, instant: datetime) -> datetime | None:
        """None, always."""
        as_utc(instant)
        return None

    def previous_before(self, instant: datetime) -> datetime | None:
        """None, always."""
        as_utc(instant)
        return None

    def describe(self) -> str:
        """The schedule in words."""
        return in_words(lambda voice: voice.say("Only when triggered"))

    def __str__(self) -> str:
        return "@manual"
