"""Intervals: fixed rate on an anchored grid, whole days on the wall clock, and fixed delay.

All by arithmetic on the distance from the anchor; nothing walks from occurrence to occurrence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone

from ..exceptions import InvalidInterval
from .base import (
    Schedule,
    as_utc,
    check_within_calendar,
    clamped,
    fixed_offset,
    format_instant,
    parse_instant,
)
from .effects import DstAction, DstEffect, effect_of, standing_words
from .speech import Voice, in_words
from .wall import Shift, instant_of, to_wall, zone_called

__all__ = ["Interval", "parse_interval"]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY = timedelta(days=1)
_LONGEST_DAYS = 36_600
_SPAN = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_TEXT = re.compile(r"(\S+)(?:\s+from\s+(\S+))?(?:\s+after\s+(\S+))?", re.ASCII)


@dataclass(frozen=True)
class Interval(Schedule):
    """Every so often; make one with ``every()``.

    Attributes:
        days: whole days, which follow the wall clock of the zone; 0 if ``seconds`` is given.
        seconds: elapsed time; 0 if ``days`` is given.
        starting: an occurrence the grid goes through, and before which there is none.
        after: ``start`` for a fixed rate, ``finish`` for a fixed delay.
        anchor: a job's creation, from which a grid without ``starting`` counts; never in the text.

    Raises:
        InvalidInterval: not positive, mixed, too long, or ``starting`` with a fixed delay.
        InvalidTimezone: the zone is unknown.
    """

    days: int = 0
    seconds: int = 0
    starting: datetime | None = None
    after: str = "start"
    anchor: datetime | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_span(self.days, self.seconds)
        if self.after not in ("start", "finish"):
            raise InvalidInterval(f"after={self.after!r}: use start or finish.", field="after")
        if self.fixed_delay and self.starting is not None:
            raise InvalidInterval(
                "A delay after the last run's finish has no grid: leave out 'from' (starting=), or "
                "'after finish'.",
                field="starting",
            )
        for name in ("starting", "anchor"):
            value = getattr(self, name)
            if value is not None:
                as_utc(value)
                check_within_calendar(value)
                object.__setattr__(self, name, fixed_offset(value))

    @property
    def fixed_delay(self) -> bool:
        """True if the next occurrence is measured from the end of the last run."""
        return self.after == "finish"

    def anchored(self, anchor: datetime | None) -> Interval:
        """The same interval counting from ``anchor``; unchanged if it has a grid of its own."""
        if self.starting is not None or self.fixed_delay:
            return self
        return replace(self, anchor=anchor)

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence strictly after ``instant``, in UTC.

        A fixed delay takes ``instant`` for the end of the last run.
        """
        moment = as_utc(instant)
        try:
            if self.fixed_delay:
                return self._delayed(moment, 1)
            return self._at(max(self._index(moment) + 1, 0))
        except OverflowError:  # the calendar ends here
            return None

    def previous_before(self, instant: datetime) -> datetime | None:
        """The last occurrence strictly before ``instant``, in UTC; none before the anchor."""
        moment = as_utc(instant)
        try:
            if self.fixed_delay:
                return self._delayed(moment, -1)
            index = self._index(moment - timedelta(microseconds=1))
            return self._at(index) if index >= 0 else None
        except OverflowError:  # the calendar ends here
            return None

    def count_between(self, after: datetime, until: datetime) -> int:
        """How many occurrences lie in (after, until]; exact. A fixed delay has one at most."""
        low, high = clamped(after), clamped(until)
        if self.fixed_delay:
            first = self.next_after(low)
            return int(first is not None and first <= high)
        start, end = max(self._index(low), -1), max(self._index(high), -1)
        if not self.days:
            return max(end - start, 0)
        # Across a skipped day two neighbours of a daily grid are one instant.
        return len({self._at(index) for index in range(start + 1, end + 1)})

    def describe(self) -> str:
        """The interval in words; with the zone, and what DST does to it there, where it matters."""
        return in_words(self._told)

    def _told(self, voice: Voice) -> str:
        every = _every(self.days, self.seconds, voice)
        if self.fixed_delay:
            every = voice.say("{every} after the last run has finished", every=every)
        elif self.starting is not None:
            start = self.starting
            if self.days and self.timezone is not None:
                start = start.astimezone(zone_called(self.timezone))
            every = voice.say("{every} from {start}", every=every, start=start.isoformat(sep=" "))
        elif self.days:
            every = voice.say("{every} at midnight", every=every)
        return f"{every}, {self.zone_name}{standing_words(self, voice)}" if self.days else every

    def at_shift(self, shift: Shift) -> DstEffect | None:
        """What a shift does to whole days: a reading that does not exist runs at the gap's end."""
        if not self.days or self.fixed_delay:
            return None
        step, origin = self.days * _DAY, self._origin_wall()
        index = max(-((origin - shift.low) // step), 0)
        first, count = origin + index * step, 0
        while first + count * step < shift.high:
            count += 1
        if not count:
            return None
        action = DstAction.SHIFTED if shift.is_gap else DstAction.FIRST
        if shift.is_gap and first + count * step == shift.high:
            action = DstAction.MERGED
        return effect_of(shift, action, first, count)

    def __str__(self) -> str:
        text = f"@every {_span_text(self.days, self.seconds)}"
        if self.starting is not None:
            text += f" from {format_instant(self.starting)}"
        return text + " after finish" * self.fixed_delay

    def _origin(self) -> datetime:
        return as_utc(self.starting or self.anchor or EPOCH)

    def _origin_wall(self) -> datetime:
        """The reading the daily grid counts from: local midnight unless ``starting`` says else."""
        if self.starting is None and self.anchor is None:
            return EPOCH.replace(tzinfo=None)
        zone = zone_called(self.zone_name)
        wall = to_wall(zone, self._origin().replace(tzinfo=None))
        return wall if self.starting is not None else datetime.combine(wall.date(), time())

    def _at(self, index: int) -> datetime:
        """The grid's occurrence of this number; 0 is the anchor."""
        if not self.days:
            return self._origin() + index * timedelta(seconds=self.seconds)
        if index == 0 and self.starting is not None:
            return self._origin()  # also where its reading comes twice
        wall = self._origin_wall() + index * self.days * _DAY
        return instant_of(zone_called(self.zone_name), wall).replace(tzinfo=timezone.utc)

    def _index(self, moment: datetime) -> int:
        """The number of the newest occurrence not later than ``moment``; below 0 before them."""
        if not self.days:
            return (moment - self._origin()) // timedelta(seconds=self.seconds)
        wall = to_wall(zone_called(self.zone_name), moment.replace(tzinfo=None))
        # A gap or fold moves an occurrence by less than two days, never further.
        index = (wall - self._origin_wall()) // (self.days * _DAY) + 1
        while self._at(index) > moment:
            index -= 1
        return index

    def _delayed(self, moment: datetime, times: int) -> datetime:
        if not self.days:
            return moment + times * timedelta(seconds=self.seconds)
        zone = zone_called(self.zone_name)
        wall = to_wall(zone, moment.replace(tzinfo=None)) + times * self.days * _DAY
        return instant_of(zone, wall).replace(tzinfo=timezone.utc)


def parse_interval(rest: str) -> Interval:
    """The interval written after ``@every``.

    Raises:
        InvalidInterval: it cannot be read, is not positive or mixes days with smaller units.
    """
    match = _TEXT.fullmatch(rest.strip())
    if match is None:
        raise InvalidInterval(
            f"'@every {rest}' cannot be read: write @every 1h30m, @every 5m from "
            "2026-01-01T00:00:00Z, or @every 10m after finish.",
            field="schedule",
        )
    span, start, after = match.groups()
    days, seconds = _read_span(span)
    starting = None if start is None else parse_instant(start)
    return Interval(days=days, seconds=seconds, starting=starting, after=after or "start")


def _read_span(span: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(span.lower()) if len(span) <= 40 else None
    if match is None:
        raise InvalidInterval(
            f"{span!r} is not a span: write whole numbers with w, d, h, m or s, largest first, as "
            "in 1h30m.",
            field="schedule",
        )
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return weeks * 7 + days, hours * 3600 + minutes * 60 + seconds


def _check_span(days: int, seconds: int) -> None:
    for value in (days, seconds):
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInterval(
                f"{value!r} is not a whole number: the shortest interval is one second.",
                field="schedule",
            )
    if days and seconds:
        raise InvalidInterval(
            "Days follow the wall clock and smaller units elapsed time, so they do not mix: write "
            "25h for a span, or use cron for a time of day.",
            field="schedule",
        )
    if days < 0 or seconds < 0 or not (days or seconds):
        raise InvalidInterval("An interval is at least one second long.", field="schedule")
    if days > _LONGEST_DAYS or seconds > _LONGEST_DAYS * 86_400:
        raise InvalidInterval("An interval is at most 100 years long.", field="schedule")


def _parts(seconds: int) -> list[tuple[int, str]]:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return [(hour, "hour"), (minute, "minute"), (second, "second")]


def _span_text(days: int, seconds: int) -> str:
    if days:
        return f"{days}d"
    return "".join(f"{number}{unit[0]}" for number, unit in _parts(seconds) if number)


def _every(days: int, seconds: int, voice: Voice) -> str:
    if days:
        return voice.count("Every day", "Every {count} days", days)
    parts = [part for part in _parts(seconds) if part[0]]
    if len(parts) > 1:
        return voice.say("Every {span}", span=" ".join(_count(*part, voice) for part in parts))
    [(number, unit)] = parts
    if unit == "hour":
        return voice.count("Every hour", "Every {count} hours", number)
    if unit == "minute":
        return voice.count("Every minute", "Every {count} minutes", number)
    return voice.count("Every second", "Every {count} seconds", number)


def _count(number: int, unit: str, voice: Voice) -> str:
    if unit == "hour":
        return voice.count("{count} hour", "{count} hours", number)
    if unit == "minute":
        return voice.count("{count} minute", "{count} minutes", number)
    return voice.count("{count} second", "{count} seconds", number)
