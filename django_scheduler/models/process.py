"""A live scheduler or worker, with its heartbeat and lease."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..states import ProcessKind, ProcessState
from .choices import choices_of, one_of

__all__ = ["Process"]


class Process(models.Model):
    """One start of one process. The id is new at every start and never lives twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=choices_of(ProcessKind))
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    name = models.CharField(_("name"), max_length=255)
    version = models.CharField(_("version"), max_length=64)
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=choices_of(ProcessState),
        default=ProcessState.RUNNING.value,
    )
    started_at = models.DateTimeField(_("started at"))
    heartbeat_at = models.DateTimeField(_("last heartbeat"))
    lease_until = models.DateTimeField(
        _("lease until"), help_text=_("After this instant, by the database's clock, it is dead.")
    )
    clock_offset = models.DurationField(
        _("clock offset"),
        null=True,
        blank=True,
        help_text=_("How far the machine's clock is ahead of the database's."),
    )

    boot_id = models.CharField(
        _("start of the machine"), max_length=64, blank=True, default="", editable=False
    )
    namespaces = models.CharField(
        _("namespaces"),
        max_length=128,
        blank=True,
        default="",
        editable=False,
        help_text=_("Where its process id is counted: a container counts its own."),
    )
    pid_started = models.BigIntegerField(
        _("start of the process"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("In ticks since the machine started; empty where the system does not tell."),
    )

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        constraints = [
            one_of("kind", ProcessKind, "django_scheduler_process_kind"),
            one_of("state", ProcessState, "django_scheduler_process_state"),
        ]
        indexes = [
            models.Index(fields=["state", "lease_until"], name="django_sch_process_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.host}:{self.pid})"
