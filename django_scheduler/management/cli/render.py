"""Text for people: aligned tables, times with their zone. Knows no rows, only values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils.timezone import localtime

__all__ = ["local_time", "one_line", "pairs", "seconds", "table"]

WIDEST = 48
"""A cell is cut here; only the first column, by which a row is named, never is."""


def local_time(instant: datetime | None) -> str:
    """Return the instant on the wall clock of the current time zone, with that zone's name."""
    return "-" if instant is None else f"{localtime(instant):%Y-%m-%d %H:%M:%S %Z}"


def seconds(span: timedelta | None) -> str:
    """Return a span such as ``0.25 s`` or ``1:02:03``; ``-`` for None."""
    if span is None:
        return "-"
    if span < timedelta(minutes=1):
        return f"{span.total_seconds():.3g} s"
    return str(timedelta(seconds=round(span.total_seconds())))


def one_line(text: object) -> str:
    """Return the text without line breaks and characters that would move the cursor."""
    return "".join(char if char.isprintable() else " " for char in str(text)).strip()


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1].rstrip() + "…"


def _cells(row: Iterable[object]) -> list[str]:
    texts = [one_line(cell) for cell in row]
    return [text if column == 0 else _cut(text) for column, text in enumerate(texts)]


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> str:
    """Return the rows in aligned columns under their headers; ``empty`` when there are none."""
    lines = [_cells(row) for row in rows]
    if not lines:
        return empty
    lines.insert(0, [header.upper() for header in headers])
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headers))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
    return "  ".join(padded).rstrip()


def pairs(values: Iterable[tuple[str, object]]) -> str:
    """Return one line a value, its name in front; values of several lines stand below theirs."""
    shown = [(name, str(value)) for name, value in values if value not in ("", None)]
    width = max((len(name) for name, _ in shown), default=0)
    lines = []
    for name, value in shown:
        if "\n" in value.strip():
            lines += [f"{name}:", *(f"    {one_line(line)}" for line in value.splitlines())]
        else:
            lines.append(f"{name + ':':<{width + 1}}  {one_line(value)}")
    return "\n".join(lines)
