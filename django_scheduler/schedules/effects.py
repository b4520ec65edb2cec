"""What daylight saving does to a schedule: shift by shift, and in general.

A schedule says what happens to it at one shift (``Schedule.at_shift``); here is what can be said,
and the walk over the shifts of its zone. Readings are naive datetimes of the zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from .speech import Voice, in_words
from .wall import Shift, shifts_between, zone_called

if TYPE_CHECKING:
    from .base import Schedule

__all__ = ["DstAction", "DstEffect", "dst_effects", "standing_words"]

#: A question over a longer time is answered for its first part: shifts come twice a year.
LONGEST = timedelta(days=3660)
#: Away from the calendar's end, where offsets and readings still fit.
_LATEST = datetime(9998, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)
#: A zone's standing rule is what its shifts in these years are: far enough away that no decree of
#: the past is taken for it, and before the last year that Morocco's table knows (2087).
STANDING = (2030, 2040)


class DstAction(str, Enum):
    """What a schedule does with readings that a shift leaves out or repeats."""

    SHIFTED = "shifted"
    """Left out: they run once, at the first instant after the gap."""
    MERGED = "merged"
    """Left out: the occurrence at the first instant after the gap stands for them."""
    LEFT_OUT = "left_out"
    """Left out: they do not run."""
    FIRST = "first"
    """Repeated: they run on the first pass."""
    LAST = "last"
    """Repeated: they run on the last pass."""
    BOTH = "both"
    """Repeated: they run on both passes."""


@dataclass(frozen=True)
class DstEffect:
    """What one shift of a zone's clock does to one schedule.

    Attributes:
        at: the instant of the shift, in UTC.
        gap: True if readings are left out, False if they are repeated.
        low: the first reading that is left out or repeated.
        high: the first reading beyond.
        action: what the schedule does with its own readings in between.
        first: the first of these.
        count: how many these are.
        rhythm: True if the occurrences stay as far apart in real time as ever, so that nobody who
            waits for the next one notices the shift.
    """

    at: datetime
    gap: bool
    low: datetime
    high: datetime
    action: DstAction
    first: datetime
    count: int
    rhythm: bool

    def describe(self) -> str:
        """The effect in words, for people."""
        return in_words(self._told)

    def _told(self, voice: Voice) -> str:
        one, many = _SENTENCES[self.action]
        sentence = voice.count(
            one,
            many,
            self.count,
            time=_clock(self.first, self.low),
            low=_clock(self.low, self.low),
            high=_clock(self.high, self.low),
        )
        return f"{self.low.date()}: {sentence}"


def _clock(reading: datetime, day: datetime) -> str:
    text = reading.strftime("%H:%M:%S" if reading.second else "%H:%M")
    return text if reading.date() == day.date() else f"{reading.date()} {text}"


def _messages(one: str, many: str) -> tuple[str, str]:
    """Marks two messages for translation."""
    return one, many


_SENTENCES = {
    DstAction.SHIFTED: _messages(
        "{time} does not exist, so it runs at {high}",
        "{count} times from {low} to {high} do not exist, so it runs once for them, at {high}",
    ),
    DstAction.MERGED: _messages(
        "{time} does not exist; the run at {high} stands for it",
        "{count} times from {low} to {high} do not exist; the run at {high} stands for them",
    ),
    DstAction.LEFT_OUT: _messages(
        "{time} does not exist and is left out",
        "{count} times from {low} to {high} do not exist and are left out",
    ),
    DstAction.FIRST: _messages(
        "{time} comes twice and runs the first time only",
        "{count} times from {low} to {high} come twice and run the first time only",
    ),
    DstAction.LAST: _messages(
        "{time} comes twice and runs the second time only",
        "{count} times from {low} to {high} come twice and run the second time only",
    ),
    DstAction.BOTH: _messages(
        "{time} comes twice and runs both times",
        "{count} times from {low} to {high} come twice and run both times",
    ),
}


def effect_of(
    shift: Shift, action: DstAction, first: datetime, count: int, *, rhythm: bool = False
) -> DstEffect:
    """The effect of ``shift`` on the ``count`` readings from ``first`` on."""
    at = shift.at.replace(tzinfo=timezone.utc)
    return DstEffect(at, shift.is_gap, shift.low, shift.high, action, first, count, rhythm)


def dst_effects(schedule: Schedule, after: datetime, until: datetime) -> list[DstEffect]:
    """What the shifts in (``after``, ``until``] do to the schedule, earliest first.

    Shifts that touch none of its readings are left out; a schedule of elapsed time has none. Of a
    span longer than ten years only the first ten are looked at.
    """
    zone = zone_called(schedule.zone_name)
    low, high = (
        min(each.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0), _LATEST)
        for each in (after, until)
    )
    if high - low > LONGEST:
        high = low + LONGEST
    return _effects(schedule, shifts_between(zone, low, high))


def _effects(schedule: Schedule, shifts: Sequence[Shift]) -> list[DstEffect]:
    found = (schedule.at_shift(shift) for shift in shifts)
    return [each for each in found if each is not None]


@lru_cache(maxsize=1024)
def _standing_shifts(zone_name: str) -> tuple[Shift, ...]:
    low, high = (
        datetime(year, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None) for year in STANDING
    )
    return tuple(shifts_between(zone_called(zone_name), low, high))


def standing_words(schedule: Schedule, voice: Voice) -> str:
    """What the standing rule of its zone does to the schedule, in words; empty if nothing.

    The rule is what the zone does in the years from 2030 to 2039: it does not depend on when the
    question is asked, and what a zone gave up is not told.
    """
    shifts = _standing_shifts(schedule.zone_name)
    found = [each for each in _effects(schedule, shifts) if not each.rhythm]
    gaps = [each for each in found if each.gap]
    folds = [each for each in found if not each.gap]
    parts = [_gap_words(gaps, voice) if gaps else "", _fold_words(folds, voice) if folds else ""]
    return "".join(f"; {part}" for part in parts if part)


def _which(found: list[DstEffect], voice: Voice) -> str:
    """The reading concerned, if it is always the same one."""
    times = {_clock(each.first, each.first) for each in found}
    alone = len(times) == 1 and all(each.count == 1 for each in found)
    return times.pop() if alone else voice.say("a time")


def _gap_words(found: list[DstEffect], voice: Voice) -> str:
    actions = {each.action for each in found}
    time = _which(found, voice)
    if DstAction.LEFT_OUT in actions:
        return voice.say("when {time} does not exist, not at all", time=time)
    if DstAction.SHIFTED not in actions:
        return ""
    ends = {_clock(each.high, each.high) for each in found}
    if len(ends) > 1:
        return voice.say("when {time} does not exist, right after the gap", time=time)
    return voice.say("when {time} does not exist, at {end}", time=time, end=ends.pop())


def _fold_words(found: list[DstEffect], voice: Voice) -> str:
    time = _which(found, voice)
    # A schedule treats all its folds alike.
    if found[0].action is DstAction.FIRST:
        return voice.say("when {time} comes twice, the first time only", time=time)
    if found[0].action is DstAction.LAST:
        return voice.say("when {time} comes twice, the second time only", time=time)
    return voice.say("when {time} comes twice, both times", time=time)
