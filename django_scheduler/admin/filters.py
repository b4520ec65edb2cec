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
        """Return the chosen job; nothing when none is chosen, and then the filter is not shown."""
        text = self.value()
        if text is None:
            return []
        rows = Job.objects.using(using()).filter(pk=self._chosen() or 0)
        return [(text, rows.values_list("name", flat=True).first() or f"#{text}")]

    def _chosen(self) -> int | None:
        """The id in the address; None when it is none."""
        text = self.value() or ""
        return int(text) if text.isdecimal() and len(text) < len(str(2**63)) else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the runs of the chosen job."""
        if self.value() is None:
            return queryset
        chosen = self._chosen()
        return queryset.none() if chosen is None else queryset.filter(job_id=chosen)
