"""The checker of the chaos runs, given wrong histories: it must complain about each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from django_scheduler import every
from tests.concurrency.chaos.book import Book, Span
from tests.concurrency.chaos.checker import check
from tests.concurrency.chaos.history import Call, Fate, History, JobFacts, ProcessRow, Row
from tests.concurrency.chaos.sampler import Sampler

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def key(seconds: float) -> str:
    return at(seconds).isoformat().replace("+00:00", "Z")


def row(seconds: int, **fields: Any) -> Row:
    """A run of the occurrence at this second, which began and ended well."""
    values = {
        "id": f"run {seconds} {fields.get('number', 1)}",
        "job": "job",
        "key": key(seconds),
        "number": 1,
        "attempt": 1,
        "trigger": "schedule",
        "status": "succeeded",
        "reason": "",
        "missed": 0,
        "scheduled_for": at(seconds),
        "queued_at": at(seconds),
        "started_at": at(seconds + 0.01),
        "finished_at": at(seconds + 0.02),
    }
    return Row(**{**values, **fields})


def record(first: int, last: int, count: int) -> Row:
    return row(
        last,
        id=f"record {first} {last}",
        key=f"missed:{key(first)}/{key(last)}",
        status="skipped",
        missed=count,
        started_at=None,
    )


def skipped(seconds: int) -> Row:
    return row(seconds, status="skipped", reason="overlap", started_at=None)


def call(of: Row, **fields: Any) -> Call:
    """The call of a run, as a process noted it; its second is the monotonic one as well."""
    start = (of.scheduled_for - START).total_seconds() + 0.01
    values = {
        "process": "one",
        "run": of.id,
        "job": of.job,
        "key": of.key,
        "attempt": of.attempt,
        "start": start,
        "at": of.scheduled_for + 0.01 * SECOND,
        "end": start + 0.01,
        "outcome": "ok",
    }
    return Call(**{**values, **fields})


def book(until: float = 3.5) -> Book:
    """Every second, from the first one."""
    owed = Book()
    owed.open(every(seconds=1, starting=START), Span(START, START))
    owed.close(Span(at(until), at(until)))
    return owed


def history(*rows: Row, **fields: Any) -> History:
    """The history of one job that was due at the seconds 1, 2 and 3, and of one scheduler."""
    policy = {"overlap": "skip", "on_lost": "retry"}
    well = sum(each.status == "succeeded" for each in rows)
    job = JobFacts("job", book(), policy, "paused", success_count=well, failure_count=0)
    values = {
        "end": at(10),
        "jobs": [job],
        "rows": list(rows),
        "calls": [call(each) for each in rows if each.status == "succeeded"],
        "fates": {"one": Fate("one", 0.0, asked=9.0, ended=9.1, code=0)},
        "processes": [ProcessRow("1", "one", "stopped", at(9))],
    }
    return History(**{**values, **fields})


def with_job(told: History, **fields: Any) -> History:
    return replace(told, jobs=[replace(told.jobs[0], **fields)])


GOOD = history(row(1), row(2), row(3))


def kinds(told: History) -> set[str]:
    return {fault.kind for fault in check(told).faults}


def words(told: History) -> str:
    return "\n".join(str(fault) for fault in check(told).faults)


def test_a_good_history_has_no_fault():
    verdict = check(GOOD)
    assert verdict.faults == []
    assert verdict.counted["occurrences"] == 3


@pytest.mark.parametrize(
    "rows",
    [
        [row(1), skipped(2), row(3)],
        [record(1, 2, 2), row(3)],
        [row(3, missed=2)],
        [row(1), row(3, missed=1)],
        [record(1, 1, 1), row(3, missed=1)],
    ],
)
def test_each_way_to_be_on_record_is_accepted(rows):
    assert words(history(*rows)) == ""


def test_a_lost_occurrence_is_found():
    assert kinds(history(row(1), row(3))) == {"lost"}
    assert "00:00:02" in words(history(row(1), row(3)))


def test_a_lost_last_occurrence_is_found():
    assert kinds(history(row(1), row(2))) == {"lost"}


def test_a_run_that_stands_for_too_few_hides_nothing():
    assert kinds(history(row(1), row(2, missed=0), record(3, 3, 0))) == {"lost"}
    assert kinds(history(row(3, missed=1))) == {"lost"}


def test_a_run_that_stands_for_too_many_is_found():
    assert kinds(history(row(1), row(2, missed=1), row(3))) == {"other"}


def test_an_occurrence_on_record_twice_is_found():
    assert kinds(history(row(1), row(2), row(3), record(2, 2, 1))) == {"doubled"}


def test_a_second_row_of_a_job_key_and_number_is_found():
    again = row(2, id="another")
    assert "doubled" in kinds(history(row(1), row(2), again, row(3)))


def test_an_occurrence_nobody_owed_is_found():
    assert kinds(history(row(1), row(2), row(3), row(7))) == {"other"}


def test_a_run_of_an_unknown_job_is_found():
    stranger = row(1, id="stranger", job="stranger")
    assert "other" in kinds(history(row(1), row(2), row(3), stranger))


def test_what_happens_at_the_moment_of_an_order_may_be_either():
    owed = book()
    owed.stretches[-1].closes = Span(at(1.5), at(2.2))
    for rows in ([row(1)], [row(1), row(2)]):
        assert words(with_job(history(*rows), book=owed)) == ""


def test_what_a_removed_job_takes_along_without_a_word_is_found():
    assert kinds(with_job(history(row(1), row(2)), state=None)) == {"lost"}
    assert words(with_job(history(row(1), row(2), record(3, 3, 1)), state=None)) == ""


def test_an_early_start_is_found():
    early = row(2, started_at=at(1.9))
    assert kinds(history(row(1), early, row(3))) == {"early"}


def test_an_early_call_is_found_whatever_the_row_says():
    told = history(row(1), row(2), row(3))
    told.calls[1] = replace(told.calls[1], at=at(1.9))
    assert kinds(told) == {"early"}


def test_a_run_planned_for_a_time_before_its_occurrence_is_found():
    moved = row(2, scheduled_for=at(1.5))
    assert kinds(history(row(1), moved, row(3))) == {"early"}
    allowed = with_job(history(row(1), moved, row(3)), brought_forward=True)
    assert words(allowed) == ""


def test_an_overwritten_outcome_is_found():
    sampler = Sampler()
    seen = ("succeeded", "", "k", 1, 1, "schedule", 0, START, START, START, None, 1, "", None, 1)
    sampler.compare([("run", *seen)], is_all=True)
    sampler.compare([("run", *seen)], is_all=True)
    assert sampler.changed == []
    sampler.compare([("run", "failed", *seen[1:])], is_all=False)
    assert sampler.changed == ["run: status 'succeeded' became 'failed'"]
    assert kinds(replace(GOOD, changed=sampler.changed)) == {"overwritten"}


def test_a_final_row_that_vanishes_is_found():
    sampler = Sampler()
    sampler.compare([("run", *range(15))], is_all=False)
    sampler.compare([], is_all=False)
    assert sampler.changed == []
    sampler.compare([], is_all=True)
    assert len(sampler.changed) == 1


def lost_then(*, attempt: int = 2, **fields: Any) -> tuple[Row, Row]:
    """A run whose process died, and the next attempt."""
    first = row(2, status="lost", reason="worker_lost")
    later = {"queued_at": at(5), "started_at": at(5.1), "finished_at": at(5.2), **fields}
    return first, row(2, number=2, attempt=attempt, trigger="retry", **later)


def retried(**fields: Any) -> History:
    """The occurrence of the second 2 was called in a process that was killed, and once more."""
    first, second = lost_then(**fields)
    told = history(row(1), first, second, row(3))
    dead = call(first, process="dead", end=None, outcome="")
    again = call(second, start=5.1, end=5.2, at=at(5.1))
    calls = [dead, again, *(each for each in told.calls if each.key != key(2))]
    fate = Fate("dead", 0.0, killed=2.5, asked=2.5, ended=2.6, code=-9)
    return replace(told, calls=calls, fates={**told.fates, "dead": fate})


def test_a_lost_attempt_and_the_next_one_are_no_fault():
    verdict = check(retried())
    assert verdict.faults == []
    assert verdict.counted["retries"] == 1


def test_an_attempt_number_that_jumps_is_found():
    assert kinds(retried(attempt=3)) == {"other"}


def test_a_lost_attempt_without_the_next_one_is_found():
    first, _ = lost_then()
    told = history(row(1), first, row(3))
    assert kinds(with_job(told, failure_count=1)) == {"lost"}


def test_a_missing_number_of_a_chain_is_found():
    third = row(2, number=3, attempt=2, queued_at=at(5))
    told = history(row(1), lost_then()[0], third, row(3))
    assert "lost" in kinds(told)


def test_a_second_success_of_an_occurrence_is_found():
    again = row(2, number=2, attempt=2, queued_at=at(5))
    assert "doubled" in kinds(history(row(1), row(2), again, row(3)))


def test_two_calls_at_once_are_found_unless_the_first_ones_process_was_given_up():
    told = with_job(retried(), policy={"overlap": "allow"})
    fate = replace(told.fates["dead"], killed=None, ended=9.0, asked=9.0, code=0)
    beside = replace(told, fates={**told.fates, "dead": fate})
    assert kinds(beside) == {"doubled"}
    beside.processes.append(ProcessRow("2", "dead", "dead", at(4.9)))
    assert words(beside) == ""
    assert check(beside).counted["calls beside one in a process that was given up"] == 1
    assert check(beside).counted["given up although alive"] == 1
    fate.frozen.append((2.1, 6.0))
    assert check(beside).counted["given up although alive"] == 0


@pytest.mark.parametrize("lease_until", [1.5, 5.3])
def test_a_lease_that_was_over_at_another_time_excuses_nothing(lease_until):
    told = with_job(retried(), policy={"overlap": "allow"})
    fate = replace(told.fates["dead"], killed=None, ended=9.0, asked=9.0, code=0)
    told = replace(told, fates={**told.fates, "dead": fate})
    told.processes.append(ProcessRow("2", "dead", "dead", at(lease_until)))
    assert kinds(told) == {"doubled"}


def test_a_call_decided_before_a_freeze_and_made_after_it_is_excused():
    told = with_job(retried(), policy={"overlap": "allow"})
    fate = Fate("dead", 0.0, asked=9.0, ended=9.1, code=0, frozen=[(0.5, 1.9)])
    told = replace(told, fates={**told.fates, "dead": fate})
    told.processes.append(ProcessRow("2", "dead", "dead", at(1.0)))
    assert words(told) == ""
    fate.frozen[:] = [(0.5, 0.9)]
    assert kinds(told) == {"doubled"}


def test_a_success_done_again_without_a_death_is_found():
    told = retried()
    told.calls[0] = replace(told.calls[0], end=2.1, outcome="ok")
    assert words(told) == ""
    alive = Fate("dead", 0.0, asked=9.0, ended=9.1, code=0)
    assert kinds(replace(told, fates={**told.fates, "dead": alive})) == {"doubled"}


def test_a_second_call_of_what_must_not_repeat_is_found():
    told = retried()
    policy = {"overlap": "skip", "on_lost": "fail"}
    assert kinds(with_job(told, policy=policy)) == {"doubled"}


def test_two_occurrences_at_once_are_found_where_the_policy_allows_one():
    told = history(row(1), row(2), row(3))
    told.calls[0] = replace(told.calls[0], end=2.5)
    assert kinds(told) == {"other"}
    assert words(with_job(told, policy={"overlap": "allow"})) == ""


def test_a_call_without_a_row_and_a_success_without_a_call_are_found():
    told = history(row(1), row(2), row(3))
    stray = replace(told.calls[2], run="nobody's")
    assert kinds(replace(told, calls=[*told.calls[:2], stray])) == {"lost", "other"}


def test_counters_that_differ_from_the_rows_are_found():
    assert kinds(with_job(GOOD, success_count=2)) == {"miscounted"}
    assert kinds(with_job(GOOD, failure_count=1)) == {"miscounted"}


def test_an_open_run_and_a_process_that_seems_alive_are_found():
    waiting = row(3, status="queued", started_at=None, finished_at=None)
    assert kinds(history(row(1), row(2), waiting)) == {"hanging"}
    assert kinds(replace(GOOD, processes=[ProcessRow("1", "one", "running", at(9))])) == {"hanging"}


def test_a_vanished_trigger_and_a_broken_job_are_found():
    assert kinds(replace(GOOD, triggered={"m:1"})) == {"lost"}
    assert kinds(with_job(GOOD, state="broken", error="why")) == {"other"}


def test_a_scheduler_that_ends_by_itself_is_found():
    gone = Fate("one", 0.0, ended=5.0, code=1)
    assert kinds(replace(GOOD, fates={"one": gone})) == {"other"}
    cut = replace(GOOD, fates={"one": gone}, disturbed=[(4.9, 5.1)])
    assert words(cut) == ""
