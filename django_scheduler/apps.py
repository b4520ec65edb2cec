"""Wiring: what happens once when Django starts."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext_lazy as _

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
        registry.label_with(_label_of)
        module = None if conf.problems() else conf.current().autodiscover_module
        if module:
            _import_from_all_apps(module)
        if not conf.problems():
            executors.import_backends()


def _label_of(module: str) -> str:
    config = apps.get_containing_app_config(module)
    return config.label if config else module.rpartition(".")[2]


def _import_from_all_apps(submodule: str) -> None:
    for config in apps.get_app_configs():
        own = config.name == "django_scheduler"
        if not own and config.module and module_has_submodule(config.module, submodule):
            import_module(f"{config.name}.{submodule}")
