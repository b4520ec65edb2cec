"""The list of runs and the page of one run, for looking at."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .. import reports
from ..models import Job, Run
from .base import (
    BoundedChangeList,
    BoundedPaginator,
    Looks,
    ReadOnly,
    RunModelAdmin,
    present,
    using,
)
from .display import NOTHING, badge, duration_text, instant, moment
from .filters import ExecutorFilter, JobFilter
from .run_orders import RunOrders
from .run_page import run_page

__all__ = ["RunAdmin"]

NAMES_SEARCHED = 200
"""Of so many jobs at most are runs searched for by a part of the name."""

BULKY = (
    "args", "kwargs", "metadata", "policy", "data", "carried_state", "result", "log", "traceback",
)  # fmt: skip
"""Columns the list does not show, and which may be long."""


class RunChangeList(BoundedChangeList):
    """The list, with the names of the processes fetched for all rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's runs and the processes they ran in: one query each."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        names = reports.process_names(row.process for row in rows)
        now = present()
        for row in rows:
            row.shown_at, row.process_name = now, names.get(row.process, "")
        self.result_list = rows


@admin.register(Run)
class RunAdmin(Looks, ReadOnly, RunOrders, RunModelAdmin):
    """Runs: only to look at, to pause, to stop, and to run again."""

    class Media(Looks.Media):
        js = ["django_scheduler/live.js"]

    list_display = [
        "job_name",
        "due",
        "status_badge",
        "attempt",
        "trigger",
        "started",
        "took",
        "late",
        "where",
    ]
    list_filter = ["status", "trigger", ExecutorFilter, JobFilter]
    search_fields = ["job_name"]
    search_help_text = _("By a part of a job's name, a removed job's whole name, or a run's id.")
    ordering = ["-id"]
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_max_show_all = 200
    actions = None
    fieldsets = []
    change_form_template = "admin/django_scheduler/run/change_form.html"
    change_list_template = "admin/django_scheduler/run/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        """Return the runs of the scheduler's database, newest first."""
        return Run.objects.using(using()).order_by("-id")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that fetches in bulk and leaves long columns alone."""
        return RunChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search among the jobs' names, of which there are few, not among the runs."""
        term = search_term.strip()
        queryset = queryset.defer(*BULKY)
        if not term:
            return queryset, False
        known = Job.objects.using(using()).filter(name__icontains=term).order_by("name")
        names = list(known.values_list("name", flat=True)[:NAMES_SEARCHED])
        wanted = Q(job_name__in=[*names, term])
        run_id = _as_id(term)
        return queryset.filter(wanted | Q(pk=run_id) if run_id else wanted), False

    # The columns.

    @admin.display(description=_("scheduled for"))
    def due(self, run: Any) -> str:
        """The nominal instant."""
        return instant(run.scheduled_for, run.shown_at)

    @admin.display(description=_("status"))
    def status_badge(self, run: Run) -> str:
        """The status, and the word that says more."""
        if not run.reason:
            return badge(run.status)
        return format_html(
            '{} <small class="sched-quiet">{}</small>', badge(run.status, run.error), run.reason
        )

    @admin.display(description=_("started"))
    def started(self, run: Any) -> str:
        """When its function was called."""
        return moment(run.started_at, run.shown_at)

    @admin.display(description=_("duration"))
    def took(self, run: Any) -> str:
        """How long it took, or has taken so far."""
        if run.duration is None and run.started_at and not run.is_final:
            return format_html(
                '<span class="sched-quiet">{} …</span>',
                duration_text(run.shown_at - run.started_at),
            )
        return duration_text(run.duration)

    @admin.display(description=_("lateness"))
    def late(self, run: Run) -> str:
        """How late it started."""
        return duration_text(run.lateness)

    @admin.display(description=_("where"))
    def where(self, run: Any) -> str:
        """The executor, and the process that carried it out."""
        name = run.process_name or NOTHING
        return format_html('{} <small class="sched-below">{}</small>', run.executor, name)

    # The page.

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Run | None = None,
    ) -> Any:
        """Add what happened; there is no form."""
        if obj is not None:
            context["page"] = run_page(obj, present())
            context["title"], context["subtitle"] = _("Run"), None
            context |= self.offered(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _as_id(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None
