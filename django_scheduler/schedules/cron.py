"""Cron schedules: an expression, its options and the clock of a zone.

Reading the text is ``cron_text``'s duty, matching readings ``cron_match``'s, DST
``cron_instants``'s; here they meet, and answers are remembered.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache, partial

from ..exceptions import InvalidCron, UnsatisfiableSchedule
from .base import Schedule, as_utc, clamped
from .cron_effects import cron_effect
from .cron_instants import InstantPattern
from .cron_match import wall_pattern
from .cron_text import read_cron
from .cron_words import describe_cron
from .effects import DstEffect, standing_words
from .speech import Voice, in_words
from .wall import Shift, zone_called

__all__ = ["CRON_OPTIONS", "Cron"]

#: Option, its default, and what it may be.
CRON_OPTIONS: dict[str, tuple[str, ...]] = {
    "day_mode": ("or", "and"),
    "gap": ("shift", "skip"),
    "fold": ("first", "both", "last"),
}
_MEMO_SIZE = 4096
_REFERENCE = datetime(2000, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)
#: The last occurrence and the next one are asked for in turn, by jobs a little apart.
_SPANS_KEPT = 4
# (schedule) -> spans (a, b), newest first: for every instant in [a, b) the next occurrence is b.
_memo: dict[Cron, tuple[tuple[datetime, datetime], ...]] = {}
_memo_lock = threading.Lock()


@dataclass(frozen=True)
class Cron(Schedule):
    """A cron expression on the wall clock of ``timezone``; make one with ``cron()``.

    Attributes:
        expression: five fields, six with the second first, or a macro; normalised.
        day_mode: ``or``: if neither day field contains ``*``, either may match; ``and``: both must.
        gap: what happens to a fixed time that DST leaves out: ``shift`` or ``skip``.
        fold: on which pass of a repeated hour a fixed time runs: ``first``, ``both``, ``last``.

    Raises:
        InvalidCron: the expression or an option cannot be read.
        UnsatisfiableSchedule: no instant can ever match.
        InvalidTimezone: the zone is unknown.
    """

    expression: str
    day_mode: str = "or"
    gap: str = "shift"
    fold: str = "first"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, allowed in CRON_OPTIONS.items():
            if getattr(self, name) not in allowed:
                raise InvalidCron(
                    f"{name}={getattr(self, name)!r} is not an option: use {' or '.join(allowed)}.",
                    field=name,
                )
        # Frozen values have no other way to normalise themselves.
        object.__setattr__(self, "expression", read_cron(self.expression).text)
        self._pattern()

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence strictly after ``instant``, in UTC.

        Remembered: equal schedules share one answer for as long as it is the right one.
        """
        moment = as_utc(instant)
        for low, high in _memo.get(self, ()):
            if low <= moment < high:
                return high
        found = self._ask(moment, forward=True)
        if found is not None:
            self._remember(moment, found)
        return found

    def previous_before(self, instant: datetime) -> datetime | None:
        """The last occurrence strictly before ``instant``, in UTC."""
        return self._ask(as_utc(instant), forward=False)

    def count_between(self, after: datetime, until: datetime) -> int:
        """How many occurrences lie in (after, until]; exact, by arithmetic."""
        low, high = (clamped(each).replace(tzinfo=None) for each in (after, until))
        return self._pattern().count_between(low, high)

    def describe(self) -> str:
        """The schedule in words, with its zone and what DST does to it there."""
        return in_words(partial(_told, self))

    def at_shift(self, shift: Shift) -> DstEffect | None:
        """What one shift of its zone does to the schedule; None if nothing."""
        readings = wall_pattern(self.expression, self.day_mode)
        return cron_effect(read_cron(self.expression), readings, self.gap, self.fold, shift)

    def __str__(self) -> str:
        options = [
            f" {name}={getattr(self, name)}"
            for name, allowed in CRON_OPTIONS.items()
            if getattr(self, name) != allowed[0]
        ]
        return self.expression + "".join(options)

    def _pattern(self) -> InstantPattern:
        return _instant_pattern(self.expression, self.day_mode, self.gap, self.fold, self.zone_name)

    def _ask(self, moment: datetime, *, forward: bool) -> datetime | None:
        pattern = self._pattern()
        naive = moment.replace(tzinfo=None)
        try:
            found = pattern.next_after(naive) if forward else pattern.previous_before(naive)
        except OverflowError:  # the calendar ends here
            return None
        return None if found is None else found.replace(tzinfo=timezone.utc)

    def _remember(self, moment: datetime, found: datetime) -> None:
        # Never waits, also not in a process forked while another thread was in here: what is not
        # remembered is only asked again.
        if not _memo_lock.acquire(blocking=False):
            return
        try:
            known = _memo.pop(self, ())
            # It was asked because the span with this end, if there is one, begins later.
            others = tuple(span for span in known if span[1] != found)
            if len(_memo) >= _MEMO_SIZE:
                del _memo[next(iter(_memo))]
            _memo[self] = ((moment, found), *others[: _SPANS_KEPT - 1])
        finally:
            _memo_lock.release()


@lru_cache(maxsize=1024)
def _told(schedule: Cron, voice: Voice) -> str:
    words = describe_cron(schedule.expression, schedule.day_mode, voice)
    return f"{words}, {schedule.zone_name}{standing_words(schedule, voice)}"


@lru_cache(maxsize=4096)
def _instant_pattern(
    expression: str, day_mode: str, gap: str, fold: str, zone: str
) -> InstantPattern:
    walls = wall_pattern(expression, day_mode)
    if walls.wildcard:
        pattern = InstantPattern(walls, zone_called(zone), ("first", "last"), False)
    else:
        passes = ("first", "last") if fold == "both" else (fold,)
        pattern = InstantPattern(walls, zone_called(zone), passes, gap == "shift")
    if pattern.next_after(_REFERENCE) is None:
        raise UnsatisfiableSchedule(
            f"{expression!r} never happens in {zone}: every match falls into an hour that DST "
            "leaves out. Use gap=shift or another time.",
            field="schedule",
        )
    return pattern
