"""A second opinion: brute force, written from crontab(5) and nothing of the package.

Walks real time minute by minute (or second by second), looks at the zone's clock and asks whether
a line of a crontab, or an interval, would run. Obvious on purpose; what the clock of a zone shows
in one window is looked up once and kept.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
#: Longer than any clock was ever set forward or back at once.
MARGIN = timedelta(hours=27)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
RANGES = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class Moment(NamedTuple):
    """What a zone's clock shows at one instant.

    ``lost`` are the readings it jumped over to get here; ``first`` and ``last`` say on which pass
    of a repeated reading it is.
    """

    instant: datetime
    day: date
    second: int
    wall: datetime
    lost: tuple[datetime, ...]
    first: bool
    last: bool


@lru_cache(maxsize=512)
def moments(
    zone: str, start: datetime, end: datetime, step: timedelta = MINUTE
) -> tuple[Moment, ...]:
    """Every instant in [start, end), a step apart, as the zone's clock shows it."""
    clock = ZoneInfo(zone)
    instant = (start - MARGIN).astimezone(timezone.utc)
    readings = []
    while instant < end + MARGIN:
        readings.append((instant, instant.astimezone(clock).replace(tzinfo=None, fold=0)))
        instant += step
    last_pass = {wall: instant for instant, wall in readings}
    found = []
    reached = readings[0][1] - step
    for instant, wall in readings:
        lost = []
        while reached + step * (len(lost) + 1) < wall:
            lost.append(reached + step * (len(lost) + 1))
        if start <= instant < end:
            found.append(
                Moment(
                    instant,
                    wall.date(),
                    wall.hour * 3600 + wall.minute * 60 + wall.second,
                    wall,
                    tuple(lost),
                    wall > reached,
                    last_pass[wall] == instant,
                )
            )
        reached = max(reached, wall)
    return tuple(found)


@lru_cache(maxsize=512)
def jumps(zone: str, start: datetime, end: datetime, step: timedelta) -> tuple[Moment, ...]:
    """Those of these moments at which the clock had jumped over readings."""
    return tuple(moment for moment in moments(zone, start, end, step) if moment.lost)


class Crontab:
    """One line of a crontab: a macro, five fields, or six with the second first."""

    def __init__(self, expression: str, day_mode: str = "or") -> None:
        words = MACROS.get(expression.lower(), expression).upper().split()
        words = words if len(words) == 6 else ["0", *words]
        self.days, self.weekdays = (words[place].replace("?", "*") for place in (3, 5))
        seconds, minutes, hours = (_values(place, words[place]) for place in range(3))
        self.months = _values(4, words[4])
        self.either = day_mode == "or" and "*" not in self.days and "*" not in self.weekdays
        self.wildcard = any(word.startswith("*") for word in words[:3])
        self.times = {h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds}
        self.known: dict[date, bool] = {}

    def runs_on(self, day: date) -> bool:
        """Does the line run on such a day at all?"""
        if day not in self.known:
            on_day = any(_is_day(item, day) for item in self.days.split(","))
            on_weekday = any(_is_weekday(item, day) for item in self.weekdays.split(","))
            both = (on_day or on_weekday) if self.either else (on_day and on_weekday)
            self.known[day] = both and day.month in self.months
        return self.known[day]

    def runs_at(self, wall: datetime) -> bool:
        """Would the line run when the clock reads this?"""
        second = wall.hour * 3600 + wall.minute * 60 + wall.second
        return second in self.times and self.runs_on(wall.date())

    def occurrences(
        self,
        zone: str,
        start: datetime,
        end: datetime,
        gap: str = "shift",
        fold: str = "first",
        step: timedelta = MINUTE,
    ) -> list[datetime]:
        """Every instant in [start, end) at which the line runs, in order."""
        both = fold == "both" or self.wildcard
        found = {
            moment.instant
            for moment in moments(zone, start, end, step)
            if moment.second in self.times
            and self.runs_on(moment.day)
            and (both or (moment.first if fold == "first" else moment.last))
        }
        if gap == "shift" and not self.wildcard:
            for moment in jumps(zone, start, end, step):
                if any(map(self.runs_at, moment.lost)):
                    found.add(moment.instant)
        return sorted(found)


def daily_grid(
    zone: str, start: datetime, end: datetime, days: int, first: datetime, since: datetime
) -> list[datetime]:
    """Every instant in [start, end) when the clock first reaches ``first`` + n times ``days`` days.

    Only from the instant ``since`` on, which is one itself if its reading is ``first``.
    """
    found = {
        moment.instant
        for moment in moments(zone, start, end)
        if moment.wall.time() == first.time()
        and (moment.first or (moment.instant == since and moment.wall == first))
        and _on_grid(moment.wall, days, first)
    }
    for moment in jumps(zone, start, end, MINUTE):
        if any(_on_grid(wall, days, first) for wall in moment.lost):
            found.add(moment.instant)
    return sorted(instant for instant in found if instant >= since)


def _on_grid(wall: datetime, days: int, first: datetime) -> bool:
    return wall >= first and (wall - first) % (days * DAY) == 0 * DAY


def elapsed_grid(start: datetime, end: datetime, seconds: int, origin: datetime) -> list[datetime]:
    """Every instant in [start, end) a whole number of spans after ``origin``, or on it."""
    span = timedelta(seconds=seconds)
    found = []
    instant = origin
    if instant < start:
        # Walking there from afar would take years; a whole number of spans is skipped at once.
        instant += (start - instant) // span * span
    while instant < end:
        if instant >= start:
            found.append(instant)
        instant += span
    return found


def midnight(wall: datetime) -> datetime:
    """The reading with which that day begins."""
    return datetime.combine(wall.date(), time())


def _is_day(item: str, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    if item == "L":
        return day.day == length
    if "W" in item:
        number = item.replace("W", "")
        wanted = date(day.year, day.month, length if number == "L" else int(number))
        return day == _nearest_weekday(wanted)
    return day.day in _values(3, item)


def _nearest_weekday(wanted: date) -> date:
    """The Monday to Friday nearest to a day, without leaving its month."""
    near = [wanted, wanted - DAY, wanted + DAY, wanted - 2 * DAY, wanted + 2 * DAY]
    return next(each for each in near if each.month == wanted.month and each.isoweekday() <= 5)


def _is_weekday(item: str, day: date) -> bool:
    number = day.isoweekday() % 7
    if "#" in item:
        name, _, which = item.partition("#")
        return _value(5, name) % 7 == number and (day.day + 6) // 7 == int(which)
    if item.endswith("L") or item.startswith("L"):
        last = (day + 7 * DAY).month != day.month
        return _value(5, item.removesuffix("L").removeprefix("L")) % 7 == number and last
    return number in _values(5, item)


def _value(place: int, word: str) -> int:
    if place == 4 and word in MONTHS:
        return MONTHS.index(word) + 1
    if place == 5 and word in WEEKDAYS:
        return WEEKDAYS.index(word)
    return int(word)


@lru_cache(maxsize=4096)
def _values(place: int, text: str) -> frozenset[int]:
    low, high = RANGES[place]
    found: set[int] = set()
    for item in text.split(","):
        body, _, step = item.partition("/")
        if body == "*":
            start, stop = low, high if place != 5 else 6
        else:
            first, _, last = body.partition("-")
            start = _value(place, first)
            stop = _value(place, last) if last else start
            if step and not last:  # 10/5: from 10 on
                stop = high
        every = int(step or 1)
        if start <= stop:
            found.update(range(start, stop + 1, every))
        else:
            size = 7 if place == 5 else high - low + 1
            found.update((v - low) % size + low for v in range(start, stop + size + 1, every))
    return frozenset(value % 7 for value in found) if place == 5 else frozenset(found)
