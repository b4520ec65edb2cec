"""The figures as pictures. matplotlib is needed for these alone; without it there are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .figures import Figure

__all__ = ["draw"]

COLOURS = {"sqlite": "#5b8c3e", "postgres": "#33658a", "mariadb": "#c1666b"}


def draw(figures: Sequence[Figure], folder: Path) -> list[str]:
    """Draw what there is to see, and return the names of the files written."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("svg")
    # The same figures make the same bytes: no date, no random ids.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "font.size": 9})
    folder.mkdir(parents=True, exist_ok=True)
    return [
        name
        for name, make in (
            ("benchmark-ratios.svg", _ratios),
            ("benchmark-lateness.svg", _lateness),
            ("benchmark-idle.svg", _idle),
            ("benchmark-peers.svg", _peers),
        )
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
    """matplotlib ends some lines with a blank, which the house does not keep."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


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
    shown = [each for each in figures if each.part == "idle" and each.value is not None]
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
