"""The figures as pictures. matplotlib is needed for these alone; without it there are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .figures import Figure

__all__ = ["WORDS", "draw"]

WORDS = {
    "benchmark-ratios.svg": (
        "Rates as ratios to the bare driver",
        "One bar for each measurement and database, with its ratio. A dotted line is the driver.",
    ),
    "benchmark-lateness.svg": (
        "How late one-second jobs begin",
        "For each database, the share of runs that were late by at most so many milliseconds.",
    ),
    "benchmark-idle.svg": (
        "What it costs while nothing is due",
        "For each database, the share of a core by number of jobs. A dotted line is the target.",
    ),
    "benchmark-peers.svg": (
        "Calls a second of 10,000 jobs due at once, side by side",
        "One bar for each scheduler, with its rate.",
    ),
}
"""Of each picture: its title, and what it shows, for those who do not see it."""

COLOURS = {"sqlite": "#5b8c3e", "postgres": "#33658a", "mariadb": "#c1666b"}


def draw(figures: Sequence[Figure], folder: Path) -> list[str]:
    """Draw what there is to see, and return the names of the files written."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("svg")
    # The same figures make the same bytes: no date, no random ids.
    matplotlib.rcParams.update(
        {"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9}
    )
    folder.mkdir(parents=True, exist_ok=True)
    return [
        name
        for name, make in zip(WORDS, (_ratios, _lateness, _idle, _peers), strict=True)
        if _drawn(make, figures, folder / name)
    ]


def _drawn(make: Callable[..., bool], figures: Sequence[Figure], path: Path) -> bool:
    from matplotlib import pyplot

    picture, axes = pyplot.subplots(figsize=(7.2, 3.2), layout="constrained")
    try:
        if not make(axes, figures):
            return False
        axes.spines[["top", "right"]].set_visible(False)
        picture.savefig(path, metadata={"Date": None, "Creator": None})
        _tidy(path)
        return True
    finally:
        pyplot.close(picture)


def _tidy(path: Path) -> None:
    """Say in words what it shows; drop metadata, and the blanks some lines end with."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    title, words = WORDS[path.name]
    head = f'role="img">\n<title>{title}</title>\n<desc>{words}</desc>\n'
    text = re.sub(r"(<svg [^>]*)>\n", rf"\1 {head}", text, count=1)
    lines = (line.rstrip() for line in text.splitlines())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _ratios(axes: Any, figures: Sequence[Figure]) -> bool:
    shown = [
        each for each in figures if each.part in ("claim", "end_to_end") and each.ratio is not None
    ]
    for place, each in enumerate(shown):
        axes.barh(place, each.ratio, color=COLOURS.get(each.where, "#777777"))
        axes.text(each.ratio or 0, place, f" {each.ratio:.2f}", va="center")
    axes.set_yticks(range(len(shown)), [f"{each.name}, {each.where}" for each in shown])
    axes.invert_yaxis()
    axes.axvline(1, color="#444444", linewidth=0.8, linestyle=":")
    axes.set_xlabel("rate, bare driver = 1")
    return bool(shown)


def _lateness(axes: Any, figures: Sequence[Figure]) -> bool:
    shown = [
        each for each in figures if each.part == "lateness" and len(each.series.get("ours", [])) > 1
    ]
    for each in shown:
        late = [max(value, 0.01) for value in each.series["ours"]]
        shares = [100 * (place + 1) / len(late) for place in range(len(late))]
        style = "-" if each.name.startswith("100 ") else "--"
        label = f"{each.name.partition(':')[0]}, {each.where}"
        axes.plot(late, shares, style, label=label, color=COLOURS.get(each.where))
    axes.set_xscale("log")
    axes.set_xlabel("late by at most, ms")
    axes.set_ylabel("% of runs")
    if shown:
        axes.legend(fontsize=7, frameon=False)
    return bool(shown)


def _idle(axes: Any, figures: Sequence[Figure]) -> bool:
    shown = [each for each in figures if each.part == "idle" and each.series]
    for kind in COLOURS:
        mine = sorted(
            (each.series["size"][0], each.value or 0) for each in shown if each.where == kind
        )
        if mine:
            axes.plot(*zip(*mine, strict=True), "o-", label=kind, color=COLOURS[kind])
    axes.axhline(0.5, color="#444444", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("jobs, none due")
    axes.set_ylabel("% of a core")
    if shown:
        axes.legend(fontsize=7, frameon=False)
    return bool(shown)


def _peers(axes: Any, figures: Sequence[Figure]) -> bool:
    shown = [
        each
        for each in figures
        if each.part == "peers" and each.value and each.name.startswith("10,000 due")
    ]
    for place, each in enumerate(shown):
        colour = "#33658a" if each.where.startswith("ours") else "#999999"
        axes.barh(place, each.value, color=colour)
        axes.text(each.value or 0, place, f" {each.value:,.0f}/s", va="center")
    axes.set_yticks(range(len(shown)), [each.where for each in shown])
    axes.invert_yaxis()
    axes.set_xlabel("10,000 jobs due: dispatched a second")
    return bool(shown)
