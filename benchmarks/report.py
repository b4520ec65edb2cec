"""The figures as a page of the documentation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .figures import Figure
from .plots import WORDS

__all__ = ["HEADINGS", "page"]

HEADINGS = {
    "claim": (
        "Claiming",
        "One transaction that takes 500 due jobs: their rows read under lock, a run inserted for"
        " each, their clocks moved on. *By the ORM alone*: as on a database whose own SQL is not"
        " known.",
    ),
    "end_to_end": (
        "Due to recorded",
        "Jobs that do nothing, all due at once: claimed, called in a thread pool, their outcomes"
        " and their jobs' counters stored.",
    ),
    "rate": ("Few due among many", "The same with ever more jobs in the tables, few of them due."),
    "lateness": (
        "Lateness",
        "Jobs of every second, their instants spread over it, on a scheduler process of its own.",
    ),
    "idle": (
        "Idle",
        "Nothing is due. Processor time of the scheduler and of the server's side of its"
        " connections; all duties that repeat are in it. *Of others*: the process serves a queue"
        " that none of the jobs is in.",
    ),
    "start": ("Starting", "Statements of a start and its first turn, and how long it takes."),
    "edits": (
        "One edit",
        "A job due in 2100 is edited to be due each second. How late its first run begins, after"
        " the first second that follows the edit's commit.",
    ),
    "pool": (
        "A thousand at once",
        "Functions that sleep, due at one instant, a thread each: when the last one runs.",
    ),
    "takeover": (
        "Takeover",
        "Two schedulers, one killed with SIGKILL. What runs twice is counted by what functions"
        " noted themselves.",
    ),
    "celery": (
        "Publishing for Celery workers",
        "Messages the broker has confirmed, one after the other over a kept connection, against"
        " LPUSH of the same bytes.",
    ),
    "next_times": (
        "Next times",
        "Fifty pairs of an expression and a zone; the ratio says how many times faster the first"
        " row is. The peers' own schedules are asked where they are installed beside it.",
    ),
    "peers": (
        "Side by side",
        "Each as its documentation recommends, on databases of its own. *Calls* is the rate between"
        " the first and the last call of jobs that were due at one instant. Lateness counts from"
        " the job's own second; for django-celery-beat, which counts from the last run, it is what"
        " a second was too long. An edit is a save as its admin does it. Idle is the processor"
        " time of all its processes and database connections; Redis is not in it.",
    ),
    "profile": (
        "Where the time of a run goes",
        "The engine's database thread, from due to recorded: its statements, then its functions.",
    ),
    "databases": ("Databases that were not there", ""),
}

UNASKED = ("profile", "databases")
"""Parts whose absence needs no word."""

EFFORTS = {
    "full": "a full run",
    "quick": "a quick run (`--quick`): few rounds, short spans",
    "smoke": "a smoke run (`--smoke`): these figures mean nothing",
}

INTRODUCTION = """\
# How fast it is

Made by `python -m benchmarks`; no figure here is copied by hand. Read the **ratios**: both sides
come from one run on one machine, ours and the bare driver in turn (A B A B), and a ratio is the
median of the rounds. *Raw* is the bare driver (psycopg, mysqlclient, sqlite3; no Django) writing
the same rows and columns in the same batches, in one statement a batch where the database can,
from one thread. How each thing is measured is told in `benchmarks/README.md`.
"""


def number(value: float | None) -> str:
    """Return a figure with as many digits as mean something."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "∞"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def page(figures: Sequence[Figure], machine: Sequence[str], pictures: Sequence[str]) -> str:
    """Return the Markdown page; ``pictures`` are names of files beside it."""
    efforts = sorted({each.effort for each in figures if each.effort})
    lines = [*machine, *(EFFORTS[effort] for effort in efforts)]
    parts = [INTRODUCTION, "\n".join(f"- {line}" for line in lines), ""]
    for picture in pictures:
        parts += [f"![{_alt(picture)}]({picture})", ""]
    for part, (heading, words) in HEADINGS.items():
        rows = [each for each in figures if each.part == part]
        if rows:
            parts += [f"## {heading}", "", *([words, ""] if words else []), _table(rows), ""]
    shown = {each.part for each in figures}
    left_out = [HEADINGS[part][0] for part in HEADINGS if part not in {*shown, *UNASKED}]
    if left_out:
        parts += ["## Not in this run", "", f"{', '.join(left_out)}."]
    return "\n".join(parts).rstrip() + "\n"


def _alt(picture: str) -> str:
    return WORDS[picture.rpartition("/")[2]][0]


def _table(rows: Sequence[Figure]) -> str:
    lines = ["| what | where | figure | ratio | target | |", "|---|---|---:|---:|---|---|"]
    for each in rows:
        mark = {True: "✓", False: "missed", None: ""}[each.good]
        figure = f"{number(each.value)} {each.unit}".strip()
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        told = "; ".join(filter(None, [mark, each.note.replace("|", "\\|").replace("\n", " ")]))
        lines.append(
            f"| {each.name} | {each.where} | {figure} | {ratio} | {each.target} | {told} |"
        )
    return "\n".join(lines)
