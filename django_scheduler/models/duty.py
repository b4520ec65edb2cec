"""Work that one process does for all: which it is, and when it was last begun."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Duty"]


class Duty(models.Model):
    """One row a duty. Whoever moves ``begun_at`` forward has the turn; nothing stays locked."""

    name = models.CharField(_("name"), max_length=32, primary_key=True)
    begun_at = models.DateTimeField(
        _("begun at"), null=True, help_text=_("Empty: never, or the last turn failed.")
    )

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duties")

    def __str__(self) -> str:
        return self.name
