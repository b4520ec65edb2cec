"""What one shift of its zone's clock does to a cron expression, for people; decides nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from .cron_text import CronText
from .effects import DstAction, DstEffect, effect_of
from .wall import Shift

__all__ = ["cron_effect"]

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_PASSES = {"first": DstAction.FIRST, "last": DstAction.LAST, "both": DstAction.BOTH}


class Readings(Protocol):
    """The matching readings of an expression."""

    def next(self, wall: datetime) -> datetime | None:
        """The first one strictly after ``wall``."""

    def count(self, low: datetime, high: datetime) -> int:
        """How many lie in [low, high)."""


def cron_effect(
    text: CronText, readings: Readings, gap: str, fold: str, shift: Shift
) -> DstEffect | None:
    """What the shift does to the expression; None if none of its readings lies there."""
    first = readings.next(shift.low - _SECOND)
    if first is None or first >= shift.high:
        return None
    count = readings.count(shift.low, shift.high)
    if text.wildcard:
        action = DstAction.LEFT_OUT if shift.is_gap else DstAction.BOTH
        return effect_of(shift, action, first, count, rhythm=_keeps_rhythm(text, shift))
    if not shift.is_gap:
        return effect_of(shift, _PASSES[fold], first, count)
    return effect_of(shift, _in_gap(readings, gap, shift), first, count)


def _in_gap(readings: Readings, gap: str, shift: Shift) -> DstAction:
    if gap == "skip":
        return DstAction.LEFT_OUT
    merged = readings.count(shift.high, shift.high + _SECOND)
    return DstAction.MERGED if merged else DstAction.SHIFTED


def _keeps_rhythm(text: CronText, shift: Shift) -> bool:
    """True if the expression reads the same in every hour, and after a shift of this length."""
    minute, hour = text.readings[1], text.readings[2]
    moved, rest = divmod(shift.high - shift.low, _MINUTE)
    same = {(value + moved) % 60 for value in minute.values} == minute.values
    return len(hour.values) == hour.field.cycle and same and not rest
