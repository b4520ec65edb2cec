"""One attempt at one occurrence, or at a manual trigger."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..states import FINAL, RunStatus, Trigger
from .choices import choices_of, one_of
from .job import Job

__all__ = ["Run", "uuid7"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7(at: datetime) -> uuid.UUID:
    """Return a UUID version 7 (RFC 9562) for the aware instant ``at``.

    Its first 48 bits are milliseconds since the Unix epoch, so ids sort by time.
    """
    milliseconds = (at - _EPOCH) // _MILLISECOND
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class Run(models.Model):
    """One attempt. A retry is a new row, so a final status is final.

    ``key`` names the occurrence: its nominal instant, ``m:<uuid>`` for a manual trigger, or
    ``missed:<from>/<to>`` for a summary of occurrences that will never run. ``number`` counts
    the rows of one key, ``attempt`` those of them that burned an attempt.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    job = models.ForeignKey(
        Job,
        verbose_name=_("job"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="runs",
        # Two indexes below begin with it; a third would only slow the claim down.
        db_index=False,
    )
    job_name = models.CharField(_("job name"), max_length=200, db_index=True)
    function = models.CharField(_("function"), max_length=255)
    key = models.CharField(_("occurrence"), max_length=100)
    number = models.PositiveIntegerField(_("number"), default=1)
    attempt = models.PositiveIntegerField(_("attempt"), default=1)
    trigger = models.CharField(_("trigger"), max_length=16, choices=choices_of(Trigger))
    status = models.CharField(_("status"), max_length=16, choices=choices_of(RunStatus))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    missed = models.PositiveIntegerField(
        _("missed"), default=0, help_text=_("How many missed occurrences this one stands for.")
    )

    scheduled_for = models.DateTimeField(_("scheduled for"))
    due_at = models.DateTimeField(
        _("due at"),
        null=True,
        help_text=_("When a waiting run may be claimed; empty for all others."),
    )
    queued_at = models.DateTimeField(_("queued at"))
    expires_at = models.DateTimeField(_("expires at"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    left_at = models.DateTimeField(
        _("left at"), null=True, help_text=_("When the function really returned.")
    )
    stop_requested_at = models.DateTimeField(_("stop requested at"), null=True)
    pause_requested_at = models.DateTimeField(_("pause requested at"), null=True)
    duration = models.DurationField(_("duration"), null=True)
    lateness = models.DurationField(_("lateness"), null=True)

    process = models.UUIDField(_("process"), null=True)
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    executor = models.CharField(_("executor"), max_length=64)
    queue = models.CharField(_("queue"), max_length=64, blank=True)
    priority = models.IntegerField(_("priority"), default=0)

    args = models.JSONField(_("arguments"), default=list)
    kwargs = models.JSONField(_("keyword arguments"), default=dict)
    metadata = models.JSONField(_("metadata"), default=dict)
    policy = models.JSONField(
        _("policy"), default=dict, help_text=_("The job's policies as they were for this run.")
    )

    completed = models.BigIntegerField(_("completed"), null=True)
    total = models.BigIntegerField(_("total"), null=True)
    message = models.CharField(_("message"), max_length=500, blank=True)
    progress_at = models.DateTimeField(_("progress at"), null=True)
    data = models.JSONField(_("data"), default=dict)
    carried_state = models.JSONField(
        _("carried state"), null=True, help_text=_("What the run left to the next one.")
    )
    result = models.JSONField(_("result"), null=True)
    error = models.TextField(_("error"), blank=True)
    traceback = models.TextField(_("traceback"), blank=True)
    hook_errors = models.JSONField(_("hook errors"), default=dict)
    log = models.TextField(_("log"), blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        permissions = [
            ("stop_run", "Can stop runs"),
            ("pause_run", "Can pause and resume runs"),
            ("retry_run", "Can run runs again"),
        ]
        indexes = [
            models.Index(fields=["status", "process"], name="django_sch_run_sweep"),
            models.Index(fields=["due_at"], name="django_sch_run_due"),
            models.Index(fields=["job", "id"], name="django_sch_run_recent"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "key", "number"], name="django_scheduler_run_once"
            ),
            one_of("status", RunStatus, "django_scheduler_run_status"),
            one_of("trigger", Trigger, "django_scheduler_run_trigger"),
            models.CheckConstraint(
                condition=Q(completed__isnull=True) | Q(completed__gte=0),
                name="django_scheduler_run_completed_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(total__isnull=True)
                | Q(completed__isnull=True)
                | Q(completed__lte=F("total")),
                name="django_scheduler_run_completed_within_total",
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=True)
                | Q(finished_at__isnull=True)
                | Q(finished_at__gte=F("started_at")),
                name="django_scheduler_run_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.scheduled_for:%Y-%m-%d %H:%M:%S} #{self.number}"

    @property
    def is_final(self) -> bool:
        """Whether the run is over and its status can never change again."""
        return self.status in FINAL

    @property
    def has_errors(self) -> bool:
        """Whether the function or any of its hooks failed."""
        return bool(self.error or self.hook_errors)

    @property
    def progress_percent(self) -> float | None:
        """Completed as a percentage of total; None when the run reports no total."""
        if self.completed is None or not self.total:
            return None
        return 100 * self.completed / self.total

    def policy_value(self, name: str, default: Any = None) -> Any:
        """Return one of the job's policies as it was for this run."""
        return self.policy.get(name, default) if isinstance(self.policy, dict) else default

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row; a run made without an id gets one from its ``queued_at``."""
        if self.pk is None:
            self.pk = uuid7(self.queued_at)
        super().save(*args, **kwargs)
