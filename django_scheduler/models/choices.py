"""Translated choices and check constraints built from the plain enums of the rules."""

from __future__ import annotations

from enum import Enum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

__all__ = ["choices_of", "one_of"]

_LABELS: dict[str, Promise] = {
    "active": _("active"),
    "all": _("all: one run each"),
    "allow": _("allow: run side by side"),
    "backfill": _("backfill"),
    "broken": _("broken"),
    "catch_up": _("catch-up"),
    "dead": _("dead"),
    "dispatched": _("dispatched"),
    "ended": _("ended"),
    "fail": _("fail: never run it again"),
    "failed": _("failed"),
    "interrupted": _("interrupted"),
    "latest": _("latest: one run for all missed"),
    "lost": _("lost"),
    "manual": _("manual"),
    "paused": _("paused"),
    "queue": _("queue: one waits"),
    "queue_all": _("queue all: up to the buffer limit wait"),
    "queued": _("queued"),
    "replace": _("replace: stop the running one"),
    "retry": _("retry"),
    "running": _("running"),
    "schedule": _("schedule"),
    "scheduler": _("scheduler"),
    "skip": _("skip"),
    "skipped": _("skipped"),
    "start": _("scheduler start"),
    "stopped": _("stopped"),
    "stopping": _("stopping"),
    "succeeded": _("succeeded"),
    "timed_out": _("timed out"),
    "worker": _("worker"),
}


def choices_of(words: type[Enum]) -> list[tuple[str, Promise]]:
    """Return Django choices for an enum of the rules, with translated labels."""
    return [(word.value, _LABELS[word.value]) for word in words]


def one_of(
    field: str, words: type[Enum], name: str, *, empty: bool = False
) -> models.CheckConstraint:
    """Return a constraint by which the database refuses a word the rules do not know."""
    known = [word.value for word in words] + ([""] if empty else [])
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": known}), name=name)
