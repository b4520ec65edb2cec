"""The checker of the chaos runs, given rows of wrong histories: it must complain about each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.concurrency.chaos.book import Span
from tests.concurrency.chaos.checker import check
from tests.concurrency.chaos.history import Fate, ProcessRow
from tests.concurrency.chaos.sampler import Sampler
from tests.concurrency.histories import (
    GOOD,
    START,
    at,
    book,
    history,
    kinds,
    lost_then,
    record,
    retried,
    row,
    skipped,
    with_job,
    words,
)


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
