"""What breaks a promise of the semantics, found in what a run of chaos left behind.

Pure: it reads a `History` and touches neither a database nor a clock. What the semantics permit (a
function called again because its process died) is counted and is no fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from django_scheduler.policies import OnLost, Retry
from django_scheduler.states import FINAL, RunStatus

from .coverage import MANUAL, MISSED, check_occurrences, instant_of
from .effects_check import check_calls
from .history import History, JobFacts, Row
from .verdict import Verdict

FAILURES = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED, RunStatus.LOST})
MOST_LOSSES = 5
"""How often a run without a retry policy is begun again after its process died."""


def check(history: History) -> Verdict:
    """Return what was found wrong, and what was counted."""
    verdict = Verdict()
    for one in CHECKS:
        one(history, verdict)
    return verdict


def _check_rows_are_unique(history: History, verdict: Verdict) -> None:
    made = Counter((row.job, row.key, row.number) for row in history.rows)
    for (job, key, number), count in made.items():
        if count > 1:
            verdict.blame("doubled", f"{job} {key} #{number}: {count} rows")


def _check_everything_is_over(history: History, verdict: Verdict) -> None:
    for row in history.rows:
        verdict.counted[f"runs {row.status}"] += 1
        if row.status not in FINAL:
            verdict.blame("hanging", f"{row.job} {row.key} #{row.number} is {row.status}")
    for process in history.processes:
        verdict.counted[f"processes {process.state}"] += 1
        if process.state not in ("stopped", "dead"):
            verdict.blame("hanging", f"the process {process.name} is {process.state}")


def _check_nothing_was_overwritten(history: History, verdict: Verdict) -> None:
    verdict.counted["overwritten"] += len(history.changed)
    for words in history.changed:
        verdict.blame("overwritten", words)


def _check_nothing_was_early(history: History, verdict: Verdict) -> None:
    forward = {job.name for job in history.jobs if job.brought_forward}
    for row in history.rows:
        if row.started_at is not None and row.started_at < row.scheduled_for:
            early = row.scheduled_for - row.started_at
            verdict.blame("early", f"{row.job} {row.key} #{row.number} began {early} too early")
        is_plain = not row.key.startswith((MANUAL, MISSED))
        if is_plain and row.job not in forward and row.scheduled_for != instant_of(row.key):
            verdict.blame("early", f"{row.job} {row.key} is scheduled for {row.scheduled_for}")


def _check_chains(history: History, verdict: Verdict) -> None:
    """Each attempt follows the one before it, and the last one is a reason to end."""
    jobs = {job.name: job for job in history.jobs}
    for (name, key), rows in history.chains().items():
        where = f"{name} {key}"
        if [row.number for row in rows] != list(range(1, len(rows) + 1)):
            numbers = [row.number for row in rows]
            verdict.blame("lost", f"{where}: rows {numbers}")
        successes = [row for row in rows if row.status == RunStatus.SUCCEEDED]
        if len(successes) > 1 or (successes and successes[0] is not rows[-1]):
            verdict.blame("doubled", f"{where}: {[row.status for row in rows]}")
        for before, after in pairwise(rows):
            _check_follows(before, after, where, verdict)
        job = jobs.get(name)
        if job is not None and not job.is_removed and _is_unfinished(job, rows[-1]):
            words = f"attempt {rows[-1].attempt} {rows[-1].status} {rows[-1].reason}"
            verdict.blame("lost", f"{where} ended with {words}, another one is owed")


def _check_follows(before: Row, after: Row, where: str, verdict: Verdict) -> None:
    verdict.counted["retries"] += 1
    burned = 0 if before.status == RunStatus.STOPPED else 1
    if after.attempt != before.attempt + burned:
        verdict.blame("other", f"{where}: attempt {after.attempt} after {before.attempt}")
    if before.finished_at is None or after.queued_at < before.finished_at - timedelta(seconds=1):
        verdict.blame("other", f"{where} #{after.number} was made before #{before.number} ended")


def _is_unfinished(job: JobFacts, last: Row) -> bool:
    """Whether the job's policies promise another attempt after this one."""
    may_repeat = job.policy.get("on_lost", "retry") == OnLost.RETRY
    if last.stop_requested:
        return False
    if last.status == RunStatus.STOPPED:
        return may_repeat and last.reason == "shutdown"
    retry = Retry.of(job.policy.get("retry"))
    most = retry.max_attempts if retry else None
    if last.status == RunStatus.LOST:
        return may_repeat and last.attempt < (most or MOST_LOSSES)
    is_tried = last.status in (RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED)
    return is_tried and most is not None and last.attempt < most


def _check_counters(history: History, verdict: Verdict) -> None:
    """A success counts once, and so does a chain that failed."""
    successes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for (name, _), rows in history.chains().items():
        successes[name] += sum(row.status == RunStatus.SUCCEEDED for row in rows)
        failures[name] += rows[-1].status in FAILURES
    for job in history.jobs:
        if job.is_removed:
            continue
        told = (job.success_count, job.failure_count)
        found = (successes[job.name], failures[job.name])
        if told != found:
            words = f"{job.name} says {told} successes and failures, its rows say {found}"
            verdict.blame("miscounted", words)


def _check_jobs_are_well(history: History, verdict: Verdict) -> None:
    for job in history.jobs:
        if job.state == "broken":
            verdict.blame("other", f"{job.name} is broken: {job.error}")


def _check_triggers(history: History, verdict: Verdict) -> None:
    found = {row.key for row in history.rows}
    verdict.counted["triggers"] += len(history.triggered)
    for key in sorted(history.triggered - found):
        verdict.blame("lost", f"the triggered run {key} is nowhere on record")


def _check_processes(history: History, verdict: Verdict) -> None:
    """Every process ended because it was told to, and by the code that says how."""
    for fate in history.fates.values():
        _count_fate(history, verdict, fate.name)
    for words in history.trouble:
        verdict.blame("other", words)


def _count_given_up(history: History, verdict: Verdict) -> None:
    """Count the processes given up that were neither killed nor frozen: their beats came late.

    It costs attempts and breaks no promise, but a machine that keeps up has none.
    """
    dead = Counter(each.name for each in history.processes if each.state == "dead")
    for name, count in dead.items():
        fate = history.fate(name)
        cut_short = fate.killed is not None or fate.code not in (0, None)
        still = fate.frozen + fate.starved
        excused = cut_short + sum(until - since > 1 for since, until in still)
        verdict.counted["given up although alive"] += max(0, count - excused)


def _count_fate(history: History, verdict: Verdict, name: str) -> None:
    fate = history.fates[name]
    counted = verdict.counted
    counted["schedulers started"] += 1
    counted["freezes"] += len(fate.frozen)
    counted["times a scheduler had no turn for a second"] += len(fate.starved)
    counted["kills"] += fate.killed is not None
    counted["stopped in order"] += fate.asked is not None and fate.code == 0
    if fate.killed is not None or fate.ended is None:
        return
    if fate.asked is not None:
        if fate.code == 3:
            counted["stopped with outcomes unwritten"] += 1
        # Before the command has set its handlers, a signal ends the process as it ends any other.
        elif fate.code not in (0, -15):
            verdict.blame("other", f"{name} was asked to stop and ended with code {fate.code}")
    elif any(a <= fate.ended and b >= fate.born for a, b in history.disturbed):
        counted["ended by themselves without a database"] += 1
    else:
        verdict.blame("other", f"{name} ended by itself with code {fate.code}")


CHECKS: tuple[Callable[[History, Verdict], None], ...] = (
    check_occurrences,
    _check_rows_are_unique,
    _check_everything_is_over,
    _check_nothing_was_overwritten,
    _check_nothing_was_early,
    _check_chains,
    _check_counters,
    _check_jobs_are_well,
    _check_triggers,
    check_calls,
    _check_processes,
    _count_given_up,
)
