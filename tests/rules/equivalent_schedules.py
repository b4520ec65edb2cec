"""Mutants of the schedules that mean the same, and why: see ``equivalent_mutants``."""

from __future__ import annotations

__all__ = ["EQUIVALENT_SCHEDULES"]

_EQUALLY_LONG = "Both are as long as there are fields."
_ANY_DAY = "Any day will do: what has no match in 50 years has none in any 50 years."
_MEMORY = "How much is remembered changes what is asked, never the answer."

#: (reason, module, where, before, what it may become)
_ROWS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    (
        _EQUALLY_LONG,
        "cron_text",
        "_read",
        "readings = tuple((_read_field(field, text) for field, text "
        "in zip(FIELDS, texts, strict=True)))",
        (
            "readings = tuple((_read_field(field, text) for field, text "
            "in zip(FIELDS, texts, strict=False)))",
        ),
    ),
    (
        _MEMORY,
        "cron",
        "",
        "_MEMO_SIZE = 4096",
        ("_MEMO_SIZE = 4097", "_MEMO_SIZE = 4095"),
    ),
    (
        _ANY_DAY,
        "cron",
        "",
        "_REFERENCE = datetime(2000, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
        (
            "_REFERENCE = datetime(2001, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(1999, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(2000, 2, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(2000, 1, 2, tzinfo=timezone.utc).replace(tzinfo=None)",
        ),
    ),
)

EQUIVALENT_SCHEDULES: dict[tuple[str, str, str, str], str] = {
    (f"schedules/{module}", where, before, after): reason
    for reason, module, where, before, changed in _ROWS
    for after in changed
}
