"""Every due occurrence in exactly one run or record: none lost, none doubled, none invented.

The occurrences are walked anew from the schedules; which of them a row stands for is read from its
key. Semantics allow three ways to be on record: a run of one's own (also a skipped one), a run
that says how many missed ones it stands for, and a record ``missed:<from>/<to>``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from .history import History, JobFacts, Row
from .verdict import Verdict

MISSED = "missed:"
MANUAL = "m:"


def check_occurrences(history: History, verdict: Verdict) -> None:
    """Find what was lost, doubled or invented."""
    firsts: dict[str, list[Row]] = {}
    for row in history.rows:
        if row.number == 1 and not row.key.startswith(MANUAL):
            firsts.setdefault(row.job, []).append(row)
    for job in history.jobs:
        rows = firsts.pop(job.name, [])
        if job.book.tracked:
            _Ledger(job, rows, history.end, verdict).check()
        else:
            verdict.counted["occurrences of fixed delays"] += len(rows)
    for name, rows in firsts.items():
        verdict.blame("other", f"{len(rows)} runs of {name!r}, which nobody made")


def instant_of(text: str) -> datetime:
    """Return the instant that a key names."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class _Ledger:
    """One job's occurrences, and what stands for them."""

    def __init__(self, job: JobFacts, rows: list[Row], end: datetime, verdict: Verdict) -> None:
        self._job = job
        self._verdict = verdict
        self._owed = job.book.instants(end)
        self._summaries = [row for row in rows if row.key.startswith(MISSED)]
        plain = [row for row in rows if not row.key.startswith(MISSED)]
        self._own = {instant_of(row.key): row for row in plain}
        self._named: Counter[datetime] = Counter(list(self._own))
        #: Named by a row that stands for fewer than lie in its range.
        self._perhaps: set[datetime] = set()

    def check(self) -> None:
        self._reject_invented()
        for row in self._summaries:
            first, _, last = row.key.removeprefix(MISSED).partition("/")
            since, until = instant_of(first), instant_of(last)
            inside = [each for each in self._owed if since <= each <= until]
            self._cover(row, inside, row.missed)
            self._verdict.counted["records"] += 1
        for instant, row in sorted(self._own.items()):
            if row.missed:
                self._cover(row, self._before(instant), row.missed)
        self._weigh()

    def _before(self, instant: datetime) -> list[datetime]:
        """Return what lies between a run and the newest that was dealt with before it."""
        ends = [instant_of(row.key.rpartition("/")[2]) for row in self._summaries]
        before = max((each for each in (*self._own, *ends) if each < instant), default=None)
        return [each for each in self._owed if each < instant and (before is None or before < each)]

    def _cover(self, row: Row, inside: list[datetime], count: int) -> None:
        """Let the row stand for ``count`` of these; all but the uncertain ones are needed."""
        sure = [each for each in inside if self._owed[each]]
        if not len(sure) <= count <= len(inside):
            kind = "lost" if count < len(sure) else "other"
            words = f"{self._job.name} {row.key} stands for {count}, there are {_some(inside)}"
            self._verdict.blame(kind, words)
        if count == len(inside):
            self._named.update(inside)
        else:
            self._named.update(sure)
            self._perhaps.update(set(inside) - set(sure))

    def _reject_invented(self) -> None:
        unknown = sorted(set(self._own) - set(self._owed))
        if unknown:
            owed = "; ".join(str(stretch) for stretch in self._job.book.stretches)
            self._verdict.blame("other", f"{self._job.name} never owed {_some(unknown)}: {owed}")

    def _weigh(self) -> None:
        must = [each for each, is_sure in self._owed.items() if is_sure]
        doubled = sorted(each for each, count in self._named.items() if count > 1)
        lost = [each for each in must if not self._named[each]]
        if doubled:
            self._verdict.blame("doubled", f"{self._job.name} {_some(doubled)} on record twice")
        if lost:
            self._verdict.blame("lost", f"{self._job.name} {_some(lost)} nowhere on record")
        self._verdict.counted["occurrences"] += len(must)
        self._verdict.counted["lost"] += len(lost)
        self._verdict.counted["doubled"] += len(doubled)
        maybe = [each for each in self._owed if not self._owed[each] and self._named[each]]
        self._verdict.counted["occurrences at the moment of an order"] += len(maybe)


def _some(instants: Iterable[datetime]) -> str:
    texts = [f"{each:%H:%M:%S.%f}"[:-3] for each in instants]
    shown = ", ".join(texts[:5])
    return f"{len(texts)} ({shown}{', …' if len(texts) > 5 else ''})"
