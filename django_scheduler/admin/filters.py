"""Filters of the lists. None reads a large table only to offer its values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import conf
from ..models import Job
from .base import using

__all__ = ["ExecutorFilter", "JobFilter"]


class ExecutorFilter(admin.SimpleListFilter):
    """By executor; offers those that are declared in the settings."""

    title = _("executor")
    parameter_name = "executor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the declared executors."""
        return [(name, name) for name in sorted(conf.current().executor_definitions())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the chosen executor."""
        return queryset.filter(executor=self.value()) if self.value() else queryset


class JobFilter(admin.SimpleListFilter):
    """By job; offers only the one that is chosen, because there may be a million."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the chosen job, if it exists."""
        chosen = self._chosen()
        if chosen is None:
            return []
        found = Job.objects.using(using()).filter(pk=chosen).values_list("name", flat=True).first()
        return [(str(chosen), found if found is not None else f"#{chosen}")]

    def _chosen(self) -> int | None:
        text = self.used_parameters.get(self.parameter_name)
        text = text[-1] if isinstance(text, list) else text
        return int(text) if text and str(text).isdecimal() and len(str(text)) < 19 else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the runs of the chosen job."""
        if self.value() is None:
            return queryset
        chosen = self._chosen()
        return queryset.none() if chosen is None else queryset.filter(job_id=chosen)
