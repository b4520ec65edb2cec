"""The one row that each claim reads: whether everything is paused.

The row is also the lock under which processes sync the code, one after the other.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Installation"]


class Installation(models.Model):
    """State of the whole installation. Exactly one row, with primary key 1."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True)
    pause_reason = models.TextField(_("pause reason"), blank=True)
    rules = models.CharField(
        _("rules"),
        max_length=100,
        blank=True,
        help_text=_("The cron rules and time zone database all next runs were planned with."),
    )

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(id=1), name="django_scheduler_installation_is_one_row"
            )
        ]

    def __str__(self) -> str:
        return "paused" if self.paused_at else "running"
