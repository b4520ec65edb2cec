"""Settings: one frozen value read from ``settings.DJANGO_SCHEDULER``.

Knows names, types, defaults and bounds; it must not know what anybody does with them.
``problems()`` serves the system checks, ``current()`` everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

__all__ = ["DEFAULT_EXECUTORS", "Problem", "SchedulerSettings", "current", "problems"]

SETTING = "DJANGO_SCHEDULER"

LONGEST = timedelta(days=3660)
"""Longer waits do not fit into what operating systems take for a timeout everywhere."""

DEFAULT_EXECUTORS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django_scheduler.executors.thread_pool.ThreadPoolExecutor"},
    "asyncio": {"BACKEND": "django_scheduler.executors.event_loop.AsyncioExecutor"},
    "process": {"BACKEND": "django_scheduler.executors.process.ProcessExecutor"},
}


def _seconds(value: float) -> Any:
    return field(default=timedelta(seconds=value))


def _days(value: int) -> Any:
    return field(default=timedelta(days=value))


@dataclass(frozen=True)
class SchedulerSettings:
    """Every setting under its name in lower case. Durations are ``timedelta``."""

    database: str = "default"
    threads: int = 20
    poll_interval: timedelta = _seconds(1)
    horizon: timedelta = _seconds(0.25)
    batch_size: int = 500
    monitor_interval: timedelta = _seconds(1)
    heartbeat_interval: timedelta = _seconds(5)
    lease: timedelta = _seconds(15)
    shutdown_grace: timedelta = _seconds(30)
    final_write_budget: timedelta = _seconds(5)
    misfire_grace: timedelta = _seconds(60)
    catch_up_window: timedelta = _days(1)
    catch_up_limit: int = 100
    reconcile_interval: timedelta = _seconds(10)
    reconcile_grace: timedelta = _seconds(30)
    unknown_function_grace: timedelta = _seconds(600)
    write_retry_budget: timedelta = _seconds(5)
    queue_limits: Mapping[str, int] = field(default_factory=dict)
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    commands_allowed: tuple[str, ...] = ()
    result_max_bytes: int = 64 * 1024
    log_max_bytes: int = 64 * 1024
    autodiscover_module: str | None = "jobs"

    def executor_definitions(self) -> dict[str, Mapping[str, Any]]:
        """Return the declared executors together with those that exist without being declared."""
        return {**DEFAULT_EXECUTORS, **self.executors}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one setting, and what to write instead."""

    name: str
    message: str
    hint: str


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _duration(value: object) -> timedelta | None:
    if isinstance(value, timedelta):
        return value if timedelta(0) <= value <= LONGEST else None
    if _is_int(value) or isinstance(value, float):
        good = 0 <= value <= LONGEST.total_seconds()  # type: ignore[operator]
        return timedelta(seconds=value) if good else None  # type: ignore[arg-type]
    return None


def _check_duration(value: object) -> tuple[Any, str]:
    return _duration(value), "a timedelta or a number of seconds, not negative, at most 10 years"


def _check_int(value: object) -> tuple[Any, str]:
    good = _is_int(value) and 0 < value < 2**31  # type: ignore[operator]
    return (value if good else None), "a whole number above 0"


def _check_names(value: object) -> tuple[Any, str]:
    good = isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(item, str) for item in value
    )
    return (tuple(value) if good else None), "a list of command names"  # type: ignore[arg-type]


def _is_executor(alias: object, definition: object) -> bool:
    return (
        isinstance(alias, str)
        and isinstance(definition, Mapping)
        and isinstance(definition.get("BACKEND"), str)
        and isinstance(definition.get("OPTIONS", {}), Mapping)
        and not set(definition) - {"BACKEND", "OPTIONS"}
    )


def _check_executors(value: object) -> tuple[Any, str]:
    wanted = 'a dict of alias to {"BACKEND": "dotted.path", "OPTIONS": {…}}'
    if not isinstance(value, Mapping) or not all(_is_executor(*item) for item in value.items()):
        return None, wanted
    return dict(value), wanted


def _check_limits(value: object) -> tuple[Any, str]:
    good = isinstance(value, Mapping) and all(
        isinstance(queue, str) and _check_int(limit)[0] is not None
        for queue, limit in value.items()
    )
    wanted = "a dict of a queue's name to a whole number above 0"
    return (dict(value) if good else None), wanted  # type: ignore[call-overload]


def _check_text(value: object) -> tuple[Any, str]:
    return (value if isinstance(value, str) and value else None), "a non-empty text"


_CHECKS = {
    "database": _check_text,
    "executors": _check_executors,
    "queue_limits": _check_limits,
    "commands_allowed": _check_names,
    "autodiscover_module": _check_text,
}


def _check_for(name: str, default: object) -> Any:
    if name in _CHECKS:
        return _CHECKS[name]
    return _check_duration if isinstance(default, timedelta) else _check_int


def _read(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    known = {f.name.upper(): f for f in fields(SchedulerSettings)}
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for name, value in raw.items():
        if name not in known:
            hint = f"Remove it, or use one of: {', '.join(sorted(known))}."
            found.append(Problem(str(name), f"{SETTING}[{name!r}] is not a setting.", hint))
            continue
        if name == "AUTODISCOVER_MODULE" and value is None:
            values[name.lower()] = None
            continue
        checked, wanted = _check_for(name.lower(), known[name].default)(value)
        if checked is None:
            message = f"{SETTING}[{name!r}] is {value!r}."
            found.append(Problem(name, message, f"It must be {wanted}."))
            continue
        values[name.lower()] = checked
    return values, found


def _bounds(values: SchedulerSettings) -> list[Problem]:
    found = []
    if values.lease < 2 * values.heartbeat_interval:
        message = (
            f"{SETTING}['LEASE'] ({values.lease}) is shorter than two beats "
            f"of {values.heartbeat_interval}."
        )
        hint = "Raise LEASE or lower HEARTBEAT_INTERVAL."
        found.append(Problem("LEASE", message, hint))
    if values.horizon >= values.lease:
        message = (
            f"{SETTING}['HORIZON'] ({values.horizon}) is not shorter than the lease "
            f"({values.lease}): what is claimed ahead could outlive its claimer."
        )
        found.append(Problem("HORIZON", message, "Lower HORIZON; its default is 250 ms."))
    for name in ("poll_interval", "monitor_interval", "heartbeat_interval", "reconcile_interval"):
        if getattr(values, name) <= timedelta(0):
            message = f"{SETTING}[{name.upper()!r}] is 0."
            found.append(Problem(name.upper(), message, "It must be longer than 0."))
    return found


def _raw() -> Any:
    return getattr(django_settings, SETTING, {})


def problems() -> list[Problem]:
    """Return what is wrong with the present settings; an empty list when nothing is."""
    raw = _raw()
    if not isinstance(raw, Mapping):
        return [Problem(SETTING, f"{SETTING} is a {type(raw).__name__}.", "It must be a dict.")]
    values, found = _read(raw)
    return found or _bounds(SchedulerSettings(**values))


_cached: SchedulerSettings | None = None


def current() -> SchedulerSettings:
    """Return the settings in force.

    Raises:
        ImproperlyConfigured: naming the first setting that is wrong, and the remedy.
    """
    global _cached  # noqa: PLW0603 - the one cache, emptied when settings change
    if _cached is None:
        found = problems()
        if found:
            raise ImproperlyConfigured(f"{found[0].message} {found[0].hint}")
        values, _ = _read(_raw())
        _cached = SchedulerSettings(**values)
    return _cached


def _forget(*, setting: str, **_kwargs: object) -> None:
    global _cached  # noqa: PLW0603
    if setting == SETTING:
        _cached = None


setting_changed.connect(_forget, dispatch_uid="django_scheduler.conf")
