"""The moves of a run as SVG text, read from the table of moves itself.

Open statuses stand side by side. A line goes down from each; every final status has a line across
to the right, and a dot where a run may leave the one for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from django_scheduler.states import FINAL, MOVES, OPEN, RunStatus

from .drawing import STYLE

WIDTH = 880
FIRST, APART = 92, 166
BOX = (108, 32)
OPEN_Y, FINAL_Y, STEP = 128, 214, 34
FINAL_X = 716
TITLE = "How a run moves from one status to another"
WORDS = (
    "Above, the open statuses with an arrow for each move between them. Below, the final ones, "
    "with a dot where an open status may end so."
)

OWN_STYLE = """
  .open { fill: #dfe8f5; stroke: #33658a }
  .final { fill: #eef0f3; stroke: #8b93a1 }
  .life { stroke: #33658a; stroke-width: 1.5; stroke-dasharray: 2 4 }
  .across { stroke: #8b93a1; stroke-width: 1.5 }
  .move { stroke: #1f2430; stroke-width: 1.5; fill: none }
  .head { fill: #1f2430 }
  @media (prefers-color-scheme: dark) {
    .open { fill: #23344a; stroke: #7fb0dd }
    .final { fill: #262b35; stroke: #8b93a1 }
    .life { stroke: #7fb0dd }
    .move { stroke: #e7e9ee }
    .head { fill: #e7e9ee }
  }
"""

_OPEN = [status for status in RunStatus if status in OPEN]
_FINAL = [status for status in RunStatus if status in FINAL]


def draw() -> str:
    """Return the whole file."""
    height = FINAL_Y + STEP * len(_FINAL) + 6
    told = " ".join(_sentences())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{TITLE}</title>',
        f'<desc id="desc">{escape(told)}</desc>',
        f"<style>{STYLE}{OWN_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
        f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        _text(20, 28, TITLE, "title"),
        _text(20, 48, WORDS, "quiet"),
        *_lines_down(),
        *_open(),
        *_final(),
        "</svg>",
        "",
    ]
    return "\n".join(parts)


def _sentences() -> Iterator[str]:
    for old in _OPEN:
        yield f"From {old}: {', '.join(new for new in RunStatus if new in MOVES[old])}."
    yield f"Final: {', '.join(_FINAL)}."


def _x(status: RunStatus) -> int:
    return FIRST + APART * _OPEN.index(status)


def _lines_down() -> Iterator[str]:
    for status in _OPEN:
        ends = [place for place, new in enumerate(_FINAL) if new in MOVES[status]]
        if ends:
            x, bottom = _x(status), FINAL_Y + STEP * ends[-1]
            yield f'<line class="life" x1="{x}" y1="{OPEN_Y + 16}" x2="{x}" y2="{bottom}"/>'


def _open() -> Iterator[str]:
    for old in _OPEN:
        for new in _OPEN:
            if new in MOVES[old]:
                yield _arrow(old, new)
    for status in _OPEN:
        yield from _box(_x(status) - BOX[0] // 2, OPEN_Y, status, "open")


def _arrow(old: RunStatus, new: RunStatus) -> str:
    """Draw a move between neighbours straight, and any other in an arc above those between."""
    start, end = _x(old), _x(new)
    half = BOX[0] // 2
    if abs(start - end) > APART:
        top = OPEN_Y - 16
        path = f"M{start} {top}C{start} {top - 40} {end} {top - 40} {end} {top - 2}"
    else:
        both = old in MOVES[new]
        onward = 1 if end > start else -1
        y = OPEN_Y - onward * 7 * both
        path = f"M{start + onward * half} {y}H{end - onward * (half + 2)}"
    return f'<path class="move" d="{path}" marker-end="url(#head)"/>'


def _final() -> Iterator[str]:
    for place, new in enumerate(_FINAL):
        y = FINAL_Y + STEP * place
        from_here = [old for old in _OPEN if new in MOVES[old]]
        if from_here:
            first = min(_x(old) for old in from_here)
            yield (
                f'<line class="across" x1="{first}" y1="{y}" x2="{FINAL_X - 2}" y2="{y}" '
                f'marker-end="url(#head)"/>'
            )
        yield from _dots(from_here, y)
        yield from _box(FINAL_X, y, new, "final")


def _dots(from_here: Iterable[RunStatus], y: int) -> Iterator[str]:
    for old in from_here:
        yield f'<circle class="due" cx="{_x(old)}" cy="{y}" r="5"/>'


def _box(left: int, middle: int, status: RunStatus, kind: str) -> Iterator[str]:
    width, height = BOX
    height = height if kind == "open" else 26
    yield (
        f'<rect class="{kind}" x="{left}" y="{middle - height // 2}" width="{width}" '
        f'height="{height}" rx="6"/>'
    )
    yield _text(left + width // 2, middle + 5, status.value, anchor="middle")


def _text(x: int, y: int, words: str, kind: str = "", anchor: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x}" y="{y}"{named}{placed}>{escape(words)}</text>'
