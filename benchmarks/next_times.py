"""How many next times a second: ours as the engine asks, and others' in the same run.

``python -m benchmarks.next_times [--calls 1000000]`` prints a Markdown table.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from importlib import import_module, metadata
from itertools import islice
from zoneinfo import ZoneInfo

from django_scheduler import __version__
from django_scheduler.schedules import parse_schedule, zones_version

BEGIN = datetime(2026, 3, 28, 0, 30, tzinfo=timezone.utc)
EXPRESSIONS = (
    "* * * * *", "*/5 * * * *", "*/15 8-18 * * MON-FRI", "0 * * * *", "17 */2 * * *",
    "0 3 * * *", "30 2 * * *", "0 9 * * MON-FRI", "0 0 1 * *", "45 23 L * *",
)  # fmt: skip
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
PAIRS = [(expression, zone) for zone in ZONES for expression in EXPRESSIONS]
#: Others' cost a call is measured on fewer calls; it does not depend on how many there are.
FEWER = 200

Ask = Callable[[str, str, datetime], datetime | None]


def questions(jobs: int) -> Iterator[tuple[str, str, datetime]]:
    """What a scheduler asks while time moves on: each due job, with its occurrence.

    ``jobs`` jobs share each pair, as tenants or objects of one kind do.
    """
    schedules = {pair: parse_schedule(*pair) for pair in PAIRS}
    due = [(BEGIN, number) for number in range(len(PAIRS))]
    while True:
        instant, number = due[0]
        pair = PAIRS[number]
        for _ in range(jobs):
            yield *pair, instant
        following = schedules[pair].next_after(instant)
        heapq.heapreplace(due, (following or BEGIN, number))


def speed(ask: Ask, calls: int, jobs: int) -> float:
    """Calls a second; what to ask is made beforehand, in portions, and not timed."""
    spent, left = 0.0, calls
    source = questions(jobs)
    while left:
        portion = list(islice(source, min(left, 50_000)))
        gc.collect()
        begun = time.perf_counter()
        for expression, zone, instant in portion:
            ask(expression, zone, instant)
        spent += time.perf_counter() - begun
        left -= len(portion)
    return calls / spent


def engine_way(expression: str, zone: str, instant: datetime) -> datetime | None:
    """Read the text, as stored with the job, and ask."""
    return parse_schedule(expression, zone).next_after(instant)


def nothing_remembered(expression: str, zone: str, instant: datetime) -> datetime | None:
    """The same, when no other job has asked for this occurrence."""
    _forget_answers()
    return parse_schedule(expression, zone).next_after(instant)


def _forget_answers() -> None:
    import_module("django_scheduler.schedules.cron")._memo.clear()


def croniter_fresh() -> Ask:
    """croniter with an aware start, made anew for each question."""
    croniter = import_module("croniter").croniter

    def ask(expression: str, zone: str, instant: datetime) -> datetime | None:
        found = croniter(expression, instant.astimezone(ZoneInfo(zone))).get_next(datetime)
        return found if isinstance(found, datetime) else None

    return ask


def apscheduler() -> Ask:
    """APScheduler's trigger, made once for each pair."""
    trigger = import_module("apscheduler.triggers.cron").CronTrigger
    made = {
        pair: trigger.from_crontab(pair[0], timezone=pair[1])
        for pair in PAIRS
        if "L" not in pair[0]
    }

    def ask(expression: str, zone: str, instant: datetime) -> datetime | None:
        one = made.get((expression, zone)) or made["0 0 1 * *", zone]
        found = one.get_next_fire_time(instant, instant)
        return found if isinstance(found, datetime) else None

    return ask


def celery_beat() -> Ask:
    """django-celery-beat's schedule, made once for each pair, asked when it is due."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, INSTALLED_APPS=[], DATABASES={})
    crontab = import_module("django_celery_beat.tzcrontab").TzAwareCrontab
    made = {}
    for expression, zone in PAIRS:
        minute, hour, day, month, weekday = expression.replace("L", "28").split()
        made[expression, zone] = crontab(
            minute=minute, hour=hour, day_of_month=day, month_of_year=month,
            day_of_week=weekday, tz=ZoneInfo(zone),
        )  # fmt: skip

    def ask(expression: str, zone: str, instant: datetime) -> datetime | None:
        left = made[expression, zone].is_due(instant)
        return instant + timedelta(seconds=left.next)

    return ask


OTHERS = (
    ("croniter", "croniter, asked fresh", croniter_fresh),
    ("apscheduler", "APScheduler's CronTrigger", apscheduler),
    ("django-celery-beat", "django-celery-beat's TzAwareCrontab", celery_beat),
)


def memory() -> list[tuple[int, int]]:
    """(distinct schedules asked, KiB held): it must stop growing."""
    tracemalloc.start()
    found = []
    for number in range(24_000):
        parse_schedule(_distinct(number), ZONES[number % 5]).next_after(BEGIN)
        if (number + 1) % 8_000 == 0:
            gc.collect()
            found.append((number + 1, tracemalloc.get_traced_memory()[0] // 1024))
    tracemalloc.stop()
    return found


def _distinct(number: int) -> str:
    minute, hour, day = number % 60, number // 60 % 24, number // 1440 + 1
    return f"{minute} {hour} {day} * *"


def rows(calls: int) -> Iterator[tuple[str, str, float]]:
    """Name, version and calls a second of everything that is there."""
    ours = __version__
    yield "ours, 100 jobs share a pair", ours, speed(engine_way, calls, 100)
    yield "ours, each job a pair of its own", ours, speed(engine_way, max(calls // 10, 1), 1)
    fewer = max(calls // FEWER, 1)
    yield "ours, no answer remembered", ours, speed(nothing_remembered, fewer, 1)
    for package, name, make in OTHERS:
        try:
            version = metadata.version(package)
            ask = make()
        except (ImportError, metadata.PackageNotFoundError):
            print(f"{name}: not installed, left out", file=sys.stderr)
            continue
        yield name, version, speed(ask, fewer, 1)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.next_times")
    parser.add_argument("--calls", type=int, default=1_000_000)
    calls = parser.parse_args(arguments).calls
    processor = platform.machine() or "unknown"
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores ({processor}), ", end="")
    print(f"zones {zones_version()}, {calls} calls, {len(PAIRS)} pairs\n")
    print("| what | version | calls/s | µs a call | ours is faster by |\n|---|---|---:|---:|---:|")
    first = 0.0
    for name, version, rate in rows(calls):
        first = first or rate
        print(f"| {name} | {version} | {rate:,.0f} | {1e6 / rate:.1f} | {first / rate:.1f} × |")
    held = ", ".join(f"{kib:,} KiB after {count:,}" for count, kib in memory())
    print(f"\nRemembered, asked for ever new schedules: {held}.")


if __name__ == "__main__":
    main()
