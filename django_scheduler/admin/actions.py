"""What people order on the pages: pause, resume, run now, bring forward, stop.

Each order has its own permission, goes through ``jobs`` or ``runs``, is written to the admin
log, and turns typed errors into messages. An order over several rows goes on after one fails.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import jobs
from ..exceptions import SchedulerError
from ..models import Job
from ..states import Reason, RunStatus
from .base import AnyModelAdmin, page_of, present
from .display import absolute, label_of, readable
from .fields import span_text
from .order_forms import BringForwardForm, CatchUpForm, PauseForm

__all__ = ["ORDERS", "Done", "Order", "allowed", "carry_out"]

TOLD_ONE_BY_ONE = 10
"""Beyond so many rows a message each would bury the page."""


@dataclass(frozen=True)
class Done:
    """What an order did to one row: the line for the admin log, whether all, the run it made.

    ``told`` is what the user reads if it was the only row; empty: how many rows it was done to.
    """

    logged: str
    complete: bool = True
    run: uuid.UUID | None = None
    told: str = ""


@dataclass(frozen=True)
class Order:
    """One thing that can be asked of jobs.

    Attributes:
        name: the action's name, the last part of its URL and of its permission's codename.
        label: on its button.
        plural: in the list of actions.
        title: above the page that asks for more.
        act: does it to one job.
        form: what has to be known first; None: nothing.
        states: the job states in which the button makes sense; empty: any.
        permission: the order whose permission this one takes; empty: its own.
    """

    name: str
    label: Any
    plural: Any
    title: Any
    done: Callable[[int], str]
    act: Callable[[HttpRequest, Job, Mapping[str, Any]], Done]
    form: type[forms.Form] | None = None
    states: frozenset[str] = frozenset()
    permission: str = ""

    @property
    def needs(self) -> str:
        """The name by which its permission goes."""
        return self.permission or self.name


def _user(request: HttpRequest) -> str:
    return request.user.get_username()


def _pause(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    until = given.get("until")
    jobs.pause(job, given["reason"], until, by=_user(request))
    if until is None:
        return Done(_("Paused: %s") % given["reason"])
    return Done(
        _("Paused until %(until)s: %(reason)s")
        % {"until": absolute(until), "reason": given["reason"]}
    )


def _resume(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    jobs.resume(job)
    return Done(_("Resumed"))


def _resume_catching_up(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    jobs.resume(job, mode=given["mode"])
    return Done(_("Resumed, catching up with the time of the pause: %s") % given["mode"])


def _skip_next(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    run = jobs.skip_next(job)
    logged = _("Skipped the next run, of %s") % absolute(run.scheduled_for)
    following, now = jobs.get(job.name).next_run_at, present()
    skipped = readable(run.scheduled_for, now, job.timezone)
    if following is None:
        told = _("Skipped %s; no further one is planned.") % skipped
    else:
        told = _("Skipped %(skipped)s; next %(next)s.") % {
            "skipped": skipped,
            "next": readable(following, now, job.timezone),
        }
    return Done(logged, run=run.pk, told=told)


def _trigger(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    run = jobs.trigger(job)
    if run.status == RunStatus.SKIPPED:
        return Done(
            _("Asked to run now, but %(status)s (%(reason)s): a run of it is still active")
            % {"status": label_of(run.status), "reason": run.reason},
            complete=False,
        )
    if run.reason == Reason.WAITING:
        return Done(_("Asked to run now: it waits until the active run has ended"), run=run.pk)
    return Done(_("Asked to run now: run %s") % run.pk, run=run.pk)


def _bring_forward(request: HttpRequest, job: Job, given: Mapping[str, Any]) -> Done:
    within = given["within"]
    due = jobs.run_within(job, within)
    return Done(
        _("Next run brought forward to within %(span)s: %(due)s")
        % {"span": span_text(within), "due": absolute(due)}
    )


ORDERS: dict[str, Order] = {
    order.name: order
    for order in (
        Order(
            "trigger",
            gettext_lazy("Run now"),
            gettext_lazy("Run selected jobs now"),
            gettext_lazy("Run jobs now"),
            lambda n: ngettext("%d job was asked to run now.", "%d jobs were asked to run now.", n),
            _trigger,
        ),
        Order(
            "pause",
            gettext_lazy("Pause"),
            gettext_lazy("Pause selected jobs …"),
            gettext_lazy("Pause jobs"),
            lambda n: ngettext("%d job was paused.", "%d jobs were paused.", n),
            _pause,
            PauseForm,
            frozenset({"active"}),
        ),
        Order(
            "resume",
            gettext_lazy("Resume"),
            gettext_lazy("Resume selected jobs"),
            gettext_lazy("Resume jobs"),
            lambda n: ngettext("%d job was resumed.", "%d jobs were resumed.", n),
            _resume,
            None,
            frozenset({"paused"}),
        ),
        Order(
            "resume_catching_up",
            gettext_lazy("Resume and catch up"),
            gettext_lazy("Resume selected jobs and catch up …"),
            gettext_lazy("Resume jobs and catch up with the time of their pause"),
            lambda n: ngettext(
                "%d job was resumed and catches up.", "%d jobs were resumed and catch up.", n
            ),
            _resume_catching_up,
            CatchUpForm,
            frozenset({"paused"}),
            permission="resume",
        ),
        Order(
            "bring_forward",
            gettext_lazy("Bring forward"),
            gettext_lazy("Bring selected jobs forward …"),
            gettext_lazy("Bring jobs forward"),
            lambda n: ngettext("%d job was brought forward.", "%d jobs were brought forward.", n),
            _bring_forward,
            BringForwardForm,
            frozenset({"active"}),
        ),
        Order(
            "skip_next",
            gettext_lazy("Skip next run"),
            gettext_lazy("Skip the next run of selected jobs"),
            gettext_lazy("Skip the next run of jobs"),
            lambda n: ngettext(
                "The next run of %d job was skipped.", "The next run of %d jobs was skipped.", n
            ),
            _skip_next,
            None,
            frozenset({"active"}),
        ),
    )
}
"""Every order on jobs, by name; the order of the buttons."""


def allowed(page: AnyModelAdmin, request: HttpRequest, name: str) -> bool:
    """Tell whether the user may see the rows and give the order with this permission."""
    codename = get_permission_codename(name, page.opts)
    return page.has_view_permission(request) and request.user.has_perm(
        f"{page.opts.app_label}.{codename}"
    )


def carry_out(
    page: Any, request: HttpRequest, order: Order, rows: Iterable[Job], given: Mapping[str, Any]
) -> None:
    """Do ``order`` to every row, write each to the admin log, and tell the user what happened."""
    done: list[Done] = []
    partly, failed = [], []
    for row in rows:
        try:
            outcome = order.act(request, row, given)
        except SchedulerError as problem:
            failed.append(_line(row, str(problem)))
            continue
        page.log_change(request, row, outcome.logged)
        if outcome.complete:
            done.append(outcome)
        else:
            partly.append(_line(row, outcome.logged))
    if done:
        page.message_user(request, _success(request, order, done), messages.SUCCESS)
    _tell(page, request, partly, messages.WARNING)
    _tell(page, request, failed, messages.ERROR)


def _success(request: HttpRequest, order: Order, done: list[Done]) -> str:
    """Return how many rows it was done to, or what was done to one, with the way to its run."""
    told = (done[0].told if len(done) == 1 else "") or order.done(len(done)) % len(done)
    run = done[0].run if len(done) == 1 else None
    url = page_of("run", run) if request.user.has_perm("django_scheduler.view_run") else ""
    if not url:
        return told
    return format_html('{} <a href="{}">{}</a>', told, url, _("Look at the run"))


def _line(row: Job, text: str) -> SafeString:
    return format_html("<b>{}</b>: {}", row.name, text)


def _tell(page: Any, request: HttpRequest, lines: list[SafeString], level: int) -> None:
    for line in lines[:TOLD_ONE_BY_ONE]:
        page.message_user(request, line, level)
    more = len(lines) - TOLD_ONE_BY_ONE
    if more > 0:
        page.message_user(request, ngettext("And %d more.", "And %d more.", more) % more, level)
