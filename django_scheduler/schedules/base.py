"""What every kind of schedule answers: the first occurrence strictly after an instant.

A schedule is a frozen value. It knows no job, no database and no clock; whoever asks brings
the instant. Instants given are aware; instants returned are aware and in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, datetime, timedelta, timezone
from typing import ClassVar, TypeVar

from ..exceptions import InvalidSchedule
from .effects import DstEffect
from .wall import UTC_NAME, Shift, check_timezone

__all__ = ["COUNT_LIMIT", "Schedule"]

UTC = timezone.utc
#: Kinds that count occurrences one by one stop here and report this number: a bound, not a lie
#: about a few, because what is shown beyond it is "10,000 or more".
COUNT_LIMIT = 10_000

_NEAREST, _FARTHEST = timedelta(minutes=1), timedelta(days=64 * 366)
#: Away from the calendar's ends, where offsets and margins still fit.
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 1, 1, tzinfo=UTC)

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_S = TypeVar("_S", bound="Schedule")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A frozen answer to one question: when next, strictly after an instant.

    A kind of your own derives from this, implements ``next_after`` and ``__str__`` (its spec
    text) and is made known with ``register_kind``. Safe to share between threads.

    Attributes:
        timezone: IANA name whose wall clock the schedule follows; None until a job gives it its
            zone, and read as UTC so long.
    """

    timezone: str | None = None

    #: True if the schedule has one instant that is owed even when it lies in the past.
    one_shot: ClassVar[bool] = False
    #: True if the schedule never fires by itself, and yet is not over.
    on_demand: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_timezone(self.timezone)

    @property
    def zone_name(self) -> str:
        """The zone really used: the schedule's own, or UTC."""
        return self.timezone or UTC_NAME

    @property
    def fixed_delay(self) -> bool:
        """True if the next occurrence is measured from the end of the last run."""
        return False

    def next_after(self, instant: datetime) -> datetime | None:
        """The first occurrence strictly after ``instant``, in UTC; None if there is none."""
        raise NotImplementedError

    def previous_before(self, instant: datetime) -> datetime | None:
        """The last occurrence strictly before ``instant``, in UTC; None if there is none.

        Works for any kind by bisecting ``next_after`` over the last 64 years; kinds that know
        better override it.
        """
        moment = as_utc(instant)
        farthest = min(_FARTHEST, moment - _EARLIEST)
        reach = timedelta(0)
        while reach < farthest:
            reach = min(max(reach * 2, _NEAREST), farthest)
            found = self.next_after(moment - reach)
            if found is not None and found < moment:
                return self._bisect_back(found, moment)
        return None

    def _bisect_back(self, low: datetime, moment: datetime) -> datetime:
        """The last occurrence before ``moment``, given ``low``, one that is."""
        high = moment
        while True:
            following = self.next_after(low)
            if following is None or following >= moment:
                return low
            middle = low + (high - low) / 2
            found = self.next_after(middle)
            if found is None or found >= moment:
                high, low = middle, following
            else:
                low = found

    def upcoming(self, after: datetime, count: int) -> list[datetime]:
        """At most ``count`` occurrences strictly after ``after``, earliest first, in UTC."""
        found: list[datetime] = []
        instant: datetime | None = as_utc(after)
        while len(found) < count and instant is not None:
            instant = self.next_after(instant)
            if instant is not None:
                found.append(instant)
        return found

    def count_between(self, after: datetime, until: datetime) -> int:
        """How many occurrences lie in (after, until].

        This one counts one by one and stops at ``COUNT_LIMIT``; kinds that can calculate
        override it and are exact.
        """
        count = 0
        end = as_utc(until)
        instant = self.next_after(after)
        while instant is not None and instant <= end and count < COUNT_LIMIT:
            count += 1
            instant = self.next_after(instant)
        return count

    def first(self, created_at: datetime) -> datetime | None:
        """The first occurrence of a job created at ``created_at``; None if it has none."""
        return self.next_after(created_at)

    def describe(self) -> str:
        """The schedule in words, for people."""
        return str(self)

    def at_shift(self, shift: Shift) -> DstEffect | None:
        """What a shift of its zone's clock does to the schedule; None if nothing."""
        return None

    def with_timezone(self: _S, name: str | None) -> _S:
        """The same schedule on the wall clock of zone ``name``; None takes the zone away.

        Raises:
            InvalidTimezone: the time zone database does not know ``name``.
        """
        check_timezone(name)
        return self if name == self.timezone else replace(self, timezone=name)

    def anchored(self: _S, anchor: datetime | None) -> _S:
        """The same schedule counting from ``anchor``, if it is of a kind that counts."""
        return self


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        InvalidSchedule: the instant is not an aware datetime.
    """
    if not isinstance(instant, datetime) or instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidSchedule(
            f"{instant!r} is not an instant: give an aware datetime, for example one made with "
            "django.utils.timezone.now()."
        )
    try:
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError as error:
        raise InvalidSchedule(f"{instant} lies outside the calendar.", field="schedule") from error


def clamped(instant: datetime) -> datetime:
    """The same instant in UTC, or the nearest one with room to both sides."""
    return min(max(as_utc(instant), _EARLIEST), _LATEST)


def parse_instant(text: str, field: str = "schedule") -> datetime:
    """The aware datetime written in ISO 8601, with its offset as written.

    Raises:
        InvalidSchedule: not ISO 8601, no such date, or no offset.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise InvalidSchedule(
            f"{text!r} is not an instant: write it as 2026-12-01T09:00:00+01:00.", field=field
        )
    day, minutes, seconds, fraction, offset = match.groups()
    if offset is None:
        raise InvalidSchedule(
            f"{text!r} has no offset: add Z or, for example, +01:00.", field=field
        )
    digits = (fraction or ".0")[1:].ljust(6, "0")
    offset = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}.{digits}{offset}")
    except ValueError as error:
        raise InvalidSchedule(f"{text!r} is not an instant: {error}.", field=field) from error


def check_within_calendar(instant: datetime, field: str = "schedule") -> None:
    """Nothing, if the instant can be moved by a day, in any zone, without leaving the calendar.

    Raises:
        InvalidSchedule: it cannot: no database could give it back.
    """
    if not MINYEAR < instant.year < MAXYEAR:
        raise InvalidSchedule(
            f"{instant} is too near the calendar's end: use a year from 2 to 9998.", field=field
        )


def format_instant(instant: datetime) -> str:
    """ISO 8601 with the instant's own offset; UTC is written ``Z``."""
    return re.sub(r"\+00:00$", "Z", instant.isoformat())


def fixed_offset(instant: datetime) -> datetime:
    """The same instant and wall clock with a plain offset, so that equality is by instant."""
    offset = instant.utcoffset()
    if offset is None:
        raise InvalidSchedule(f"{instant!r} has no time zone: give an aware datetime.")
    return instant.replace(tzinfo=timezone(offset), fold=0)
