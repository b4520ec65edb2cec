"""A timeline as SVG text: one row for each occurrence, what became of it beside it.

The picture brings its own background, light or dark as the reader's system has it, so that it is
legible on any page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

WIDTH = 880
LEFT, RIGHT = 84, 590
TOP, STEP, FOOT = 98, 26, 16
WORDS_AT = RIGHT + 20
NARROWEST = 10
"""A bar is at least so wide, or a short run would not be seen."""

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2430 }
  .title { font-weight: 600; font-size: 14px }
  .quiet { fill: #5b6270; font-size: 12px }
  .panel { fill: #fbfbfd; stroke: #d4d7de }
  .grid { stroke: #e2e5eb }
  .outage { fill: #e9ecf2 }
  .due { fill: #1f2430 }
  .ran { fill: #3b8f63 }
  .stopped { fill: #c9772b }
  .waits { stroke: #5b6270; stroke-width: 2; stroke-dasharray: 4 4 }
  .crossed { stroke: #b8402f; stroke-width: 2.5 }
  .bracket { stroke: #5b6270; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e7e9ee }
    .quiet { fill: #a3aab8 }
    .panel { fill: #1b1e25; stroke: #383d49 }
    .grid { stroke: #2d323c }
    .outage { fill: #2a2f3a }
    .due { fill: #e7e9ee }
    .ran { fill: #4fae7d }
    .stopped { fill: #e0954d }
    .waits { stroke: #a3aab8 }
    .crossed { stroke: #f0806f }
    .bracket { stroke: #a3aab8 }
  }
"""


@dataclass(frozen=True)
class Bar:
    """A run from its start to its end; ``is_open``: it goes on."""

    start: datetime
    end: datetime
    kind: str
    is_open: bool = False


@dataclass(frozen=True)
class Row:
    """One occurrence and what became of it."""

    due: datetime
    words: str
    bar: Bar | None = None
    waits: tuple[datetime, datetime] | None = None
    crossed: bool = False


@dataclass(frozen=True)
class Bracket:
    """One record that stands for the rows from ``first`` to ``last``."""

    first: int
    last: int
    words: str


@dataclass
class Picture:
    """Rows on a common axis."""

    title: str
    setting: str
    start: datetime
    end: datetime
    tick: timedelta
    rows: Sequence[Row]
    brackets: Sequence[Bracket] = ()
    outage: tuple[datetime, datetime] | None = None
    _parts: list[str] = field(default_factory=list)

    def svg(self) -> str:
        """Return the whole file."""
        self._parts = []
        self._axis()
        for number, row in enumerate(self.rows):
            self._row(number, row)
        for bracket in self.brackets:
            self._bracket(bracket)
        return "\n".join([*self._head(), *self._parts, "</svg>", ""])

    @property
    def _height(self) -> int:
        return TOP + STEP * len(self.rows) + FOOT

    def _x(self, instant: datetime) -> str:
        share = (instant - self.start) / (self.end - self.start)
        return f"{LEFT + share * (RIGHT - LEFT):.1f}"

    @staticmethod
    def _y(number: int) -> int:
        return TOP + STEP * number + STEP // 2

    def _head(self) -> list[str]:
        told = "; ".join(f"{row.due:%H:%M}: {row.words}" for row in self.rows if row.words)
        counted = "; ".join(bracket.words for bracket in self.brackets)
        said = " ".join(filter(None, (self.setting, told, counted)))
        return [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self._height}" '
            f'width="{WIDTH}" height="{self._height}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="desc">{escape(said)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" '
            f'height="{self._height - 1}" rx="8"/>',
            self._text(20, 28, self.title, "title"),
            self._text(20, 48, f"{self.setting} {self._legend()}", "quiet"),
            self._text(20, TOP - 10, "due", "quiet"),
            self._text(WORDS_AT, TOP - 10, "on record", "quiet"),
        ]

    def _legend(self) -> str:
        """Say what the signs of this picture mean."""
        signs = ["● due"]
        if any(row.crossed for row in self.rows):
            signs.append("✕ due, and skipped")
        if any(row.waits for row in self.rows):
            signs.append("┄ waits")
        return f"{', '.join(signs)}."

    def _axis(self) -> None:
        bottom = TOP + STEP * len(self.rows)
        if self.outage is not None:
            left, right = (float(self._x(each)) for each in self.outage)
            self._add(
                f'<rect class="outage" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
                f'height="{bottom - TOP}"/>'
            )
        instant = self.start
        while instant <= self.end:
            x = self._x(instant)
            self._line("grid", x, TOP, x, bottom)
            self._add(self._text(x, TOP - 10, f"{instant:%H:%M}", "quiet", "middle"))
            instant += self.tick

    def _row(self, number: int, row: Row) -> None:
        y = self._y(number)
        self._add(self._text(20, y + 5, f"{row.due:%H:%M}"))
        if row.waits is not None:
            self._line("waits", self._x(row.waits[0]), y, self._x(row.waits[1]), y)
        if row.bar is not None:
            self._bar(row.bar, y)
        if row.crossed:
            self._cross(float(self._x(row.due)), y)
        else:
            self._add(f'<circle class="due" cx="{self._x(row.due)}" cy="{y}" r="4"/>')
        self._add(self._text(WORDS_AT, y + 5, row.words))

    def _bar(self, bar: Bar, y: int) -> None:
        left, right = float(self._x(bar.start)), float(self._x(bar.end))
        width = max(right - left, NARROWEST)
        self._add(
            f'<rect class="{bar.kind}" x="{left:.1f}" y="{y - 8}" width="{width:.1f}" '
            f'height="16" rx="{0 if bar.is_open else 3}"/>'
        )

    def _cross(self, x: float, y: int) -> None:
        for slope in (-5, 5):
            self._line("crossed", f"{x - 5:.1f}", y - slope, f"{x + 5:.1f}", y + slope)

    def _bracket(self, bracket: Bracket) -> None:
        top, bottom = self._y(bracket.first) - 9, self._y(bracket.last) + 9
        x = WORDS_AT
        self._add(f'<path class="bracket" d="M{x} {top}h6v{bottom - top}h-6"/>')
        self._add(self._text(x + 16, (top + bottom) // 2 + 5, bracket.words))

    def _line(self, kind: str, x1: str, y1: float, x2: str, y2: float) -> None:
        self._add(f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')

    def _add(self, part: str) -> None:
        if part:
            self._parts.append(part)

    @staticmethod
    def _text(x: object, y: int, words: str, kind: str = "", anchor: str = "") -> str:
        named = f' class="{kind}"' if kind else ""
        placed = f' text-anchor="{anchor}"' if anchor else ""
        return f'<text x="{x}" y="{y}"{named}{placed}>{escape(words)}</text>' if words else ""
