"""Wiring: what happens once when Django starts."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.module_loading import module_has_submodule
from django.utils.translation import get_language, npgettext, pgettext
from django.utils.translation import gettext_lazy as _

from .schedules.speech import CONTEXT, ENGLISH, Voice, speak_with

__all__ = ["DjangoSchedulerConfig"]


class DjangoSchedulerConfig(AppConfig):
    """Registers jobs, checks and log lines. It touches no database."""

    name = "django_scheduler"
    label = "django_scheduler"
    verbose_name = _("Scheduler")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the jobs of all apps; an import error in one of their modules is shown."""
        from . import checks, conf, executors, logs, registry

        checks.register_all()
        logs.connect()
        speak_with(_voice)
        registry.label_with(_label_of)
        module = None if conf.problems() else conf.current().autodiscover_module
        if module:
            _import_from_all_apps(module)
        if not conf.problems():
            executors.import_backends()


def _voice() -> Voice:
    """The language that is active now, with the names of days and months."""
    language = get_language()
    return ENGLISH if language is None else _voice_in(language)


@lru_cache(maxsize=64)
def _voice_in(language: str) -> Voice:
    """The voice of ``language``, which is the active one."""
    return Voice(
        language,
        tuple(str(WEEKDAYS[day]) for day in range(7)),
        tuple(str(MONTHS[month]) for month in range(1, 13)),
        _gettext,
        _ngettext,
    )


def _gettext(message: str) -> str:
    return pgettext(CONTEXT, message)


def _ngettext(one: str, many: str, number: int) -> str:
    return npgettext(CONTEXT, one, many, number)


def _label_of(module: str) -> str:
    config = apps.get_containing_app_config(module)
    return config.label if config else module.rpartition(".")[2]


def _import_from_all_apps(submodule: str) -> None:
    for config in apps.get_app_configs():
        own = config.name == "django_scheduler"
        if not own and config.module and module_has_submodule(config.module, submodule):
            import_module(f"{config.name}.{submodule}")
