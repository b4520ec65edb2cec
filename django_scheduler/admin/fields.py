"""Form fields of their own: spans of time, tags, names to choose from while typing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..exceptions import SchedulerError
from ..job_fields import read_field
from ..models import Tag
from ..policies import Retry

__all__ = [
    "DurationField",
    "IndentedJSONField",
    "RetryField",
    "SuggestedText",
    "TagsField",
    "read_span",
    "span_text",
]

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1, "ms": 0.001}
_PART = r"\d+(?:\.\d+)?\s*(?:ms|min|[wdhms])"
_PARTS = re.compile(rf"\s*(?:{_PART}\s*)+", re.ASCII)
_EACH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|[wdhms])", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+) (?:days?,? )?)?(\d{1,3}):(\d{2})(?::(\d{2}(?:\.\d+)?))?", re.ASCII)
_LONGEST = 100 * 365 * 86_400


def read_span(text: str) -> timedelta:
    """Return the span that a person wrote: "90" (seconds), "1h30m", "00:10:00".

    Raises:
        ValueError: it is none of these, or longer than a century.
    """
    seconds = _seconds(text.strip().lower())
    if seconds > _LONGEST:
        raise ValueError(text)
    return timedelta(seconds=seconds)


def _seconds(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if not _PARTS.fullmatch(text):
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _EACH.findall(text))


def span_text(span: timedelta) -> str:
    """Return the span as :func:`read_span` reads it: "1h30m"."""
    seconds, text = span.total_seconds(), ""
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, _UNITS[unit])
        text += f"{int(count)}{unit}" if count else ""
    if seconds or not text:
        text += f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    return text


class DurationField(forms.CharField):
    """A span of time as friendly text; its value is a ``timedelta``, or None when left empty."""

    default_error_messages = {
        "invalid": _(
            '"%(value)s" is not a span of time: write seconds such as 90, units such as 1h30m, '
            "or hours, minutes and seconds such as 00:10:00."
        ),
    }

    def __init__(self, **options: Any) -> None:
        options.pop("encoder", None)
        super().__init__(**{"widget": forms.TextInput(attrs={"size": 12}), **options})

    def prepare_value(self, value: Any) -> Any:
        """Show a stored span as text, and what was typed as it was typed."""
        return span_text(value) if isinstance(value, timedelta) else value

    def to_python(self, value: Any) -> Any:
        """Read the text."""
        if isinstance(value, timedelta):
            return value
        if value in self.empty_values:
            return None
        try:
            return read_span(str(value))
        except (ValueError, OverflowError):
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": value}
            ) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether another span is meant, however it is written."""
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class TagsField(forms.CharField):
    """Tags as words separated by commas; its value is a list of texts."""

    def prepare_value(self, value: Any) -> Any:
        """Show rows as words."""
        if isinstance(value, (list, tuple)):
            return ", ".join(str(tag.name if isinstance(tag, Tag) else tag) for tag in value)
        return value

    def clean(self, value: Any) -> Any:
        """Return the tags, each once, sorted."""
        words = [word.strip() for word in str(value or "").split(",")]
        try:
            return read_field("tags", [word for word in words if word])
        except SchedulerError as problem:
            raise ValidationError(str(problem), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether other tags are meant."""
        try:
            return bool(self.clean(self.prepare_value(initial)) != self.clean(data))
        except ValidationError:
            return True


def _sendable(text: str) -> str:
    """Return JSON with half surrogate pairs written as escapes: no page can carry them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Decoder(json.JSONDecoder):
    """Says of everything it cannot read that it is no JSON: Django's fields catch only that."""

    def decode(self, s: str, *places: Any) -> Any:
        """Read the text, unless its numbers are too long or its lists too deep to be read."""
        try:
            return super().decode(s, *places)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as problem:
            raise json.JSONDecodeError(str(problem), s, 0) from None


class _ReadableJSONField(forms.JSONField):
    """A field whose error, whatever is typed, is shown beside it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "decoder": _Decoder})


class IndentedJSONField(_ReadableJSONField):
    """JSON shown on several lines."""

    def prepare_value(self, value: Any) -> Any:
        """Indent what is stored; show what was typed as it was typed."""
        if isinstance(value, InvalidJSONInput):
            return value
        return (
            _sendable(json.dumps(value, indent=2, ensure_ascii=False))
            if value
            else json.dumps(value)
        )


class RetryField(_ReadableJSONField):
    """A retry policy: a number of attempts, or an object with more about it."""

    default_error_messages = {
        "invalid": _('Write a number of attempts such as 3, or {"max_attempts": 3, "delay": 60}.'),
    }

    def prepare_value(self, value: Any) -> Any:
        """Show what differs from the defaults; nothing for no retries."""
        if value is None:
            return ""
        if not isinstance(value, dict):
            return _sendable(super().prepare_value(value))
        usual = Retry().to_dict()
        told = {k: v for k, v in value.items() if k == "max_attempts" or v != usual.get(k)}
        return _sendable(super().prepare_value(told))

    def clean(self, value: Any) -> Any:
        """Return the policy as a row stores it, None for no retries."""
        given = super().clean(value)
        if given == {}:
            return None
        try:
            return read_field("retry", given)
        except SchedulerError as problem:
            raise ValidationError(str(problem), code="invalid") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether another policy is meant."""
        try:
            return bool(self.clean(data) != initial)
        except ValidationError:
            return True


class SuggestedText(forms.TextInput):
    """A text field that suggests known words while one types; any other word may be typed too."""

    def __init__(self, words: Callable[[], Iterable[str]], attrs: Any = None) -> None:
        super().__init__(attrs)
        self.words = words

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the input and its list of words, without any script."""
        list_id = f"{(attrs or {}).get('id') or f'id_{name}'}_words"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}">', ((word,) for word in self.words()))
        return format_html('{}<datalist id="{}">{}</datalist>', field, list_id, options)
