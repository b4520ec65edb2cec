"""Between wall clocks and instants: gaps, folds, and what a zone does at a reading.

Instants here are naive datetimes in UTC, wall readings naive datetimes of the zone: the two
never meet in one variable. Nothing here knows what an expression is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..exceptions import InvalidTimezone

__all__ = ["Shift", "check_timezone", "shift_at", "shifts_between", "zone_called"]

UTC_NAME = "UTC"
_SECOND = timedelta(seconds=1)
#: No zone ever changed its offset twice within this time.
_PROBE = timedelta(hours=12)
#: Names the operating system may point elsewhere at any time: a stored schedule may not move.
_UNSTABLE = frozenset({"localtime", "Factory", "posixrules"})


@dataclass(frozen=True)
class Shift:
    """A zone's clock being set forward (a gap) or back (a fold).

    Attributes:
        at: the instant, naive UTC.
        before: offset from UTC until then.
        after: offset from then on.
    """

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def is_gap(self) -> bool:
        """True if readings are left out, False if they come twice."""
        return self.after > self.before

    @property
    def low(self) -> datetime:
        """The first reading that is left out, or that comes twice."""
        return self.at + min(self.before, self.after)

    @property
    def high(self) -> datetime:
        """The first reading beyond."""
        return self.at + max(self.before, self.after)


@lru_cache(maxsize=1024)
def zone_called(name: str) -> tzinfo:
    """The zone of this IANA name.

    Raises:
        InvalidTimezone: the time zone database does not know it.
    """
    try:
        if name in _UNSTABLE:
            raise ValueError("the name does not stand for one zone")
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError, TypeError, AttributeError) as error:
        raise InvalidTimezone(
            f"{name!r} is not a known time zone: give an IANA name such as Europe/Paris or UTC.",
            field="timezone",
        ) from error


def check_timezone(name: str | None) -> None:
    """Nothing, if ``name`` is None or a known zone.

    Raises:
        InvalidTimezone: it is neither.
    """
    if name is None:
        return
    if not isinstance(name, str):
        raise InvalidTimezone(
            f"{name!r} is not a zone's name: give an IANA name such as 'Europe/Paris'.",
            field="timezone",
        )
    zone_called(name)


def offset_at(zone: tzinfo, instant: datetime) -> timedelta:
    """How far the zone's clock is ahead of UTC at an instant."""
    return to_wall(zone, instant) - instant


def to_wall(zone: tzinfo, instant: datetime) -> datetime:
    """What the zone's clock reads at an instant; ``fold`` is 1 on the second pass of a fold."""
    return instant.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)


def shift_at(zone: tzinfo, wall: datetime) -> Shift | None:
    """The gap or fold a reading lies in; None for one that comes exactly once."""
    early = wall.replace(tzinfo=zone, fold=0).utcoffset()
    late = wall.replace(tzinfo=zone, fold=1).utcoffset()
    if early == late or early is None or late is None:
        return None
    reading = wall.replace(microsecond=0)
    return _bisect(zone, reading - max(early, late), reading - min(early, late))


def _bisect(zone: tzinfo, low: datetime, high: datetime) -> Shift:
    """The one change of offset in (low, high], both whole seconds."""
    before, after = offset_at(zone, low), offset_at(zone, high)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return Shift(high, before, after)


def shifts_between(zone: tzinfo, after: datetime, until: datetime) -> list[Shift]:
    """Every change of offset in (after, until], both whole seconds, earliest first."""
    found = []
    low = after
    while low < until:
        high = min(low + _PROBE, until)
        if offset_at(zone, low) != offset_at(zone, high):
            found.append(_bisect(zone, low, high))
        low = high
    return found


def instant_of(zone: tzinfo, wall: datetime) -> datetime:
    """The instant of a reading: after a gap if left out, the first pass if it comes twice."""
    shift = shift_at(zone, wall)
    if shift is not None and shift.is_gap:
        return shift.at
    return wall.replace(tzinfo=zone, fold=0).astimezone(timezone.utc).replace(tzinfo=None)
