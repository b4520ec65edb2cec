"""What an order still needs to know, asked for on a page of its own. Nothing is saved here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .base import present
from .fields import DurationField, IndentedJSONField
from .forms import instant_field, json_area

__all__ = ["BringForwardForm", "CatchUpForm", "PauseForm", "RunAgainForm", "StopForm"]


class PauseForm(forms.Form):
    """Why, and until when."""

    required_css_class = "required"

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 50}),
        help_text=_("Required. It is shown beside the job's state."),
    )
    until = instant_field(_("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].help_text = gettext("Empty: until somebody resumes it.")

    def clean_until(self) -> Any:
        """Refuse an instant that is past."""
        until = self.cleaned_data["until"]
        if until is not None and until <= present():
            raise forms.ValidationError(gettext("Choose an instant to come, or leave it empty."))
        return until


class CatchUpForm(forms.Form):
    """How the time of a pause is caught up with."""

    required_css_class = "required"

    mode = forms.ChoiceField(
        label=_("The occurrences of the pause"),
        choices=[
            ("latest", _("one run at once for all of them")),
            ("all", _("one run each, oldest first")),
        ],
        initial="latest",
        widget=forms.RadioSelect,
        help_text=_("As far back as the job's catch-up window and limit allow."),
    )


class BringForwardForm(forms.Form):
    """How soon."""

    required_css_class = "required"

    within = DurationField(
        label=_("Run within"),
        initial="0s",
        help_text=_("From now: 0s, 90, 1h30m. A run that is due sooner stays where it is."),
    )


class RunAgainForm(forms.Form):
    """With which arguments; those it had make it another attempt at the same occurrence."""

    args = IndentedJSONField(
        label=_("Arguments"), widget=json_area(2), required=False, help_text=_("Such as [1, 2].")
    )
    kwargs = IndentedJSONField(
        label=_("Keyword arguments"),
        widget=json_area(5),
        required=False,
        help_text=_(
            "Unchanged, it is another attempt at the same occurrence. With other arguments it is "
            "a run of its own."
        ),
    )

    def given(self) -> dict[str, Any]:
        """Return the arguments if any was changed; nothing for another attempt."""
        if not self.has_changed():
            return {}
        return {
            "args": self.cleaned_data["args"] or [],
            "kwargs": self.cleaned_data["kwargs"] or {},
        }


class StopForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"size": 40}),
    )
