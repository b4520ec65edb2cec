"""JSON that Python gives up reading, typed where people type JSON."""

from __future__ import annotations

import pytest
from django import forms

from django_scheduler.admin.fields import IndentedJSONField, RetryField
from django_scheduler.exceptions import InvalidArguments
from django_scheduler.management.cli.values import read_json

UNREADABLE = {"too deep": "[" * 100_000 + "]" * 100_000, "too long a number": "9" * 5_000}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize("field", [IndentedJSONField, RetryField])
def test_a_form_with_unreadable_json_shows_an_error_beside_what_was_typed(
    field: type[forms.JSONField], text: str
) -> None:
    class Form(forms.Form):
        value = field(required=False)

    form = Form({"value": text}, initial={"value": None})

    assert "value" in form.errors
    assert form.has_changed()
    assert text in str(form)


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_option_with_unreadable_json_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(InvalidArguments, match="--args is no JSON"):
        read_json(text, "--args", list)
