"""Duties that one process does for all: one at a time, and the next one if it fails (W4)."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connections

from django_scheduler.engine.maintenance import Maintenance
from django_scheduler.engine.share import Share
from django_scheduler.engine.turns import take_turn, turn_of
from django_scheduler.models.vendors import prepare_session

EVERY = timedelta(seconds=10)


def _take(clock, name="sweep"):
    return take_turn(name, EVERY, clock.now(), "default")


def test_one_turn_an_interval(scheduler_clock, db):
    assert _take(scheduler_clock)
    scheduler_clock.advance(5)
    assert not _take(scheduler_clock)
    scheduler_clock.advance(5)
    assert _take(scheduler_clock)


def test_each_duty_has_turns_of_its_own(scheduler_clock, db):
    assert _take(scheduler_clock)
    assert _take(scheduler_clock, "another")


def test_a_clock_that_was_set_back_does_not_suspend_a_duty(scheduler_clock, db):
    assert _take(scheduler_clock)
    assert take_turn("sweep", EVERY, scheduler_clock.now() - timedelta(hours=1), "default")


def test_who_fails_gives_the_turn_to_the_next(scheduler_clock, db):
    with (
        pytest.raises(RuntimeError, match="half-way"),
        turn_of("sweep", EVERY, scheduler_clock.now(), "default") as mine,
    ):
        assert mine
        raise RuntimeError("half-way")
    assert _take(scheduler_clock)


def test_who_fails_out_of_turn_gives_nothing_away(scheduler_clock, db):
    assert _take(scheduler_clock)
    with (
        pytest.raises(RuntimeError, match="half-way"),
        turn_of("sweep", EVERY, scheduler_clock.now(), "default") as mine,
    ):
        assert not mine
        raise RuntimeError("half-way")
    assert not _take(scheduler_clock)


def test_who_dies_half_way_is_followed_an_interval_later(scheduler_clock, db):
    turn_of("sweep", EVERY, scheduler_clock.now(), "default").__enter__()  # and never again
    scheduler_clock.advance(10)
    assert _take(scheduler_clock)


def test_two_processes_mend_once_an_interval(scheduler_clock, db, monkeypatch):
    rounds = []
    monkeypatch.setattr(Maintenance, "_mend", lambda self, signs: rounds.append(self))
    two = [Maintenance(scheduler_clock, {}, Share(), "default", lambda: 0.0) for _ in range(2)]
    for _ in range(3):
        for maintenance in two:
            maintenance.do_what_is_due(uuid.uuid4(), ())
        scheduler_clock.advance(10)
    assert len(rounds) == 3


@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_one_has_the_turn(scheduler_clock):
    rounds, together = 8, threading.Barrier(4)
    won: list[tuple[int, bool]] = []

    def ask() -> None:
        prepare_session("default")
        try:
            for number in range(rounds):
                together.wait(20)
                at = scheduler_clock.now() + number * EVERY
                won.append((number, take_turn("sweep", EVERY, at, "default")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(number for number, mine in won if mine) == list(range(rounds))
    assert len(won) == 4 * rounds
