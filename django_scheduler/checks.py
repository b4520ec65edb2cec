"""System checks: what is missing or wrong, with the remedy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from . import conf, executors
from .models.vendors import session_problems

__all__ = ["register_all"]


def register_all() -> None:
    """Register the checks with Django; calling it again changes nothing."""
    register(check_settings, "django_scheduler")
    register(check_time_zone_support, "django_scheduler")
    register(check_executors, "django_scheduler")
    register(check_database, Tags.database)


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


def check_database(**kwargs: Any) -> list[CheckMessage]:
    """django_scheduler.W001: the database works, but schedulers will get in each other's way."""
    if conf.problems() or conf.current().database not in (kwargs.get("databases") or ()):
        return []
    try:
        found = session_problems(conf.current().database)
    except DatabaseError:
        return []
    return [Warning(message, hint=hint, id="django_scheduler.W001") for message, hint in found]
