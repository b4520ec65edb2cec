"""Durations in the admin's forms: read as people write them, shown as they can be read again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_scheduler.admin.fields import DurationField, read_span, span_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1H30M", 5400),
        ("2d", 172_800),
        ("10min", 600),
        ("250ms", 0.25),
        ("00:10:00", 600),
        ("1:30", 5400),
        ("1 day, 2:00:00", 93_600),
        ("2 02:00:00", 180_000),
    ],
)
def test_span_is_read_as_people_write_it(text, seconds):
    assert read_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["soon", "-5", "1x", "h", "1h30", "1e9", "٣", "1:2:3:4", "9999999999"]
)
def test_span_that_is_none_is_refused(text):
    with pytest.raises(ValueError):
        read_span(text)


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 90, 5400, 86_400, 93_784.5])
def test_span_is_shown_as_it_can_be_read_again(seconds):
    span = timedelta(seconds=seconds)
    assert read_span(span_text(span)) == span
    assert not DurationField(required=False).has_changed(span, span_text(span))
