"""The checker of the chaos runs, given wrong notes of functions: it must complain about each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.concurrency.chaos.checker import check
from tests.concurrency.chaos.history import Fate, ProcessRow
from tests.concurrency.histories import (
    at,
    history,
    kinds,
    retried,
    row,
    with_job,
    words,
)


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


def test_a_call_decided_within_its_lease_and_made_later_is_excused():
    told = with_job(retried(), policy={"overlap": "allow"})
    told.fates["dead"] = Fate("dead", 0.0, asked=9.0, ended=9.1, code=0)
    told.processes.append(ProcessRow("2", "dead", "dead", at(2.3)))
    told.calls[0] = replace(told.calls[0], start=2.5, at=at(2.5))
    assert words(told) == ""
    first = next(each for each in told.rows if each.status == "lost")
    told.rows[told.rows.index(first)] = replace(first, started_at=at(2.5))
    assert kinds(replace(told)) == {"doubled"}


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
