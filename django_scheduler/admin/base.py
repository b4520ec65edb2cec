"""What the pages share: their database, their present instant, their style sheet."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property

from .. import clock as clocks
from .. import conf
from ..models.vendors import read_now

if TYPE_CHECKING:
    from ..models import Job, Process, Run

    _M = TypeVar("_M", bound=Model)
    AnyModelAdmin = BaseModelAdmin[Any]
    JobModelAdmin = admin.ModelAdmin[Job]
    RunModelAdmin = admin.ModelAdmin[Run]
    ProcessModelAdmin = admin.ModelAdmin[Process]
    BoundedBase = Paginator[Any]
else:
    # Not subscriptable where the program runs.
    AnyModelAdmin = BaseModelAdmin
    JobModelAdmin = RunModelAdmin = ProcessModelAdmin = admin.ModelAdmin
    BoundedBase = Paginator

__all__ = [
    "AnyModelAdmin",
    "BoundedChangeList",
    "BoundedPaginator",
    "JobModelAdmin",
    "Looks",
    "ProcessModelAdmin",
    "ReadOnly",
    "RunModelAdmin",
    "address",
    "list_address",
    "page_of",
    "present",
    "using",
]


def using() -> str:
    """Return the alias of the scheduler's database."""
    return conf.current().database


def address(page: AnyModelAdmin, name: str, pk: int | uuid.UUID) -> str:
    """Return the path of a page about one row, on the same admin site as ``page``."""
    view = f"admin:{page.opts.app_label}_{page.opts.model_name}_{name}"
    return reverse(view, args=[quote(pk)], current_app=page.admin_site.name)


def list_address(page: AnyModelAdmin) -> str:
    """Return the path of the list of rows like those of ``page``, on the same admin site."""
    view = f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
    return reverse(view, current_app=page.admin_site.name)


def page_of(model: str, pk: int | uuid.UUID | None) -> str:
    """Return the path of the page about a row of ``model``; empty if there is no such page."""
    try:
        return reverse(f"admin:django_scheduler_{model}_change", args=[pk]) if pk else ""
    except NoReverseMatch:  # a project may unregister a page
        return ""


def present() -> datetime:
    """Return the present instant by the database's clock, which is what decides what is due."""
    return read_now(clocks.installed(), using())


class Looks:
    """Gives a page the package's one style sheet."""

    class Media:
        css = {"all": ["django_scheduler/admin.css"]}


class ReadOnly:
    """Takes away every way to add, change or delete: these rows are the engine's."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class BoundedPaginator(BoundedBase):
    """Counts no further than `LIMIT`: counting a million rows costs more than showing a page."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """How many rows there are, or the limit if there are more."""
        return min(self._counted, self.LIMIT)

    @cached_property
    def has_more(self) -> bool:
        """Whether there are more rows than pages are offered for."""
        return self._counted > self.LIMIT

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[: self.LIMIT + 1].count()


class BoundedChangeList(ChangeList):
    """A list whose last page is the last one counted."""

    @property
    def has_more(self) -> bool:
        """Whether older rows exist that no page shows."""
        return bool(getattr(self.paginator, "has_more", False))

    @property
    def shown_at_most(self) -> int:
        """How many rows the pages show together."""
        return BoundedPaginator.LIMIT
