"""A thousand jobs of every kind, drawn the same way each time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.engine.outage_model import Outage

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

#: Beirut and the Azores change at midnight, Nuuk on the day before, Lord Howe by half an hour.
ZONES = (
    "UTC", "Europe/Paris", "Europe/London", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul",
    "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Atlantic/Azores",
    "America/Nuuk", "America/New_York", "America/Sao_Paulo", "Africa/Casablanca",
    "Australia/Lord_Howe", "Pacific/Chatham",
)  # fmt: skip

#: How many jobs of each kind of schedule; together a thousand.
THOUSAND = {
    "seconds": 4,
    "minutely": 36,
    "quarters": 120,
    "hours": 180,
    "nights": 220,
    "rarely": 200,
    "intervals": 120,
    "days": 60,
    "delays": 30,
    "once": 25,
    "manual": 5,
}

_TEXTS = {
    "seconds": ("*/30 * * * * *", "@every 20s"),
    "minutely": ("* * * * *", "@every 1m", "* * * * * fold=first"),
    "quarters": ("*/15 * * * *", "5-59/10 * * * *", "0,20,40 * * * *", "*/30 1-5 * * *"),
    "hours": ("@hourly", "7 * * * *", "15 */2 * * *", "0 0-6 * * *", "30 1-3 * * * gap=skip"),
    "nights": ("30 2 * * *", "0 0 * * *", "30 0 * * *", "0 3 * * *", "15 1,2,3 * * *"),
    "rarely": ("0 9 * * MON-FRI", "0 4 * * SUN", "@monthly", "0 0 29 3 *", "0 5 L * *"),
    "intervals": ("@every 7m", "@every 45m", "@every 1h30m", "@every 5h", "@every 50h"),
    "days": ("@every 1d", "@every 2d", "@every 1d from 2026-03-01T02:30:00Z", "@every 7d"),
    "delays": ("@every 1m after finish", "@every 6h after finish", "@every 30h after finish"),
    "manual": ("@manual",),
}  # fmt: skip

_OVERLAPS = ("skip", "queue", "queue_all", "replace", "allow", "bounded")
_ONCE = (-HOUR, HOUR / 2, 20 * HOUR, 47.9 * HOUR, 2 * DAY, 5 * DAY)

#: Those that go by the wall clock at night.
NIGHTLY = {"hours": 40, "nights": 60, "days": 20}


@dataclass(frozen=True)
class Sketch:
    """A job to be: its name, its schedule's text, and its fields."""

    name: str
    schedule: str
    fields: dict[str, Any] = field(default_factory=dict)


def sketches(outage: Outage, kinds: dict[str, int], seed: int = 48) -> Iterator[Sketch]:
    """Draw the jobs: their schedules in turn, what they say about it at random."""
    dice = random.Random(seed)
    for kind, count in kinds.items():
        for number in range(count):
            fields = _fields(kind, number, dice) | _bounds(kind, dice, outage)
            yield Sketch(f"{kind} {number}", _text(kind, number, outage), fields)


def _text(kind: str, number: int, outage: Outage) -> str:
    if kind == "once":
        return f"@at {(outage.killed + _ONCE[number % len(_ONCE)]).isoformat()}"
    texts = _TEXTS[kind]
    return texts[number % len(texts)]


def _fields(kind: str, number: int, dice: random.Random) -> dict[str, Any]:
    frequent = kind in ("seconds", "minutely", "quarters")
    fields = {
        "timezone": ZONES[number % len(ZONES)],
        "catch_up": dice.choice(("skip", "latest", "all")),
        "catch_up_limit": dice.choice((1, 5, 12) if frequent else (2, 6, 12)),
        "catch_up_window": dice.choice((None, None, None, HOUR, 6 * HOUR, 30 * HOUR, 3 * DAY)),
        "misfire_grace": dice.choice((None, None, 0, 5, HOUR)),
        # A fixed delay cannot allow overlap.
        **_overlap(dice.choice(_OVERLAPS[:4] if kind == "delays" else _OVERLAPS)),
    }
    if number < 3:
        # The settings' own limit and window.
        fields |= {"catch_up": "all", "catch_up_limit": None, "catch_up_window": None}
    if kind == "seconds" and fields["catch_up"] == "all":
        # More than ten come due while it catches up; then it is another story which are late.
        fields |= _overlap("skip")
    return fields


def _overlap(word: str) -> dict[str, Any]:
    if word == "bounded":
        return {"overlap": "allow", "max_running": 2}
    return {"overlap": word}


def _bounds(kind: str, dice: random.Random, outage: Outage) -> dict[str, Any]:
    """Bounds of a job's life, for one in six."""
    if kind in ("once", "manual", "delays"):
        return {}
    bound = dice.randrange(18)
    if bound == 0:
        return {"start_at": outage.killed + 40 * HOUR}
    if bound == 1:
        return {"end_at": outage.back - dice.choice((10, 30)) * HOUR}
    if bound == 2:
        return {"max_runs": dice.choice((1, 3, 8))}
    return {}
