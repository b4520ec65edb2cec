"""The forms: a job to add or edit, and what an order still needs to know.

Nothing is saved here. A form checks with the same rules as the facade; the facade, which
checks again inside its transaction, has the last word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import conf, registry
from ..exceptions import SchedulerError
from ..job_fields import FIELDS
from ..models import Job
from ..models.validation import COMMAND_PREFIX
from .base import present
from .fields import DurationField, IndentedJSONField, RetryField, SuggestedText, TagsField

if TYPE_CHECKING:
    JobFormBase = forms.ModelForm[Job]
else:
    JobFormBase = forms.ModelForm

__all__ = ["BringForwardForm", "JobForm", "PauseForm", "StopForm"]

EDITED = frozenset({"function", "schedule", "timezone", *FIELDS})
"""What the form hands to the facade, beside the name of a new job."""

SPANS = (
    "timeout",
    "stall_timeout",
    "catch_up_window",
    "misfire_grace",
    "start_deadline",
    "jitter",
)


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


def _instant_field(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
    )
    return forms.DateTimeField(label=label, widget=widget, required=False)


def _json(rows: int) -> AdminTextareaWidget:
    return AdminTextareaWidget(attrs={"rows": rows, "class": "sched-json", "spellcheck": "false"})


class JobForm(JobFormBase):
    """A job as people edit it. ``seen_version`` is the version its editor was shown."""

    refused: SchedulerError | None = None
    """What the facade said when it was asked to store this input; shown like any other error."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    function = forms.ChoiceField(label=_("Function"))
    executor = forms.ChoiceField(label=_("Executor"))
    tags = TagsField(
        label=_("Tags"), required=False, help_text=_("Words separated by commas: nightly, billing.")
    )
    retry = RetryField(label=_("Retry"), required=False, widget=_json(3))
    start_at = _instant_field(_("Not before"))
    end_at = _instant_field(_("Not after"))

    class Meta:
        model = Job
        fields = sorted({"name", *EDITED})
        field_classes = {
            **dict.fromkeys(SPANS, DurationField),
            **dict.fromkeys(("args", "kwargs", "metadata"), IndentedJSONField),
        }
        widgets = {
            "timezone": SuggestedText(_zones),
            "schedule": forms.TextInput(attrs={"size": 50, "spellcheck": "false"}),
            "name": forms.TextInput(attrs={"size": 50}),
            "description": AdminTextareaWidget(attrs={"rows": 3}),
            "args": _json(2),
            "kwargs": _json(5),
            "metadata": _json(4),
            **{name: forms.TextInput(attrs={"size": 12}) for name in SPANS},
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


class PauseForm(forms.Form):
    """Why, and until when."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 50, "placeholder": _("shown beside the state")}),
    )
    until = _instant_field(_("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].help_text = gettext("Empty: until somebody resumes it.")

    def clean_until(self) -> Any:
        """Refuse an instant that is past."""
        until = self.cleaned_data["until"]
        if until is not None and until <= present():
            raise forms.ValidationError(gettext("Choose an instant to come, or leave it empty."))
        return until


class BringForwardForm(forms.Form):
    """How soon."""

    within = DurationField(
        label=_("Run within"),
        initial="0s",
        help_text=_("From now: 0s, 90, 1h30m. A run that is due sooner stays where it is."),
    )


class StopForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"size": 40}),
    )
