"""The whole table of targets in one run: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from . import machine, plots, report
from .databases import KINDS
from .figures import Figure, dump, load, machine_of
from .measures.next_times import measure as next_times_rows
from .peers import asking
from .processes import end_in_order
from .running import ALONE, BY_SIZE, REPOSITORY, Plan, measure_all

PARTS = (*ALONE, *BY_SIZE, "celery", "next_times", "peers")
DOCS = REPOSITORY / "docs"
DEFAULT = tuple(part for part in PARTS if part != "profile")
SIZES = {
    "full": (1_000, 100_000, 1_000_000), "quick": (1_000, 10_000), "smoke": (20, 50)
}  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Measure what is asked for, and write the report."""
    options = _options(arguments)
    end_in_order()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    found = [figure for path in options.figures for figure in load(path)]
    lines = [line for path in options.figures for line in machine_of(path)]
    try:
        if not options.figures:
            for figure in _measure(options):
                figure.effort = options.effort
                found.append(figure)
    finally:
        # An hour's figures are kept when the next minute's are given up.
        lines = list(dict.fromkeys(lines)) or machine.describe(tuple(options.databases))
        dump(found, out / "figures.json", lines)
        print(_write(found, lines, out, out))
        if options.docs:
            _write(found, lines, DOCS / "explanation", DOCS / "images")


def _write(found: list[Figure], lines: list[str], folder: Path, images: Path) -> str:
    names = plots.draw(found, images)
    beside = Path() if images == folder else Path("..") / images.name
    pictures = [(beside / name).as_posix() for name in names]
    text = report.page(found, lines, pictures)
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")
    return text


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=DEFAULT, metavar="PART", help=", ".join(PARTS))
    add("--databases", nargs="+", choices=KINDS, default=KINDS, metavar="DB", help=", ".join(KINDS))
    add("--sizes", nargs="+", type=int, help="numbers of jobs; default 1,000 to 1,000,000")
    effort = {"dest": "effort", "action": "store_const", "default": "full"}
    add("--quick", const="quick", help="smaller, shorter, rougher figures", **effort)
    add("--smoke", const="smoke", help="only show that it works; figures mean nothing", **effort)
    add("--timeout", type=float, default=900.0, help="seconds each measurement may take")
    add("--out", type=Path, default=Path("build/benchmarks"), help="folder of report and figures")
    add("--docs", action="store_true", help="renew the page of the documentation, too")
    add("--figures", nargs="+", type=Path, default=(), help="report earlier runs' figures.json")
    add("--peers", nargs="+", choices=asking.PEERS, default=(), help=", ".join(asking.PEERS))
    add("--peers-in", type=Path, help="folder of the peers' virtual environment, kept for later")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> Iterator[Figure]:
    sizes = options.sizes or SIZES[options.effort]
    plan = Plan(
        tuple(options.parts), tuple(options.databases), tuple(sizes), options.effort,
        options.timeout,
    )  # fmt: skip
    yield from measure_all(plan)
    if "next_times" in options.parts:
        yield from next_times_rows(options.effort)
    if "peers" in options.parts:
        yield from asking.ask_all(plan, options.peers_in, options.peers)


if __name__ == "__main__":
    main()
