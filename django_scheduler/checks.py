"""System checks: what is missing or wrong, with the remedy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connections
from django.db.models import Q

from . import conf, executors
from .models import Process
from .models.vendors import connection_problems, session_problems
from .runner import CLOCKS_APART
from .states import ALIVE

__all__ = ["register_all"]


def register_all() -> None:
    """Register the checks with Django; calling it again changes nothing."""
    register(check_settings, "django_scheduler")
    register(check_time_zone_support, "django_scheduler")
    register(check_executors, "django_scheduler")
    register(check_connections, "django_scheduler")
    register(check_database, Tags.database)
    register(check_clocks, Tags.database)


def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.E001: an unknown setting, or a value that does not suit."""
    return [
        Error(problem.message, hint=problem.hint, id="django_scheduler.E001")
        for problem in conf.problems()
    ]


def check_time_zone_support(**_kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.E002: ``USE_TZ`` is off, so instants would be ambiguous."""
    if settings.USE_TZ:
        return []
    return [
        Error(
            "The scheduler needs USE_TZ = True.",
            hint="Set USE_TZ = True; without it stored instants repeat an hour every autumn.",
            id="django_scheduler.E002",
        )
    ]


def check_executors(**_kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.E003: an executor cannot be imported or refuses its options."""
    if conf.problems():
        return []
    try:
        executors.build_all(conf.current().threads)
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="Mend DJANGO_SCHEDULER['EXECUTORS'], or install the missing package.",
                id="django_scheduler.E003",
            )
        ]
    return []


def check_connections(**_kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.W002: many job threads, and each job opens a connection."""
    if conf.problems() or conf.current().database not in connections:
        return []
    try:
        built = executors.build_all(conf.current().threads).values()
    except ImproperlyConfigured:
        return []
    threads = sum(getattr(executor, "threads", 0) for executor in built)
    found = connection_problems(conf.current().database, threads)
    return [Warning(message, hint=hint, id="django_scheduler.W002") for message, hint in found]


def _asked(databases: Any) -> str | None:
    """Return the scheduler's alias if that database is to be asked."""
    using = None if conf.problems() else conf.current().database
    return using if using in (databases or ()) else None


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.W001: the database works, but schedulers will get in each other's way."""
    using = _asked(kwargs.get("databases"))
    if using is None:
        return []
    try:
        found = session_problems(using)
    except DatabaseError:
        return []
    return [Warning(message, hint=hint, id="django_scheduler.W001") for message, hint in found]


def check_clocks(**kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.W003: the clock of a living process is apart from the database's."""
    using = _asked(kwargs.get("databases"))
    if using is None:
        return []
    apart = Q(clock_offset__gt=CLOCKS_APART) | Q(clock_offset__lt=-CLOCKS_APART)
    try:
        found = list(Process.objects.using(using).filter(apart, state__in=ALIVE))
    except DatabaseError:
        # The tables may not be there yet: `migrate` itself runs the checks.
        return []
    return [
        Warning(
            f"The clock of {process} is {_seconds(process.clock_offset):+.1f} s off the "
            "database's.",
            hint="Set both by NTP. Jobs run by the database's clock; what they stamp themselves "
            "does not agree with it.",
            id="django_scheduler.W003",
        )
        for process in found
    ]


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span else 0.0
