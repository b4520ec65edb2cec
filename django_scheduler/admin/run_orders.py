"""The orders of a run's page: pause, resume, stop, run again. Each asks first, or is posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import runs
from ..exceptions import SchedulerError
from ..models import Run
from ..states import Reason, RunStatus
from .actions import allowed
from .base import RunModelAdmin, address
from .order_forms import RunAgainForm, StopForm

__all__ = ["RunOrders"]


@dataclass(frozen=True)
class Order:
    """An order that needs nothing but to be given: its names, what it does, what is said then."""

    title: Any
    label: Any
    act: Callable[[Run], Run]
    logged: str
    told: str


class RunOrders(RunModelAdmin):
    """What people may order of the run they look at."""

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may run runs again."""
        return allowed(self, request, "retry")

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may stop runs."""
        return allowed(self, request, "stop")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may pause runs and let them go on."""
        return allowed(self, request, "pause")

    def offered(self, request: HttpRequest, run: Run) -> dict[str, Any]:
        """Return what the page needs for the orders that this user may give of this run."""
        if run.is_final:
            again = self.has_retry_permission(request) and run.job_id is not None
            return {"retry_url": address(self, "retry", run.pk)} if again else {}
        if run.stop_requested_at is not None:
            return {}
        offered: dict[str, Any] = {}
        if self.has_stop_permission(request):
            offered = {"stop_form": StopForm(), "stop_url": address(self, "stop", run.pk)}
        if self.has_pause_permission(request):
            if run.pause_requested_at is not None or run.status == RunStatus.PAUSED:
                offered["resume_url"] = address(self, "resume", run.pk)
            elif run.status == RunStatus.RUNNING:
                offered["pause_url"] = address(self, "pause", run.pk)
        return offered

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that pause a run, let it go on, stop it, and run it again."""
        views = {
            "pause": self.pause_view,
            "resume": self.resume_view,
            "stop": self.stop_view,
            "retry": self.retry_view,
        }
        return [
            *(
                path(
                    f"<path:object_id>/{name}/",
                    self.admin_site.admin_view(view),
                    name=f"django_scheduler_run_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def pause_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Order the run to hold when that is posted; when it is only looked at, ask."""
        told = gettext("The run was asked to pause; it holds at its next checkpoint.")
        order = Order(_("Pause run"), _("Pause"), runs.pause, gettext("Asked to pause"), told)
        return self._carry_out(request, object_id, order)

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let the run go on when that is posted; when it is only looked at, ask."""
        told = gettext("The run goes on.")
        order = Order(_("Resume run"), _("Resume"), runs.resume, gettext("Resumed"), told)
        return self._carry_out(request, object_id, order)

    def _carry_out(self, request: HttpRequest, object_id: str, order: Order) -> HttpResponse:
        run = self._run(request, object_id, may=self.has_pause_permission(request))
        if request.method != "POST":
            return self._order_page(request, run, forms.Form(), order.title, order.label)
        try:
            order.act(run)
        except SchedulerError as problem:
            self.message_user(request, str(problem), messages.ERROR)
        else:
            self.log_change(request, run, order.logged)
            self.message_user(request, order.told, messages.SUCCESS)
        return HttpResponseRedirect(address(self, "change", run.pk))

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
