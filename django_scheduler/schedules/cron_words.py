"""A cron expression in English words, for people; nothing is decided from them."""

from __future__ import annotations

from cron_descriptor import ExpressionDescriptor, FormatError, Options

from .cron_text import MACROS, CronText, Reading, read_cron

__all__ = ["describe_cron"]

# A locale of our own choosing: asked for none, the library reads the process's.
_OPTIONS = Options(use_24hour_time_format=True, locale_code="en_US")


def describe_cron(expression: str, day_mode: str) -> str:
    """The expression in words; its own text where words would mislead."""
    text = read_cron(expression)
    if any(_beyond_words(reading) for reading in text.readings):
        return f"Cron {text.text}{_day_rule(text, day_mode)}"
    try:
        descriptor = ExpressionDescriptor(MACROS.get(text.text, text.text), options=_OPTIONS)
        words = str(descriptor.get_description())
    except (FormatError, ValueError, IndexError):
        return f"Cron {text.text}{_day_rule(text, day_mode)}"
    either = text.both_days_restricted and day_mode == "or"
    # The library always says "or"; the rule says when that is wrong.
    return words if either else words.replace(", or ", ", and only if also ")


def _day_rule(text: CronText, day_mode: str) -> str:
    if not text.both_days_restricted:
        return ""
    return " (either day field may match)" if day_mode == "or" else " (both day fields must match)"


def _beyond_words(reading: Reading) -> bool:
    """True for fields the library describes wrongly: special days in lists, wrapped ranges."""
    special = len(reading.special) + reading.last
    if special:
        return "," in reading.text
    return any(_wraps(item) for item in reading.text.split(",")) and not reading.field.names


def _wraps(item: str) -> bool:
    low, _, high = item.partition("/")[0].partition("-")
    return high != "" and low.isdigit() and int(low) > int(high)
