"""The list of runs and the page of one run, for looking; and the buttons to stop one, or again."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import reports, runs
from ..exceptions import SchedulerError
from ..models import Job, Run
from ..states import Reason
from .actions import allowed
from .base import (
    BoundedChangeList,
    BoundedPaginator,
    Looks,
    ReadOnly,
    RunModelAdmin,
    address,
    present,
    using,
)
from .display import NOTHING, badge, duration_text, instant, moment
from .filters import ExecutorFilter, JobFilter
from .order_forms import RunAgainForm, StopForm
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
class RunAdmin(Looks, ReadOnly, RunModelAdmin):
    """Runs: only to look at, to stop, and to run again."""

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

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may run runs again."""
        return allowed(self, request, "retry")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may stop runs."""
        return allowed(self, request, "stop")

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
            may_stop = self.has_stop_permission(request)
            if may_stop and not obj.is_final and obj.stop_requested_at is None:
                context["stop_form"] = StopForm()
                context["stop_url"] = address(self, "stop", obj.pk)
            if self.has_retry_permission(request) and obj.is_final and obj.job_id is not None:
                context["retry_url"] = address(self, "retry", obj.pk)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that stop a run, and run it again."""
        stop = self.admin_site.admin_view(self.stop_view)
        again = self.admin_site.admin_view(self.retry_view)
        return [
            path("<path:object_id>/stop/", stop, name="django_scheduler_run_stop"),
            path("<path:object_id>/retry/", again, name="django_scheduler_run_retry"),
            *super().get_urls(),
        ]

    def stop_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Order the run to stop when that is posted; when it is only looked at, ask."""
        run = self._run(request, object_id, may=self.has_stop_permission(request))
        form = StopForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self._order_page(request, run, form, _("Stop run"), _("Stop"))
        self._stop(request, run, form.cleaned_data["reason"])
        return HttpResponseRedirect(address(self, "change", run.pk))

    def _run(self, request: HttpRequest, object_id: str, *, may: bool) -> Run:
        if not may:
            raise PermissionDenied
        run = self.get_object(request, unquote(object_id))
        if run is None:
            raise Http404
        return run

    def retry_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Run it again when that is posted; when it is only looked at, ask with what."""
        run = self._run(request, object_id, may=self.has_retry_permission(request))
        posted = request.POST if request.method == "POST" else None
        form = RunAgainForm(posted, initial={"args": run.args, "kwargs": run.kwargs})
        again = self._retry(request, run, form) if form.is_valid() else None
        if again is None:
            return self._order_page(request, run, form, _("Run again"), _("Run again"))
        return HttpResponseRedirect(address(self, "change", again.pk))

    def _retry(self, request: HttpRequest, run: Run, form: RunAgainForm) -> Run | None:
        """Return the new run; what is refused comes back as an error of the form."""
        try:
            again = runs.retry(run, **form.given())
        except SchedulerError as problem:
            form.add_error(problem.field if problem.field in form.fields else None, str(problem))
            return None
        self.log_change(request, run, gettext("Run again: run %s") % again.pk)
        self.message_user(request, _retried(again), messages.SUCCESS)
        return again

    def _stop(self, request: HttpRequest, run: Run, reason: str) -> None:
        try:
            stopped = runs.stop(run, reason)
        except SchedulerError as problem:
            self.message_user(request, str(problem), messages.ERROR)
            return
        said = f": {reason}" if reason else ""
        self.log_change(request, run, gettext("Asked to stop") + said)
        told = (
            gettext("The run is stopped.")
            if stopped.is_final
            else gettext("The run was asked to stop; it ends at its next checkpoint.")
        )
        self.message_user(request, told, messages.SUCCESS)

    def _order_page(
        self, request: HttpRequest, run: Run, form: Any, title: Any, label: Any
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "original": title,
            "opts": self.opts,
            "media": self.media,
            "has_view_permission": True,
            "order": {"label": label},
            "form": form,
            "rows": [run],
            "back": address(self, "change", run.pk),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/django_scheduler/job/order.html", context)


def _retried(run: Run) -> str:
    if run.reason == Reason.WAITING:
        return gettext("This is the new run: it waits until the active run has ended.")
    if run.is_final:
        return gettext("The new run was skipped: a run of the job is still active.")
    return gettext("This is the new run.")


def _as_id(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None
