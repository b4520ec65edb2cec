"""A job: what runs, when, and by which policies; and its clock, the narrow row the engine moves.

Split in two so that an edit and a firing never write the same row's fields: people own `Job`,
the engine owns `JobClock` and the counters.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, router
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ..clock import installed
from ..policies import CatchUp, OnLost, Overlap, Retry
from ..schedules import Schedule, parse_schedule
from ..states import JobState, RunStatus
from .choices import choices_of, one_of
from .edits import WINDOW_FIELDS, JobQuerySet, attention, mark_edited
from .tag import Tag
from .validation import problems_of
from .vendors import read_now

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from .run import Run

__all__ = ["Job", "JobClock"]


def default_timezone() -> str:
    return settings.TIME_ZONE


def _seconds_field(label: Any, **options: Any) -> models.DurationField[Any, Any]:
    return models.DurationField(label, null=True, blank=True, **options)


class Job(models.Model):
    """What runs, and when. Saving an existing row writes only the fields changed since loading.

    So a form opened before a firing, a pause or another person's edit cannot undo them.
    """

    name = models.CharField(_("name"), max_length=200, unique=True)
    function = models.CharField(
        _("function"),
        max_length=255,
        help_text=_("A registered function's name, or command:NAME for an allowed command."),
    )
    description = models.TextField(_("description"), blank=True)
    schedule = models.CharField(
        _("schedule"),
        max_length=500,
        default="@manual",
        help_text=_('Such as "*/5 * * * *", "@every 1h30m", "@daily", "@at 2027-01-01T09:00:00Z".'),
    )
    timezone = models.CharField(_("time zone"), max_length=64, default=default_timezone)
    args = models.JSONField(_("arguments"), default=list, blank=True)
    kwargs = models.JSONField(_("keyword arguments"), default=dict, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), blank=True, related_name="jobs")

    executor = models.CharField(_("executor"), max_length=64, default="default")
    queue = models.CharField(_("queue"), max_length=64, blank=True)
    priority = models.IntegerField(
        _("priority"), default=0, help_text=_("Of runs due at the same instant, lower goes first.")
    )
    timeout = _seconds_field(_("timeout"), help_text=_("Empty: no limit."))
    stall_timeout = _seconds_field(
        _("stall timeout"), help_text=_("Without new progress for so long it is given up.")
    )
    retry = models.JSONField(
        _("retry"), null=True, blank=True, help_text=_('Such as {"max_attempts": 3, "delay": 60}.')
    )
    pause_after_failures = models.PositiveIntegerField(
        _("pause after failures"),
        null=True,
        blank=True,
        help_text=_("After so many failures in a row it pauses itself; empty: never."),
    )
    on_lost = models.CharField(
        _("when its process dies"), max_length=16, choices=choices_of(OnLost), default="retry"
    )
    overlap = models.CharField(
        _("overlap"), max_length=16, choices=choices_of(Overlap), default="skip"
    )
    max_running = models.PositiveIntegerField(_("most at once"), null=True, blank=True)
    buffer_limit = models.PositiveIntegerField(_("most waiting"), default=10)
    catch_up = models.CharField(
        _("catch up"), max_length=16, choices=choices_of(CatchUp), default="latest"
    )
    catch_up_window = _seconds_field(_("catch-up window"))
    catch_up_limit = models.PositiveIntegerField(_("catch-up limit"), null=True, blank=True)
    misfire_grace = _seconds_field(_("misfire grace"))
    start_deadline = _seconds_field(_("start deadline"))
    start_at = models.DateTimeField(_("not before"), null=True, blank=True)
    end_at = models.DateTimeField(_("not after"), null=True, blank=True)
    max_runs = models.PositiveIntegerField(_("most occurrences"), null=True, blank=True)
    run_on_start = models.BooleanField(_("run when a scheduler starts"), default=False)
    jitter = _seconds_field(_("jitter"))

    state = models.CharField(
        _("state"), max_length=16, choices=choices_of(JobState), default=JobState.ACTIVE.value
    )
    error = models.TextField(_("error"), blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True)
    pause_reason = models.TextField(_("pause reason"), blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)

    removed_at = models.DateTimeField(
        _("removed at"),
        null=True,
        blank=True,
        help_text=_("Set while a removed job waits for its last open run to end."),
    )
    planned_spec = models.CharField(
        max_length=600,
        blank=True,
        default="",
        editable=False,
        help_text=_("What its clock was planned from, beside the columns that say what is wanted."),
    )
    attention = attention()
    version = models.PositiveIntegerField(_("version"), default=1)
    anchor = models.DateTimeField(_("anchor"))
    declared = models.JSONField(_("declared in code"), null=True, blank=True)
    declared_in_code = models.BooleanField(_("declared in code"), default=False)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    carried_state = models.JSONField(
        _("carried state"), null=True, blank=True, help_text=_("What its next run goes on with.")
    )
    last_started_at = models.DateTimeField(_("last start"), null=True, blank=True)
    last_finished_at = models.DateTimeField(_("last finish"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    last_duration = models.DurationField(_("last duration"), null=True, blank=True)
    last_status = models.CharField(
        _("last status"), max_length=16, choices=choices_of(RunStatus), blank=True
    )
    success_count = models.PositiveBigIntegerField(_("successes"), default=0)
    failure_count = models.PositiveBigIntegerField(_("failures"), default=0)
    consecutive_failures = models.PositiveIntegerField(_("consecutive failures"), default=0)
    retries_used = models.PositiveIntegerField(_("retries used"), default=0)

    runs: RelatedManager[Run]
    clock: JobClock

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["name"]
        permissions = [
            ("pause_job", "Can pause jobs"),
            ("resume_job", "Can resume jobs"),
            ("trigger_job", "Can run jobs now"),
            ("bring_forward_job", "Can bring the next run of jobs forward"),
            ("skip_next_job", "Can skip the next run of jobs"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="django_scheduler_job_has_name"),
            models.CheckConstraint(
                condition=Q(start_at__isnull=True)
                | Q(end_at__isnull=True)
                | Q(end_at__gt=F("start_at")),
                name="django_scheduler_job_ends_after_start",
            ),
            one_of("state", JobState, "django_scheduler_job_state"),
            one_of("on_lost", OnLost, "django_scheduler_job_on_lost"),
            one_of("overlap", Overlap, "django_scheduler_job_overlap"),
            one_of("catch_up", CatchUp, "django_scheduler_job_catch_up"),
            one_of("last_status", RunStatus, "django_scheduler_job_last_status", empty=True),
        ]
        indexes = [
            models.Index(fields=["attention", "paused_until"], name="django_sch_job_attention"),
            # What a start looks for, so that it costs the same whatever the number of jobs.
            models.Index(fields=["declared_in_code"], name="django_sch_job_declared"),
            models.Index(fields=["run_on_start"], name="django_sch_job_at_start"),
        ]

    _loaded: dict[str, Any]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Job:
        """Build the row's object and remember what was loaded."""
        job = super().from_db(db, field_names, values, **options)
        job._remember()
        return job

    def _remember(self) -> None:
        values = self.__dict__
        self._loaded = {name: values[name] for name in _names() if name in values}
        for name in _MUTABLE & values.keys():
            self._loaded[name] = copy.deepcopy(values[name])

    def changed_fields(self) -> list[str]:
        """Return the names of fields that differ from what was loaded; all of a new object."""
        loaded = getattr(self, "_loaded", {})
        return [
            f.attname
            for f in self._meta.concrete_fields
            if not (f.primary_key or f.generated)
            and f.attname in self.__dict__
            and (f.attname not in loaded or loaded[f.attname] != self.__dict__[f.attname])
        ]

    def save(
        self,
        *args: Any,
        update_fields: Iterable[str] | None = None,
        force_insert: Any = False,
        **kwargs: Any,
    ) -> None:
        """Store the job; an existing row keeps every field that was not changed on this object."""
        if self._state.adding:
            using = kwargs.get("using") or router.db_for_write(Job, instance=self)
            self.created_at = self.created_at or read_now(installed(), using)
            self.anchor = self.anchor or self.created_at
            self.updated_at = self.updated_at or self.created_at
        elif update_fields is None and not force_insert:
            update_fields = self.changed_fields()
        if not self._state.adding and WINDOW_FIELDS & set(update_fields or ()):
            using = kwargs.get("using") or router.db_for_write(Job, instance=self)
            mark_edited(Job.objects.using(using).filter(pk=self.pk))
            self.planned_spec = ""
            update_fields = {*(update_fields or ()), "planned_spec"}
        super().save(*args, update_fields=update_fields, force_insert=force_insert, **kwargs)
        self._remember()

    def adopt(self, **stored: Any) -> None:
        """Take over values that were stored past this object: they are no changes of it."""
        self.__dict__.update(stored)
        self._loaded = {**getattr(self, "_loaded", {}), **stored}

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Reload the row and forget what was changed on this object."""
        super().refresh_from_db(*args, **kwargs)
        self._remember()

    def clean(self) -> None:
        """Check everything the facade checks; each error stands at its field.

        Raises:
            ValidationError: naming each field and the remedy.
        """
        found: dict[str, list[str]] = {}
        for problem in problems_of(self, only_changed_function=True):
            field = problem.field or NON_FIELD_ERRORS
            found.setdefault(field, []).append(str(problem))
        if found:
            raise ValidationError(found)

    def parsed_schedule(self) -> Schedule:
        """Return the schedule as a value, in the job's zone, anchored at the job's anchor.

        Raises:
            InvalidSchedule: when the stored text or zone can no longer be read.
        """
        return parse_schedule(self.schedule, timezone=self.timezone, anchor=self.anchor)

    def as_loaded(self) -> Job:
        """Return a copy with the values the row had when it was loaded: as it was before edits."""
        loaded = copy.deepcopy(getattr(self, "_loaded", None) or self.__dict__)
        job = Job(**{name: loaded[name] for name in _names()})
        job._state.adding, job._state.db = False, self._state.db
        return job

    def retry_policy(self) -> Retry | None:
        """Return the retry policy as a value; None when the job is not retried."""
        return Retry.of(self.retry)

    @property
    def next_run_at(self) -> datetime | None:
        """When the job is due next, by its clock row; None when it is not scheduled."""
        cache, rows = self._state.fields_cache, JobClock.objects.using(self._state.db)
        clock = cache["clock"] if "clock" in cache else rows.filter(job_id=self.pk).first()
        return clock.next_run_at if clock else None

    @property
    def spec(self) -> str:
        """The text from which the clock was, or should have been, planned."""
        return f"{self.timezone} {self.schedule}"


_MUTABLE = frozenset({"args", "kwargs", "metadata", "retry", "declared", "carried_state"})


@cache
def _names() -> tuple[str, ...]:
    return tuple(field.attname for field in Job._meta.concrete_fields if not field.generated)


class JobClock(models.Model):
    """When a job is due next. One narrow row a job, moved at every firing, by the engine alone.

    Its lock is the job's lock: whoever creates or promotes a run of a job holds it.
    """

    job = models.OneToOneField(
        Job, primary_key=True, on_delete=models.CASCADE, related_name="clock"
    )
    next_run_at = models.DateTimeField(
        null=True, help_text=_("When to wake for it; empty: not scheduled.")
    )
    next_occurrence = models.DateTimeField(
        null=True, help_text=_("The nominal instant next_run_at stands for.")
    )
    planned_until = models.DateTimeField(
        null=True, help_text=_("The newest nominal instant dealt with; it only moves forward.")
    )
    planned_spec = models.CharField(max_length=600, blank=True)
    planned_count = models.PositiveBigIntegerField(default=0)
    by_hand = models.BooleanField(
        default=False,
        help_text=_("The next run was chosen by the job or at its creation, not by the schedule."),
    )
    catch_up = models.CharField(
        max_length=16,
        blank=True,
        choices=choices_of(CatchUp),
        help_text=_("How the time of a pause is caught up with; empty: as the job says."),
    )

    class Meta:
        verbose_name = _("job clock")
        verbose_name_plural = _("job clocks")
        indexes = [
            # The job only orders those that stand still, so that they can be gone through.
            models.Index(fields=["next_run_at", "job"], name="django_sch_clock_due"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.next_run_at}"
