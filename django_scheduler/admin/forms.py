"""The form of a job, to add or edit.

Nothing is saved here. A form checks with the same rules as the facade; the facade, which
checks again inside its transaction, has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf, registry
from ..exceptions import SchedulerError
from ..job_fields import FIELDS
from ..models import Job
from ..models.validation import COMMAND_PREFIX
from ..planning.edits import EditNotice
from .base import present
from .fields import DurationField, IndentedJSONField, RetryField, SuggestedText, TagsField
from .preview import confirmation, job_notices

if TYPE_CHECKING:
    JobFormBase = forms.ModelForm[Job]
else:
    JobFormBase = forms.ModelForm

__all__ = ["FIELDSETS", "JobForm", "json_area"]

EDITED = frozenset({"function", "schedule", "timezone", *FIELDS})
"""What the form hands to the facade, beside the name of a new job."""


def _zones() -> list[str]:
    return sorted(name for name in available_timezones() if not name.startswith("Etc/"))


def _functions(present: str) -> list[Any]:
    commands = [f"{COMMAND_PREFIX}{name}" for name in sorted(conf.current().commands_allowed)]
    names = registry.names()
    groups: list[Any] = [("", "---------")] if not present else []
    if present and present not in {*names, *commands}:
        groups.append((present, gettext("%s (not known to this process)") % present))
    if names:
        groups.append((gettext("Registered functions"), [(name, name) for name in names]))
    if commands:
        groups.append((gettext("Management commands"), [(name, name) for name in commands]))
    return groups


def _executors(present: str) -> list[tuple[str, str]]:
    names = sorted({*conf.current().executor_definitions(), *filter(None, [present])})
    return [(name, name) for name in names]


def instant_field(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
    )
    return forms.DateTimeField(label=label, widget=widget, required=False)


def json_area(rows: int) -> AdminTextareaWidget:
    return AdminTextareaWidget(attrs={"rows": rows, "class": "sched-json", "spellcheck": "false"})


# Django leaves a folded section folded over the error of a field that is grouped with others.
FIELDSETS: list[Any] = [
    (_("What"), {"fields": ["name", "description", "function", "args", "kwargs", "tags"]}),
    (
        _("When"),
        {
            "fields": [
                "schedule",
                "timezone",
                ("start_at", "end_at"),
                ("max_runs", "jitter"),
                "run_on_start",
            ]
        },
    ),
    (
        _("When late or overlapping"),
        {
            "classes": ["collapse"],
            "fields": [
                "overlap",
                "max_running",
                "buffer_limit",
                "catch_up",
                "catch_up_window",
                "catch_up_limit",
                "misfire_grace",
                "start_deadline",
            ],
        },
    ),
    (_("Limits"), {"classes": ["collapse"], "fields": ["timeout", "stall_timeout"]}),
    (
        _("Failures"),
        {"classes": ["collapse"], "fields": ["retry", "pause_after_failures", "on_lost"]},
    ),
    (_("Where it runs"), {"classes": ["collapse"], "fields": ["executor", "queue", "priority"]}),
    (_("Notes"), {"classes": ["collapse"], "fields": ["metadata"]}),
]

SPAN = _('Such as 90, "1h30m" or "00:10:00"; empty: {}')
EMPTY = {
    "timeout": _("no limit."),
    "stall_timeout": _("no limit. Without new progress for so long a run is given up."),
    "catch_up_window": _("the setting, a day if unset. What is older is recorded as missed."),
    "misfire_grace": _("the setting, a minute if unset. Late by less still counts as on time."),
    "start_deadline": _("none. A run that has not begun so long after it was due is skipped."),
    "jitter": _("none. Each occurrence is due up to so much later."),
}
BOUNDS = {
    "max_running": _("Only for “allow”: so many runs at once. Empty: no bound."),
    "buffer_limit": _("Only for “queue all”: so many runs wait; what comes beyond is skipped."),
    "catch_up_limit": _(
        "Only for “all”: so many runs, the newest; what lies beyond is recorded as missed. "
        "Empty: the setting, 100 if unset."
    ),
}


def _helps() -> dict[str, Any]:
    return {**{name: format_lazy(SPAN, empty) for name, empty in EMPTY.items()}, **BOUNDS}


class JobForm(JobFormBase):
    """A job as people edit it. ``seen_version`` is the version its editor was shown."""

    refused: SchedulerError | None = None
    """What the facade said when it was asked to store this input; shown like any other error."""

    previewing = False
    """Whether this input is only to be shown as it would be, and not stored."""

    notices: Sequence[EditNotice] = ()
    """What storing it would repeat, leave out, end or run at once: somebody has to confirm it."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    function = forms.ChoiceField(label=_("Function"))
    executor = forms.ChoiceField(label=_("Executor"))
    tags = TagsField(
        label=_("Tags"), required=False, help_text=_("Words separated by commas: nightly, billing.")
    )
    retry = RetryField(
        label=_("Retry"),
        required=False,
        widget=json_area(3),
        help_text=_('Empty: no retry. 3, or {"max_attempts": 3, "delay": 60}'),
    )
    start_at = instant_field(_("Not before"))
    end_at = instant_field(_("Not after"))

    class Meta:
        model = Job
        fields = sorted({"name", *EDITED})
        field_classes = {
            **dict.fromkeys(EMPTY, DurationField),
            **dict.fromkeys(("args", "kwargs", "metadata"), IndentedJSONField),
        }
        help_texts = _helps()
        widgets = {
            "timezone": SuggestedText(_zones),
            "schedule": forms.TextInput(attrs={"size": 50, "spellcheck": "false"}),
            "name": forms.TextInput(attrs={"size": 50}),
            "description": AdminTextareaWidget(attrs={"rows": 3}),
            "args": json_area(2),
            "kwargs": json_area(5),
            "metadata": json_area(4),
            **{name: forms.TextInput(attrs={"size": 12}) for name in EMPTY},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("function", _functions(self.instance.function))
        self._offer("executor", _executors(self.instance.executor))
        self.initial.setdefault("seen_version", self.instance.version)
        for name, example in (("args", "[1, 2]"), ("kwargs", '{"region": "all"}')):
            self._explain_json(name, example)
        self._explain_json("metadata", '{"owner": "billing"}')

    def _offer(self, name: str, choices: Iterable[Any]) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.ChoiceField):
            field.choices = choices
            field.error_messages["invalid_choice"] = gettext(
                "%(value)s is not known to this process; choose one from the list."
            )

    def _explain_json(self, name: str, example: str) -> None:
        if name in self.fields:
            self.fields[name].error_messages["invalid"] = (
                gettext("This is not JSON; write something like %s.") % example
            )

    def clean(self) -> dict[str, Any]:
        """Show what the facade refused, at its field."""
        cleaned = super().clean() or self.cleaned_data
        if self.refused is not None:
            field = self.refused.field if self.refused.field in self.fields else None
            self.add_error(field, str(self.refused))
        return cleaned

    def is_valid(self) -> bool:
        """Tell whether the input can be stored: it is right, meant to be, and has no surprises.

        What it would repeat or leave out has to be sent back with it, as ``confirmed``.
        """
        if not super().is_valid():
            return False
        self.notices = job_notices(self.instance, self.changed_data, present())
        confirmed = confirmation(self.notices) == self.data.get("confirmed", "")
        return confirmed and not self.previewing

    def add_error(self, field: str | None, error: Any) -> None:
        """Note an error; what an input's own check said is not said again by the job's."""
        if field is None and hasattr(error, "error_dict"):
            fresh = {k: v for k, v in error.error_dict.items() if k not in self.errors}
            if not fresh:
                return
            error = forms.ValidationError(fresh)
        super().add_error(field, error)

    def _save_m2m(self) -> None:
        """Leave the tags to the facade, which writes them with the rest."""

    def given(self) -> dict[str, Any]:
        """Return what the facade is to store: of an edit, only the fields that were changed."""
        names = EDITED & set(self.cleaned_data)
        if not self.instance._state.adding:
            names &= set(self.changed_data)
        return {name: self.cleaned_data[name] for name in names}
