"""The list of jobs, the page of one job, and the buttons on both."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import django
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from .. import jobs, reports
from ..exceptions import JobNotFound, SchedulerError
from ..models import Installation, Job
from ..states import JobState
from .actions import ORDERS, Order, allowed, carry_out
from .base import JobModelAdmin, Looks, address, list_address, present, using
from .display import badge, instant, sparkline
from .filters import ExecutorFilter
from .forms import FIELDSETS, JobForm
from .job_page import now_panel, state_note, words_of
from .preview import confirmation, form_preview

__all__ = ["JobAdmin"]

NOTE_SHOWN = 36
"""So much of a pause's reason has room in the list; pointing at it shows all."""

TOOLS_INSIDE = django.VERSION < (6, 1)
"""Whether the buttons beside a page's title are a part of its content."""


class _Refused(Exception):
    """The facade refused the form's input after the form had found nothing wrong with it."""

    def __init__(self, problem: SchedulerError) -> None:
        super().__init__(str(problem))
        self.problem = problem


class JobChangeList(ChangeList):
    """The list, with what its page needs fetched for all rows at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's jobs and their recent outcomes: one query each."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list.defer("carried_state"))
        outcomes = reports.recent_outcomes(row.pk for row in rows)
        now = present()
        for row in rows:
            row.shown_at, row.recent = now, outcomes[row.pk]
        self.result_list = rows


def _list_action(order: Order) -> Any:
    """Return the order as an action of the list."""

    @admin.action(permissions=[order.needs], description=order.plural)
    def act(page: JobAdmin, request: HttpRequest, chosen: QuerySet[Job]) -> HttpResponse | None:
        form = None
        if order.form is not None:
            form = order.form(request.POST if "apply" in request.POST else None)
            if not form.is_valid():
                return page.order_page(request, order, chosen, form, from_list=True)
        given = form.cleaned_data if form else {}
        carry_out(page, request, order, chosen, given)
        return None

    act.__name__ = f"{order.name}_selected"
    return act


@admin.register(Job)
class JobAdmin(Looks, JobModelAdmin):
    """Jobs: what there is, how it goes, and the orders that can be given."""

    form = JobForm
    fieldsets = FIELDSETS
    list_display = ["name", "state_badge", "words", "next_run", "last", "recent_runs", "executor"]
    list_filter = ["state", "last_status", ExecutorFilter, "tags"]
    search_fields = ["name", "function", "description"]
    search_help_text = _("By name, function or description.")
    list_select_related = ["clock"]
    ordering = ["name"]
    actions = [_list_action(order) for order in ORDERS.values()]
    change_form_template = "admin/django_scheduler/job/change_form.html"
    change_list_template = "admin/django_scheduler/job/change_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Return all jobs but the removed ones that only wait for their last run to end."""
        return jobs.all()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that fetches in bulk."""
        return JobChangeList

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may pause jobs."""
        return allowed(self, request, "pause")

    def has_resume_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may resume jobs."""
        return allowed(self, request, "resume")

    def has_trigger_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may run jobs now."""
        return allowed(self, request, "trigger")

    def has_bring_forward_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may bring jobs forward."""
        return allowed(self, request, "bring_forward")

    def has_skip_next_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may skip the next run of jobs."""
        return allowed(self, request, "skip_next")

    # The columns.

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, job: Job) -> str:
        """The state, and why."""
        note = state_note(job)
        if job.state != JobState.PAUSED:
            return badge(job.state, note)
        told = Truncator(note).chars(NOTE_SHOWN)
        return format_html('{} <small class="sched-below">{}</small>', badge(job.state, note), told)

    @admin.display(description=_("schedule"))
    def words(self, job: Job) -> str:
        """The schedule in words."""
        return words_of(job)

    @admin.display(description=_("next run"), ordering="clock__next_run_at")
    def next_run(self, job: Any) -> str:
        """When it is due next."""
        return instant(job.next_run_at, job.shown_at)

    @admin.display(description=_("last status"), ordering="last_status")
    def last(self, job: Any) -> str:
        """How the last run ended, and when."""
        if not job.last_status:
            return badge("")
        when = instant(job.last_finished_at, job.shown_at)
        return format_html("{} {}", badge(job.last_status), when)

    @admin.display(description=_("recent runs"))
    def recent_runs(self, job: Any) -> str:
        """The last outcomes as a chart."""
        return sparkline(job.recent, narrow=True)

    # The form.

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        """Keep the name of an existing job: its history is found by it."""
        return ["name"] if obj is not None else []

    def get_form(
        self, request: HttpRequest, obj: Job | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form's class, made for this request alone."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.refused = getattr(request, "refused", None)
        form.previewing = "_preview" in request.POST
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or store the form; what the facade refuses comes back as an error of the form."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except _Refused as refusal:
            request.refused = refusal.problem  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Job, form: Any, change: bool) -> None:
        """Hand the input to the facade, and make ``obj`` the row it returns."""
        try:
            if change:
                # No version is ever 0: whoever does not say what they saw is asked to look.
                seen = form.cleaned_data["seen_version"] or 0
                stored = jobs.update(obj.name, expected_version=seen, **form.given())
            else:
                stored = jobs.add(obj.name, **form.given())
        except SchedulerError as problem:
            raise _Refused(problem) from problem
        obj.__dict__.update(stored.__dict__)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Job | None = None,
    ) -> Any:
        """Add what the job is doing now, and the buttons the user may press."""
        if obj is not None:
            stored = jobs.all().select_related("clock").filter(pk=obj.pk).first() or obj
            context["panel"] = now_panel(stored, present())
            context["orders"] = self._buttons(request, stored)
        context["tools_inside"] = TOOLS_INSIDE
        form = context["adminform"].form
        if form.is_bound and (form.previewing or form.notices):
            context["preview"] = self._preview(request, form)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _preview(self, request: HttpRequest, form: JobForm) -> dict[str, Any] | None:
        """Return what is shown of an input that has not been stored."""
        if {"schedule", "timezone"} & set(form.errors):
            return None
        shown = form_preview(form.instance, present())
        pressed = [name for name in ("_continue", "_addanother") if name in request.POST]
        return shown and {
            **shown,
            "notices": [notice.describe() for notice in form.notices],
            "confirmed": confirmation(form.notices),
            "again": "" if form.previewing else [*pressed, "_save"][0],
            # The same page, opened anew.
            "back": request.path,
        }

    def _buttons(self, request: HttpRequest, job: Job) -> list[dict[str, Any]]:
        return [
            {
                "name": order.name,
                "label": order.label,
                "asks": order.form is not None,
                "url": address(self, order.name, job.pk),
            }
            for order in ORDERS.values()
            if allowed(self, request, order.needs)
            and (not order.states or job.state in order.states)
        ]

    # Deleting.

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Name the jobs alone: their runs stay, as history under the job's name."""
        names = [str(job) for job in objs]
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, {str(self.opts.verbose_name_plural): len(names)}, lacking, []

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """Add the job itself: what the page says depends on where it was declared."""
        removed = [context["object"]]
        return super().render_delete_form(request, {**context, "deleted_jobs": removed})

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        """Remove the job; what runs goes on, its history stays."""
        try:
            jobs.remove(obj, running="leave")
        except JobNotFound:
            return  # somebody was faster

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Remove each of the jobs."""
        for job in queryset:
            self.delete_model(request, job)

    # The orders.

    def get_urls(self) -> list[URLPattern]:
        """Add a page for each order."""
        own = [
            path(
                f"<path:object_id>/{order.name}/",
                self.admin_site.admin_view(partial(self.order_view, order=order)),
                name=f"django_scheduler_job_{order.name}",
            )
            for order in ORDERS.values()
        ]
        return own + super().get_urls()

    def order_view(self, request: HttpRequest, object_id: str, order: Order) -> HttpResponse:
        """Carry the order out when it is posted; when it is only looked at, ask for it."""
        if not allowed(self, request, order.needs):
            raise PermissionDenied
        job = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        posted = request.method == "POST"
        form = order.form(request.POST if posted else None) if order.form else None
        if not posted or (form is not None and not form.is_valid()):
            return self.order_page(request, order, [job], form, from_list=False)
        carry_out(self, request, order, [job], form.cleaned_data if form else {})
        return HttpResponseRedirect(address(self, "change", job.pk))

    def order_page(
        self, request: HttpRequest, order: Order, chosen: Any, form: Any, *, from_list: bool
    ) -> TemplateResponse:
        """Return the page that asks for what the order still needs."""
        kept = [("action", f"{order.name}_selected"), ("apply", "1")]
        kept += [
            (name, value)
            for name in ("select_across", ACTION_CHECKBOX_NAME)
            for value in request.POST.getlist(name)
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": order.title,
            "original": order.title,
            "opts": self.opts,
            "media": self.media,
            "has_view_permission": True,
            "order": order,
            "form": form,
            "rows": chosen,
            "kept": kept if from_list else [],
            "back": list_address(self) if from_list else address(self, "change", chosen[0].pk),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/django_scheduler/job/order.html", context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Say above the list when everything is paused."""
        paused = (
            Installation.objects.using(using()).filter(paused_at__isnull=False).first()
            if self.has_view_permission(request)
            else None
        )
        return super().changelist_view(request, {**(extra_context or {}), "paused": paused})
