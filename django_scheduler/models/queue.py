"""A queue with a limit: the row is the lock under which its runs are counted and taken."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Queue"]


class Queue(models.Model):
    """One queue named in the ``QUEUE_LIMITS`` setting. Made when it is first needed."""

    name = models.CharField(_("name"), primary_key=True, max_length=64)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")

    def __str__(self) -> str:
        return self.name
