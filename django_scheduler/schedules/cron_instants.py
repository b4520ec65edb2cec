"""From matching readings to instants: what DST does to a cron expression (as Debian cron).

A fixed-time expression runs once for readings a gap leaves out, at the gap's end, and on one pass
of a fold. A wildcard follows real time. Instants are naive UTC here; a *pass* says which of two
equal readings is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import pairwise

from .cron_days import SEARCH_YEARS
from .cron_match import WallPattern
from .wall import Shift, shift_at, shifts_between, to_wall

__all__ = ["InstantPattern"]

_FIRST, _LAST = "first", "last"
_SECOND = timedelta(seconds=1)
#: More than any gap or fold is long, so that both ends of one are seen.
_MARGIN = timedelta(hours=26)


@dataclass(frozen=True)
class InstantPattern:
    """A pattern of readings on the clock of one zone.

    Attributes:
        passes: which pass of a fold counts; ``("first",)``, ``("last",)`` or both.
        shifts_gaps: True if readings left out by a gap run once at its end.
    """

    walls: WallPattern
    zone: tzinfo
    passes: tuple[str, ...]
    shifts_gaps: bool

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence strictly after ``instant``; None within 50 years."""
        wall = to_wall(self.zone, instant)
        here = _fold(shift_at(self.zone, wall))
        # Passes can only disagree about what follows while inside a fold.
        passes = self.passes if here is not None else self.passes[:1]
        found = []
        for one in passes:
            start = wall
            if here is not None and one == _FIRST and wall.fold:
                start = here.high - _SECOND
            elif here is not None and one == _LAST and not wall.fold:
                start = here.low - _SECOND
            found.append(self._next_on(one, start))
        return min((each for each in found if each is not None), default=None)

    def previous_before(self, instant: datetime) -> datetime | None:
        """The last occurrence strictly before ``instant``; None within 50 years."""
        wall = to_wall(self.zone, instant)
        here = _fold(shift_at(self.zone, wall))
        found = []
        for one in self.passes:
            start = wall
            if here is not None and one == _FIRST and wall.fold:
                start = here.high
            elif here is not None and one == _LAST and not wall.fold:
                start = here.low
            found.append(self._previous_on(one, start, instant))
        return max((each for each in found if each is not None), default=None)

    def _next_on(self, one: str, wall: datetime) -> datetime | None:
        reading = self.walls.next(wall)
        while reading is not None and reading.year <= wall.year + SEARCH_YEARS:
            shift = shift_at(self.zone, reading)
            found = self._instant(reading, shift, one)
            if found is not None or shift is None:
                return found
            reading = self.walls.next(shift.high - _SECOND)
        return None

    def _previous_on(self, one: str, wall: datetime, before: datetime) -> datetime | None:
        reading = self.walls.previous(wall)
        while reading is not None and reading.year >= wall.year - SEARCH_YEARS:
            shift = shift_at(self.zone, reading)
            found = self._instant(reading, shift, one)
            if shift is None or (found is not None and found < before):
                return found
            reading = self.walls.previous(shift.low)
        return None

    def _instant(self, reading: datetime, shift: Shift | None, one: str) -> datetime | None:
        if shift is None:
            return reading.replace(tzinfo=self.zone).astimezone(timezone.utc).replace(tzinfo=None)
        if shift.is_gap:
            return shift.at if self.shifts_gaps else None
        return reading - (shift.before if one == _FIRST else shift.after)

    def count_between(self, after: datetime, until: datetime) -> int:
        """How many occurrences lie in (after, until]. Exact, by arithmetic over whole days."""
        start = after.replace(microsecond=0) + _SECOND
        end = until.replace(microsecond=0) + _SECOND
        if start >= end:
            return 0
        shifts = shifts_between(self.zone, start - _MARGIN, end + _MARGIN)
        total = sum(self._gap_runs(shift) for shift in shifts if start <= shift.at < end)
        edges = [None, *shifts, None]
        for left, right in pairwise(edges):
            total += self._count_steady(left, right, start, end)
        return total

    def _count_steady(
        self, left: Shift | None, right: Shift | None, start: datetime, end: datetime
    ) -> int:
        """Occurrences in [start, end) between two neighbouring shifts, where the offset rests."""
        if left is not None:
            offset = left.after
        elif right is not None:
            offset = right.before
        else:
            offset = to_wall(self.zone, start) - start
        low, high = start + offset, end + offset
        if left is not None:
            low = max(low, left.high if self.passes == (_FIRST,) else left.at + left.after)
        if right is not None:
            high = min(high, right.low if self.passes == (_LAST,) else right.at + right.before)
        return self.walls.count(low, high)

    def _gap_runs(self, shift: Shift) -> int:
        """1 if the gap's readings make a run of their own at its end."""
        if not (shift.is_gap and self.shifts_gaps):
            return 0
        lost = self.walls.count(shift.low, shift.high)
        real = self.walls.count(shift.high, shift.high + _SECOND)
        return int(lost > 0 and real == 0)


def _fold(shift: Shift | None) -> Shift | None:
    return shift if shift is not None and not shift.is_gap else None
