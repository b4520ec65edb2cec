"""How one value looks: badges, instants, spans of time, charts of outcomes.

Returns safe HTML without inline styles or scripts, so that the strictest content policy holds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from django.utils import timezone as django_timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models.choices import choices_of
from ..reports import Outcome
from ..schedules import Schedule
from ..states import JobState, ProcessState, RunStatus

__all__ = [
    "NOTHING",
    "absolute",
    "badge",
    "compact",
    "duration_text",
    "instant",
    "label_of",
    "moment",
    "pretty_json",
    "readable",
    "relative",
    "schedule_words",
    "sparkline",
]

NOTHING = "–"
_LABELS = {
    value: label
    for words in (RunStatus, JobState, ProcessState)
    for value, label in choices_of(words)
}
_MINUTE = timedelta(minutes=1)
_WIDE, _NARROW, _HEIGHT = (4, 2), (3, 1), 22
_LOWEST = 7
_FIXED = "\N{NO-BREAK SPACE}"


def label_of(word: str) -> str:
    """Return the translated label of a status or state; an unknown word as it is."""
    return str(_LABELS.get(word, word))


def badge(word: str, note: str = "") -> SafeString | str:
    """Return a coloured badge; ``note`` is read aloud and shown when pointed at."""
    if not word:
        return NOTHING
    return format_html(
        '<span class="sched-badge sched-{}"{}>{}</span>',
        word,
        format_html(' title="{}"', note) if note else "",
        label_of(word),
    )


def relative(at: datetime, now: datetime) -> str:
    """Return how far ``at`` is from ``now``, in its largest unit: "in 5 minutes", "2 hours ago"."""
    gap = abs(at - now)
    if gap < timedelta(seconds=1):
        return _("now")
    if gap < _MINUTE:
        seconds = int(gap.total_seconds())
        span = ngettext("%d second", "%d seconds", seconds) % seconds
    else:
        first, second = min(at, now), max(at, now)
        span = timesince(first, second, depth=1)
    return (_("in %s") if at > now else _("%s ago")) % span


def absolute(at: datetime, zone: str | None = None) -> str:
    """Return the instant with its zone; in the viewer's zone unless another one is named."""
    local = django_timezone.localtime(at, _zone(zone))
    return format_date(local, "Y-m-d H:i:s T")


def compact(at: datetime, now: datetime, *, seconds: bool = False) -> str:
    """Return the instant in the viewer's zone as a column has room for: the day unless today."""
    local, today = django_timezone.localtime(at), django_timezone.localtime(now)
    clock = "H:i:s" if seconds else "H:i T"
    if local.date() == today.date():
        return format_date(local, clock)
    if local.year == today.year:
        return format_date(local, f"j M {clock}")
    return format_date(local, f"Y-m-d {clock}")


def readable(at: datetime, now: datetime, zone: str | None = None) -> str:
    """Return the instant as people say it, with its weekday; the year only if it is another.

    Seconds are told where there are any. A line breaks between the day and the time only.
    """
    local = django_timezone.localtime(at, _zone(zone))
    this_year = local.year == django_timezone.localtime(now, _zone(zone)).year
    day = format_date(local, "D j M" if this_year else "D j M Y").replace(" ", _FIXED)
    clock = format_date(local, "H:i:s T" if local.second else "H:i T").replace(" ", _FIXED)
    return f"{day}, {clock}"


def _zone(name: str | None) -> Any:
    from ..schedules.wall import zone_called

    return zone_called(name) if name else None


def instant(at: datetime | None, now: datetime) -> SafeString | str:
    """Return an instant for a table: how far away, and below it when, in the viewer's zone."""
    if at is None:
        return NOTHING
    return format_html(
        '<time class="sched-instant" datetime="{}" title="{}">{} <small>{}</small></time>',
        at.isoformat(),
        _exactly(at),
        relative(at, now),
        compact(at, now),
    )


def moment(at: datetime | None, now: datetime) -> SafeString | str:
    """Return an instant for a narrow column: only when, to the second."""
    if at is None:
        return NOTHING
    return format_html(
        '<time class="sched-instant" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{relative(at, now)}, {_exactly(at)}",
        compact(at, now, seconds=True),
    )


def _exactly(at: datetime) -> str:
    """The instant to the second in the viewer's zone and in UTC, for pointing at."""
    here, utc = absolute(at), f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
    return here if here == utc else f"{here} = {utc}"


def duration_text(span: timedelta | None) -> str:
    """Return a span of time as people write it: "850 ms", "12.4 s", "3 min 20 s", "2 d 4 h"."""
    if span is None:
        return NOTHING
    seconds = abs(span.total_seconds())
    sign = "−" if span < timedelta(0) else ""
    if seconds < 1:
        return f"{sign}{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{sign}{seconds:.1f} s"
    return sign + _two_units(round(seconds))


def _two_units(seconds: int) -> str:
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts))


def schedule_words(
    schedule: Schedule | None, spec: str, error: str, *, brief: bool = False
) -> SafeString:
    """Return the schedule in words, its text when pointed at; the error if it cannot be read.

    ``brief`` words are for a column: without what daylight saving does, which the page tells.
    """
    if schedule is None:
        return format_html(
            '<span class="sched-unreadable"><code>{}</code> <small>{}</small></span>',
            spec,
            error,
        )
    words = schedule.describe()
    if brief:
        # No schedule says anything else behind a semicolon.
        words = words.partition("; ")[0]
    return format_html('<span class="sched-words" title="{}">{}</span>', spec, words)


def sparkline(outcomes: Sequence[Outcome], *, narrow: bool = False) -> SafeString | str:
    """Return a bar a run, oldest first: colour says how it ended, height how long it took."""
    if not outcomes:
        return format_html('<span class="sched-quiet">{}</span>', _("no runs yet"))
    longest = max((o.duration or timedelta(0) for o in outcomes), default=timedelta(0))
    bar, gap = _NARROW if narrow else _WIDE
    bars = format_html_join(
        "",
        '<rect class="sched-bar sched-{}" x="{}" y="{}" width="{}" height="{}" rx="1">'
        "<title>{}</title></rect>",
        (
            (o.status, place * (bar + gap), _HEIGHT - height, bar, height, _tell(o))
            for place, o in enumerate(outcomes)
            for height in [_height(o, longest)]
        ),
    )
    width = len(outcomes) * (bar + gap) - gap
    return format_html(
        '<svg class="sched-spark" role="img" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}">{}</svg>',
        _summary(outcomes),
        width,
        _HEIGHT,
        width,
        _HEIGHT,
        bars,
    )


def _height(outcome: Outcome, longest: timedelta) -> int:
    if not longest or outcome.duration is None:
        return _LOWEST
    return _LOWEST + round((_HEIGHT - _LOWEST) * (outcome.duration / longest))


def _tell(outcome: Outcome) -> str:
    words = [absolute(outcome.scheduled_for), label_of(outcome.status)]
    if outcome.reason:
        words.append(f"({outcome.reason})")
    if outcome.duration is not None:
        words.append(duration_text(outcome.duration))
    return " ".join(words)


def _summary(outcomes: Sequence[Outcome]) -> str:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    told = ", ".join(f"{count} {label_of(status)}" for status, count in counts.items())
    return _("Last runs: %s") % told


def pretty_json(value: Any) -> str:
    """Return the value as indented JSON, or an empty text when there is nothing to show."""
    if value is None or value == {} or value == []:
        return ""
    return json.dumps(value, indent=2, ensure_ascii=False)
