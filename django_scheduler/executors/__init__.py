"""Where a run is carried out: one file a place. Built from the ``EXECUTORS`` setting."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from .. import conf
from .base import Executor

__all__ = ["Executor", "build_all", "import_backends"]


def import_backends() -> dict[str, type[Executor]]:
    """Import the classes of all declared executors and return them by alias.

    Raises:
        ImproperlyConfigured: a class cannot be imported or is no Executor; the alias is named.
    """
    found = {}
    for alias, definition in conf.current().executor_definitions().items():
        path = definition["BACKEND"]
        try:
            found[alias] = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"DJANGO_SCHEDULER['EXECUTORS'][{alias!r}] names the BACKEND {path!r}, which "
                f"cannot be imported: {error}."
            ) from error
        if not (isinstance(found[alias], type) and issubclass(found[alias], Executor)):
            raise ImproperlyConfigured(
                f"DJANGO_SCHEDULER['EXECUTORS'][{alias!r}] names the BACKEND {path!r}, which is "
                "no Executor."
            )
    return found


def build_all(threads: int) -> dict[str, Executor]:
    """Return an executor for each alias; ``threads`` sizes those whose options do not.

    Raises:
        ImproperlyConfigured: a class cannot be imported or refuses its options.
    """
    definitions = conf.current().executor_definitions()
    built = {}
    for alias, backend in import_backends().items():
        options = dict(definitions[alias].get("OPTIONS", {}))
        try:
            built[alias] = backend.from_options(alias, options, threads=threads)
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(
                f"DJANGO_SCHEDULER['EXECUTORS'][{alias!r}]['OPTIONS'] do not suit it: {error}."
            ) from error
    return built
