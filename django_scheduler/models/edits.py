"""How edits past the facade are noticed: by ORM, in bulk or in SQL.

A job's row says of itself whether anybody needs to look at it, in a column the database computes,
so that looking for such rows costs the same with three jobs and with a million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat

from ..job_fields import TIMING_FIELDS
from ..states import JobState
from .schema import ComputedField

if TYPE_CHECKING:
    from .job import Job

__all__ = ["EDITED", "WINDOW_FIELDS", "Attention", "JobQuerySet", "attention", "mark_edited"]

EDITED = "~"
"""In front of the text a clock was planned from: the job's window was edited past the facade."""

WINDOW_FIELDS = TIMING_FIELDS - {"schedule", "timezone"}
"""Timing that the text from which a clock was planned does not show."""


class Attention:
    """What a job may want the reconciler for."""

    REMOVED = "removed"
    """A tombstone: to be deleted once no run is open."""
    PAUSED = "paused"
    """Its pause ends by itself, at ``paused_until``."""
    EDITED = "edited"
    """Its clock was planned from another text, or never."""

    FIRST = EDITED
    """The first of them by the alphabet: from here on all of an index's entries are meant."""


def attention() -> ComputedField:
    """Return the column that says what the row wants: NULL in all but very few.

    Stored where the database can, for then every one can index it. It changes with no firing.
    """
    schedulable = {"state__in": [JobState.ACTIVE.value, JobState.ENDED.value]}
    return ComputedField(
        expression=Case(
            When(removed_at__isnull=False, then=Value(Attention.REMOVED)),
            When(
                state=JobState.PAUSED.value,
                paused_until__isnull=False,
                then=Value(Attention.PAUSED),
            ),
            # Asked so, not negated: a text that Oracle takes for NULL is equal to nothing.
            When(
                **schedulable,
                planned_spec=Concat("timezone", Value(" "), "schedule"),
                then=Value(None),
            ),
            # One that had ended goes on if the edit says so.
            When(**schedulable, then=Value(Attention.EDITED)),
            default=None,
        ),
        output_field=models.CharField(max_length=16, null=True),
        db_persist=True,
    )


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs in bulk: what edits their timing is noticed like any other edit."""

    def update(self, **values: Any) -> int:
        """Store the values; clocks whose job's window they change are planned anew soon."""
        if WINDOW_FIELDS & set(values) and not self.query.is_sliced:
            mark_edited(self)
            values.setdefault("planned_spec", "")
        return super().update(**values)


def mark_edited(jobs: models.QuerySet[Job]) -> None:
    """Make the clocks differ from what they were planned from. Clocks before jobs, as ever."""
    # Not imported: the clock's module needs the job's, which needs this one.
    clocks: Any = jobs.model._meta.get_field("clock").related_model
    rows = clocks.objects.using(jobs.db).filter(job__in=jobs.order_by())
    rows.exclude(planned_spec__startswith=EDITED).update(
        planned_spec=Concat(Value(EDITED), F("planned_spec"))
    )
