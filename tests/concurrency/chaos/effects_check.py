"""What the functions themselves noted, held against the rows and against each other.

The notes are independent of the database: a call that no row tells of, or two calls at once, are
found here.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from django_scheduler.policies import OnLost, Overlap
from django_scheduler.states import RunStatus

from .history import Call, History, Row
from .verdict import Verdict

ROUNDING = timedelta(milliseconds=2)
"""The wall clock and the database's are one, but SQLite tells milliseconds only."""

_ENDINGS = {
    RunStatus.SUCCEEDED: ("ok",),
    RunStatus.FAILED: ("raised",),
}
_GIVEN_UP = (RunStatus.TIMED_OUT, RunStatus.INTERRUPTED, RunStatus.STOPPED)


def check_calls(history: History, verdict: Verdict) -> None:
    """Hold all calls against the rows, and the calls for one occurrence against each other."""
    rows = {row.id: row for row in history.rows}
    verdict.counted["calls"] += len(history.calls)
    for call in history.calls:
        _check_call(call, rows.get(call.run), verdict)
    _check_every_success_was_called(history, verdict)
    once = {job.name for job in history.jobs if job.policy.get("on_lost") == OnLost.FAIL}
    for (name, key), calls in history.calls_by_key().items():
        if name in once and len(calls) > 1:
            verdict.blame(
                "doubled", f"{name} {key}, never to repeat, was called {len(calls)} times"
            )
        for before, after in pairwise(calls):
            _check_pair(history, rows, before, after, verdict)
    _check_one_at_a_time(history, verdict)


def _check_call(call: Call, row: Row | None, verdict: Verdict) -> None:
    where = f"{call.job} {call.key} attempt {call.attempt} in {call.process}"
    if row is None:
        verdict.blame("lost", f"{where} was called and has no row")
    elif call.at < row.scheduled_for - ROUNDING:
        verdict.blame("early", f"{where} was called {row.scheduled_for - call.at} too early")


def _check_every_success_was_called(history: History, verdict: Verdict) -> None:
    """A row that says how the function ended has a call that says the same."""
    endings: dict[str, set[str]] = {}
    for call in history.calls:
        endings.setdefault(call.run, set()).add(call.outcome)
    for row in history.rows:
        wanted = _ENDINGS.get(RunStatus(row.status))
        if wanted and not endings.get(row.id, set()) & set(wanted):
            said = sorted(endings.get(row.id, set()))
            where = f"{row.job} {row.key} #{row.number}"
            verdict.blame("other", f"{where} is {row.status} {row.reason}, its calls say {said}")


def _check_pair(
    history: History, rows: dict[str, Row], before: Call, after: Call, verdict: Verdict
) -> None:
    """Two calls for one occurrence, one after the other."""
    where = f"{before.job} {before.key}: attempt {after.attempt} in {after.process}"
    if _left(history, before) > after.start:
        if how := history.gave_up(before, after):
            verdict.counted[f"calls beside one {how}"] += 1
        else:
            verdict.blame("doubled", f"{where} began while {before.process} was in it")
    if before.outcome == "ok":
        why = _why_again(history, rows, before, after)
        if why:
            verdict.counted[f"successes done again, {why}"] += 1
        else:
            verdict.blame("doubled", f"{where} although {before.process} ended it well")


def _why_again(history: History, rows: dict[str, Row], before: Call, after: Call) -> str:
    """Return why what a function had done well may be done again; empty: for no reason."""
    row, fate = rows.get(before.run), history.fate(before.process)
    # The same run, called again, has but one outcome: the second call's.
    if row and before.run != after.run and row.status == RunStatus.SUCCEEDED:
        return ""
    if fate.killed is not None and fate.killed <= after.start:
        return "their process being killed"
    if how := history.gave_up(before, after):
        return f"each {how}"
    if fate.asked is not None and fate.code != 0:
        return "their process being cut short in its shutdown"
    if row and row.status in _GIVEN_UP:
        return "having been given up before"
    return ""


def _left(history: History, call: Call) -> float:
    """Return when the call was over, by its own word or with its process."""
    fate = history.fate(call.process)
    known = (call.end, fate.killed, fate.ended)
    return min((each for each in known if each is not None), default=float("inf"))


def _check_one_at_a_time(history: History, verdict: Verdict) -> None:
    """No two occurrences at once of a job whose policy allows one."""
    policies = {job.name: job.policy.get("overlap", "skip") for job in history.jobs}
    calls = [call for call in history.calls if policies.get(call.job) != Overlap.ALLOW]
    calls.sort(key=lambda call: (call.job, call.start))
    for before, after in pairwise(calls):
        if before.job != after.job or before.key == after.key:
            continue
        if _left(history, before) <= after.start:
            continue
        if how := history.gave_up(before, after):
            verdict.counted[f"calls beside one {how}"] += 1
        else:
            words = f"{after.key} began in {after.process} while {before.key} ran"
            verdict.blame("other", f"{before.job}: {words} in {before.process}")


def gaps_of(history: History, name: str) -> list[float]:
    """Return the seconds between consecutive starts of a job, outages of all left out."""
    starts = sorted(call.start for call in history.calls if call.job == name)
    return [
        later - sooner
        for sooner, later in pairwise(starts)
        if not any(a < later and b > sooner for a, b in history.outages)
    ]


def started_again(history: History) -> Counter[str]:
    """Count the calls by run: more than one where a process died before it was recorded."""
    return Counter(call.run for call in history.calls)
