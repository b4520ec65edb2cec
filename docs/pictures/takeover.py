"""How late one-second jobs began while one of two schedulers was killed, drawn from a measurement.

``python -m docs.pictures.takeover takeover.csv docs/images/measured/takeover.svg --lease 2 --beat
0.5``: the file is what ``python -m tests.concurrency.chaos.gap --csv`` writes. All kills lie upon
each other. It is a measurement of one machine, so no test compares it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from .drawing import STYLE

WIDTH, HEIGHT = 880, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 850, 76, 310
SINCE, UNTIL = -2.0, 6.0
#: Dots closer than this, in pixels, are one dot: the file stays small.
GRAIN = 2

_MORE_STYLE = """
  .dot { fill: #2f6fb0; fill-opacity: 0.75 }
  .bound { stroke: #b8402f; stroke-width: 1.5; stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    .dot { fill: #6aa9e9 }
    .bound { stroke: #f0806f }
  }
"""


class Axes:
    """From seconds to pixels."""

    def __init__(self, highest: float) -> None:
        self.highest = highest

    def x(self, seconds: float) -> float:
        return LEFT + (seconds - SINCE) / (UNTIL - SINCE) * (RIGHT - LEFT)

    def y(self, seconds: float) -> float:
        return BOTTOM - seconds / self.highest * (BOTTOM - TOP)


def read(path: Path) -> list[tuple[float, float]]:
    """Return (seconds after the kill at which it was due, seconds late) of every occurrence."""
    with path.open(newline="") as file:
        return [
            (float(row["due_after_kill_s"]), float(row["late_s"])) for row in csv.DictReader(file)
        ]


def draw(samples: Iterable[tuple[float, float]], lease: float, beat: float) -> str:
    """Return the picture as SVG text."""
    shown = [(due, late) for due, late in samples if SINCE <= due <= UNTIL]
    bound = lease + beat
    axes = Axes(max(bound, *(late for _, late in shown)) * 1.15)
    worst = max(late for _, late in shown)
    title = "One of two schedulers is killed"
    words = (
        f"How late each occurrence of one-second jobs began. Lease {lease:g} s, beat {beat:g} s; "
        f"the latest began {worst:.2f} s late."
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(words)}</desc>',
        f"<style>{STYLE}{_MORE_STYLE}</style>",
        f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
        _text(20, 28, title, "title"),
        _text(20, 48, words, "quiet"),
        *_grid(axes),
        *_dots(axes, shown),
        _line("bound", LEFT, axes.y(bound), RIGHT, axes.y(bound)),
        _text(RIGHT, axes.y(bound) - 6, f"lease and one beat: {bound:g} s", "quiet", "end"),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _grid(axes: Axes) -> list[str]:
    parts = []
    for second in range(int(SINCE), int(UNTIL) + 1):
        parts.append(_line("grid", axes.x(second), TOP, axes.x(second), BOTTOM))
        name = "killed" if second == 0 else f"{second:+d} s"
        parts.append(_text(axes.x(second), BOTTOM + 18, name, "quiet", "middle"))
    step = 0.5 if axes.highest < 4 else 1.0
    for number in range(int(axes.highest / step) + 1):
        y = axes.y(number * step)
        parts.append(_line("grid", LEFT, y, RIGHT, y))
        parts.append(_text(LEFT - 8, y + 4, f"{number * step:g} s", "quiet", "end"))
    parts.append(_text((LEFT + RIGHT) / 2, BOTTOM + 38, "when it was due", "quiet", "middle"))
    return parts


def _dots(axes: Axes, shown: Iterable[tuple[float, float]]) -> list[str]:
    places = {
        (round(axes.x(due) / GRAIN) * GRAIN, round(axes.y(max(0.0, late)) / GRAIN) * GRAIN)
        for due, late in shown
    }
    return [f'<circle class="dot" cx="{x}" cy="{y}" r="2.5"/>' for x, y in sorted(places)]


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def main() -> int:
    """Draw from the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.pictures.takeover")
    parser.add_argument("csv", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--beat", type=float, default=0.5)
    told = parser.parse_args()
    told.svg.parent.mkdir(parents=True, exist_ok=True)
    told.svg.write_text(draw(read(told.csv), told.lease, told.beat), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
