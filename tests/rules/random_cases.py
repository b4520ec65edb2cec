"""Random schedules, each with a window of real time in which to look at it closely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from django_scheduler.schedules import Schedule, every, parse_schedule

from .oracle import MACROS, MONTHS, WEEKDAYS, Crontab, daily_grid, elapsed_grid, midnight
from .times import DAY, HOUR, MINUTE, SECOND, UTC, at

Place = tuple[str, str]
_CALM = {"day_mode": "or", "gap": "shift", "fold": "first"}
_OPTIONS = {"day_mode": ("or", "and"), "gap": ("shift", "skip"), "fold": ("first", "both", "last")}
#: How far to both sides of a transition, by how often a day the line runs at most.
_REACHES = [(6, 28 * HOUR), (48, 6 * HOUR), (1440, 150 * MINUTE)]
#: Second by second is slow: few places, and closely around.
_SECONDS_REACH = 40 * MINUTE
_SECONDS_PLACES = 20
#: Combined with many times each, because a day rule is dear to compile and times are not.
_RULES = 12
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)


@dataclass(frozen=True)
class Window:
    """The stretch of real time looked at, [start, end), on the clock of a zone."""

    zone: str
    start: datetime
    end: datetime
    step: timedelta = MINUTE

    def __str__(self) -> str:
        return f"{self.zone} from {self.start:%Y-%m-%dT%H:%M:%SZ} to {self.end:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class CronCase:
    """A line of a crontab with its options."""

    expression: str
    window: Window
    options: dict[str, str] = field(default_factory=lambda: dict(_CALM))

    def schedule(self) -> Schedule:
        """What the package makes of its text."""
        return parse_schedule(self.text, self.window.zone)

    def expected(self) -> list[datetime]:
        """What brute force makes of it."""
        line = Crontab(self.expression, self.options["day_mode"])
        window = self.window
        options = {name: self.options[name] for name in ("gap", "fold")}
        return line.occurrences(window.zone, window.start, window.end, step=window.step, **options)

    @property
    def text(self) -> str:
        """The spec text, every option spelt out."""
        return " ".join([self.expression, *(f"{k}={v}" for k, v in self.options.items())])

    def __str__(self) -> str:
        return f"{self.text!r} in {self.window}"


@dataclass(frozen=True)
class IntervalCase:
    """An interval, from an instant of its own or a job's creation, or from the epoch."""

    days: int
    seconds: int
    window: Window
    starting: datetime | None = None
    anchor: datetime | None = None

    def schedule(self) -> Schedule:
        """What the package makes of it, read from its text."""
        span = every(days=self.days, seconds=self.seconds, starting=self.starting)
        return parse_schedule(str(span), self.window.zone, self.anchor)

    def expected(self) -> list[datetime]:
        """What brute force makes of it."""
        window = self.window
        origin = self.starting or self.anchor
        if not self.days:
            since = origin or _EPOCH.replace(tzinfo=UTC)
            return elapsed_grid(window.start, window.end, self.seconds, since)
        first = _EPOCH
        if origin is not None:
            wall = origin.astimezone(ZoneInfo(window.zone)).replace(tzinfo=None, fold=0)
            first = wall if self.starting else midnight(wall)
        since = self.starting or datetime(2, 1, 1, tzinfo=UTC)
        return daily_grid(window.zone, window.start, window.end, self.days, first, since)

    def __str__(self) -> str:
        return (
            f"days={self.days} seconds={self.seconds} starting={self.starting} "
            f"anchor={self.anchor} in {self.window}"
        )


Case = CronCase | IntervalCase


@dataclass(frozen=True)
class Corner:
    """A place and a handful of day rules that say something there, to combine with times."""

    place: Place
    rules: tuple[tuple[str, str, str], ...]
    seconds: bool

    @classmethod
    def random(cls, random: Random, places: list[Place]) -> Corner:
        """Any place, and rules for the days around its transition."""
        number = random.randrange(len(places))
        place = places[number]
        days = _local_days(place)
        rules = tuple(_day_fields(random, days) for _ in range(_RULES))
        return cls(place, rules, number < _SECONDS_PLACES)

    def case(self, random: Random) -> Case:
        """One case: mostly cron of five fields, some of six, some intervals."""
        kind = random.random()
        if kind < 0.12:
            return _interval(random, self.place)
        options = {name: random.choice(allowed) for name, allowed in _OPTIONS.items()}
        if kind < 0.14:
            macro = random.choice(list(MACROS))
            return CronCase(macro, _window(self.place, 6), options)
        rule = random.choice(self.rules)
        times = [_minutes(random), _hours(random, at(self.place[1]), self.place[0])]
        if self.seconds and kind < 0.2:
            return self._with_seconds(random, times, rule, options)
        expression = " ".join([*times, *rule])
        return CronCase(expression, _window(self.place, len(Crontab(expression).times)), options)

    def _with_seconds(
        self, random: Random, times: list[str], rule: tuple[str, str, str], options: dict[str, str]
    ) -> Case:
        if random.random() < 0.6:  # the hours of the transition, more often than not
            times[1] = random.choice(["*", "0-4", "1,2,3"])
        second = _numbers(random, 0, 59, few=False)
        zone, centre = self.place[0], at(self.place[1])
        window = Window(zone, centre - _SECONDS_REACH, centre + _SECONDS_REACH, SECOND)
        return CronCase(" ".join([second, *times, *rule]), window, options)


def _window(place: Place, times_a_day: int) -> Window:
    centre = at(place[1])
    reach = next(reach for most, reach in _REACHES if times_a_day <= most)
    return Window(place[0], centre - reach, centre + reach)


def _interval(random: Random, place: Place) -> IntervalCase:
    centre = at(place[1])
    near = centre + random.randrange(-300, 300) * MINUTE
    far = centre - random.randrange(1, 900) * DAY - random.randrange(1440) * MINUTE
    origin = random.choice([None, near, far])
    named = random.choice(["starting", "anchor"])
    origins = {named: origin} if origin is not None else {}
    if random.random() < 0.5:
        days = random.choice([1, 1, 1, 2, 2, 3, 7, 10, 30])
        return IntervalCase(days, 0, _window(place, 1), **origins)
    seconds = random.choice([1, 7, 30, 60, 90, 300, 1800, 3600, 5400, 86400, 100_000])
    reach = min(28 * HOUR, 30 * seconds * SECOND)
    if random.random() < 0.3 and origin is not None:
        origins = {named: origin + timedelta(microseconds=random.randrange(10**6))}
    return IntervalCase(0, seconds, Window(place[0], centre - reach, centre + reach), **origins)


def _local_days(place: Place) -> list[datetime]:
    zone = ZoneInfo(place[0])
    noons = (at(place[1]) + offset * DAY for offset in (-1, 0, 1))
    return [noon.astimezone(zone).replace(tzinfo=None) for noon in noons]


def _numbers(random: Random, low: int, high: int, *, few: bool) -> str:
    """A field: a number, a range (also round the end), steps, a star, or a list of such."""
    items = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        first, last = random.randint(low, high), random.randint(low, high)
        step = random.randint(1, high + 2)
        spellings = [f"{first}", f"{first}", f"{first},{last}", f"{first:02}-{first:02}"]
        spellings += [f"{first}-{last}/{step}", f"*/{step}", f"{first}-{high}/{step}"]
        spellings += [] if few else [f"{first}-{last}", f"{first}-{last}", "*"]
        items.append(random.choice(spellings))
    return ",".join(items)


def _minutes(random: Random) -> str:
    common = ["0", "30", "15", "*/15", "*/20", "0,30", "59", "*/7"]
    dense = random.random() < 0.12
    return (
        random.choice(common) if random.random() < 0.4 else _numbers(random, 0, 59, few=not dense)
    )


def _hours(random: Random, centre: datetime, zone: str) -> str:
    now = (centre - 30 * MINUTE).astimezone(ZoneInfo(zone)).hour
    near = [f"{now}", f"{(now + 1) % 24}", f"{(now - 1) % 24}-{(now + 2) % 24}", f"*/{now or 1}"]
    return random.choice(near) if random.random() < 0.5 else _numbers(random, 0, 23, few=False)


def _day_fields(random: Random, days: list[datetime]) -> tuple[str, str, str]:
    """Day of month, month and day of week, more often than not those of a day looked at."""
    day = random.choice(days)
    month = random.choice(["*", "*", "*", "*", f"{day.month}", MONTHS[day.month - 1], "*/2"])
    if random.random() < 0.15:
        month = _numbers(random, 1, 12, few=False)
    shape = random.random()
    if shape < 0.3:
        return "*", month, "*"
    restricted = _day_of_month(random, day), _day_of_week(random, day)
    if shape < 0.55:
        return restricted[0], month, random.choice(["*", "*", "?"])
    if shape < 0.8:
        return random.choice(["*", "*", "?"]), month, restricted[1]
    return restricted[0], month, restricted[1]


def _day_of_month(random: Random, day: datetime) -> str:
    near = min(max(day.day + random.randint(-2, 2), 1), 28)
    spellings: list[Callable[[], str]] = [
        lambda: f"{day.day}",
        lambda: f"{day.day},{random.randint(1, 31)}",
        lambda: "L",
        lambda: random.choice(["LW", "WL", "lw"]),
        lambda: random.choice([f"{near}W", f"W{near}", f"{near}w,15W"]),
        lambda: f"{random.randint(1, 28)}W,L",
        lambda: _numbers(random, 1, 31, few=False),
        lambda: _numbers(random, 1, 31, few=True),
    ]
    return random.choice(spellings)()


def _day_of_week(random: Random, day: datetime) -> str:
    number = day.isoweekday() % 7
    name = random.choice([f"{number or 7}", f"{number}", WEEKDAYS[number]])
    other = random.choice(WEEKDAYS)
    spellings: list[Callable[[], str]] = [
        lambda: name,
        lambda: f"{name}-{other}",
        lambda: random.choice([f"{other}-{name}/2", f"{other.lower()},{name}"]),
        lambda: f"{name}#{(day.day + 6) // 7}",
        lambda: f"{name}#{random.randint(1, 5)},{other}",
        lambda: random.choice([f"{name}L", f"{other}#1,{name}L", f"L{number}"]),
        lambda: _weekday_numbers(random),
    ]
    return random.choice(spellings)()


def _weekday_numbers(random: Random) -> str:
    first, last = random.randint(0, 7), random.randint(0, 7)
    return random.choice([f"{first}-{last}", f"*/{last + 1}", f"1,*/{first + 1}", "1-5", "6-7"])
