"""Kinds of schedule by the prefix of their spec text, and reading any of them.

A kind of your own is made known here; nothing else in the package lists kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from ..exceptions import InvalidCron, InvalidSchedule
from .base import Schedule, parse_instant
from .cron import CRON_OPTIONS, Cron
from .cron_text import MACROS
from .interval import parse_interval
from .meant import did_you_mean
from .once import Manual, Once
from .wall import check_timezone

__all__ = ["parse_schedule", "register_kind"]

Parser = Callable[[str], Schedule]
_PREFIX = re.compile(r"@[a-z][a-z0-9_-]*", re.ASCII)
_MAX_TEXT = 1000
_kinds: dict[str, Parser] = {}


def register_kind(prefix: str, parser: Parser) -> None:
    """Spec texts that begin with ``prefix`` are read by ``parser`` from now on.

    Args:
        prefix: ``@`` and a lower-case word, such as ``@tide``.
        parser: given the text after the prefix, without outer blanks, it returns the schedule or
            raises ``InvalidSchedule``. ``str()`` of the schedule begins with the prefix.

    Raises:
        InvalidSchedule: the prefix is malformed, a macro of cron, or another parser's.
    """
    if not isinstance(prefix, str) or _PREFIX.fullmatch(prefix) is None:
        raise InvalidSchedule(f"{prefix!r} is not a prefix: write '@' and a lower-case word.")
    if prefix in MACROS or _kinds.get(prefix, parser) is not parser:
        raise InvalidSchedule(f"{prefix!r} is taken by another kind of schedule.")
    _kinds[prefix] = parser


def parse_schedule(
    text: str, timezone: str | None = None, anchor: datetime | None = None
) -> Schedule:
    """The schedule a spec text describes; ``str()`` of it is the normalised text.

    Args:
        text: ``*/5 * * * *``, ``@daily``, ``@every 1h30m``, ``@at ...``, ``@manual``, or a
            registered kind.
        timezone: IANA name; None leaves the schedule without a zone (read as UTC).
        anchor: an aware instant from which intervals without ``from`` count: a job's creation.

    Raises:
        InvalidSchedule: the text cannot be read; subclasses say which part.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidSchedule(
            "The schedule is empty: write a cron expression, @every, @at or @manual.",
            field="schedule",
        )
    if len(text) > _MAX_TEXT:
        raise InvalidSchedule(f"A schedule has at most {_MAX_TEXT} characters.", field="schedule")
    check_timezone(timezone)
    return _parse(text.strip(), timezone).anchored(anchor)


@lru_cache(maxsize=4096)
def _parse(text: str, timezone: str | None) -> Schedule:
    """Remembered: the engine reads the same few texts at every firing."""
    prefix, _, rest = text.partition(" ")
    parser = _kinds.get(prefix.lower())
    schedule = _parse_cron(text) if parser is None else parser(rest.strip())
    return schedule.with_timezone(timezone)


def _parse_cron(text: str) -> Cron:
    words = text.split()
    if words[0].startswith("@") and words[0].lower() not in (*MACROS, "@reboot"):
        known = [*_kinds, *MACROS]
        meant = did_you_mean(text, known) or f"use {', '.join(known)}."
        raise InvalidSchedule(f"{words[0]!r} is no kind of schedule: {meant}", field="schedule")
    fields = [word for word in words if "=" not in word]
    options: dict[str, str] = {}
    for word in words[len(fields) :]:
        name, found, value = word.partition("=")
        if not found or name not in CRON_OPTIONS or name in options:
            raise InvalidCron(
                f"{word!r} is not an option, or not in its place: after the fields may follow "
                f"{', '.join(f'{each}=' for each in CRON_OPTIONS)}, each once.",
                field="schedule",
            )
        options[name] = value
    return Cron(" ".join(fields), **options)


def _parse_once(rest: str) -> Once:
    return Once(parse_instant(rest))


def _parse_manual(rest: str) -> Manual:
    if rest:
        raise InvalidSchedule(f"Nothing follows '@manual', not {rest!r}.", field="schedule")
    return Manual()


register_kind("@every", parse_interval)
register_kind("@at", _parse_once)
register_kind("@manual", _parse_manual)
