"""The list of schedulers and workers: who is alive, and whose clock is wrong."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import Process
from ..runner import CLOCKS_APART
from ..states import ALIVE
from .base import Looks, ProcessModelAdmin, ReadOnly, present, using
from .display import NOTHING, badge, duration_text, instant

__all__ = ["ProcessAdmin"]


class ProcessChangeList(ChangeList):
    """The list, with one present instant for all rows."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page's processes, and what time it is."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        now = present()
        for row in rows:
            row.shown_at = now
        self.result_list = rows


@admin.register(Process)
class ProcessAdmin(Looks, ReadOnly, ProcessModelAdmin):
    """Processes: only to look at."""

    list_display = [
        "name",
        "program",
        "where",
        "state_badge",
        "started",
        "heartbeat",
        "offset",
    ]
    list_filter = ["state", "kind"]
    search_fields = ["name", "host"]
    ordering = ["-heartbeat_at"]
    actions = None
    readonly_fields = ["state_badge", "started", "heartbeat", "offset"]
    fields = [
        "name",
        "kind",
        "state_badge",
        "host",
        "pid",
        "version",
        "started",
        "heartbeat",
        "lease_until",
        "offset",
        "id",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Process]:
        """Return the processes of the scheduler's database, the liveliest first."""
        return Process.objects.using(using()).order_by("-heartbeat_at")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that knows what time it is."""
        return ProcessChangeList

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, process: Process) -> str:
        """The state; an overdue lease is told apart before anybody has marked the process dead."""
        if process.state in ALIVE and process.lease_until < _at(process):
            overdue = gettext("lease overdue")
            return format_html(
                '{} <small class="sched-problem">{}</small>', badge(process.state), overdue
            )
        return badge(process.state)

    @admin.display(description=_("kind"), ordering="kind")
    def program(self, process: Process) -> str:
        """Its kind, and the version of the package it runs."""
        kind = process.get_kind_display()
        return format_html('{} <small class="sched-below">{}</small>', kind, process.version)

    @admin.display(description=_("host"), ordering="host")
    def where(self, process: Process) -> str:
        """Its machine, and its id there."""
        told = gettext("process id %s") % process.pid
        return format_html('{} <small class="sched-below">{}</small>', process.host, told)

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, process: Process) -> str:
        """When it started."""
        return instant(process.started_at, _at(process))

    @admin.display(description=_("last heartbeat"), ordering="heartbeat_at")
    def heartbeat(self, process: Process) -> str:
        """How long it has been silent."""
        return instant(process.heartbeat_at, _at(process))

    @admin.display(description=_("clock offset"), ordering="clock_offset")
    def offset(self, process: Process) -> str:
        """How far its machine's clock is ahead of the database's."""
        if process.clock_offset is None:
            return NOTHING
        text = duration_text(process.clock_offset)
        if abs(process.clock_offset) <= CLOCKS_APART:
            return text
        return format_html('<span class="sched-problem">{}</span>', text)


def _at(process: Any) -> Any:
    """The instant at which the row is shown; on its own page nobody has fetched it before."""
    if not hasattr(process, "shown_at"):
        process.shown_at = present()
    return process.shown_at
