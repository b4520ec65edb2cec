"""A run of chaos from its beginning to its end: jobs, faults, orders, looks, quiet, history."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from django.db import OperationalError

from django_scheduler import exceptions, jobs
from django_scheduler.clock import SystemClock
from django_scheduler.models import Process, Run
from django_scheduler.states import ALIVE, OPEN

from . import database
from .acts import People
from .crowd import Crowd
from .keeper import Orders
from .options import SETTINGS, Options
from .sampler import Sampler

BEAT = 0.02
LOOK, LOOK_AT_ALL, ACT = 0.5, 8.0, 0.4
"""Seconds between looks at recent rows, at all rows, and between orders."""

PAUSE_PATIENCE = 15.0
CALM = 100.0
"""Seconds kept for the end, of those that a run may take in all."""


class BrokenOffError(Exception):
    """The run took longer than it may."""


def with_patience(act: Callable[[], None], times: int = 5) -> None:
    """Do it; a deadlock's victim does it again."""
    for left in reversed(range(times)):
        try:
            return act()
        except OperationalError:
            if not left:
                raise


@dataclass
class Stage:
    """Everything that happens in one run, done from one thread in the order of its time."""

    options: Options
    orders: Orders
    folder: Path
    crowd: Crowd = field(init=False)
    people: People = field(init=False)
    sampler: Sampler = field(default_factory=Sampler)
    faults: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    disturbed: list[tuple[float, float]] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = SystemClock()
        self._dice = Random(self.options.seed)
        self.crowd = Crowd(Random(self.options.seed + 1))
        self.people = People(self.crowd)
        self._deadline = self.clock.monotonic() + self.options.longest
        self._next = {"look": 0.0, "look at all": 0.0, "act": 0.0}

    def play(self) -> None:
        """Play the whole run; what is wrong with it is for the checker to say."""
        everyone = self.options.schedulers
        # All at the same moment, as after a deployment.
        self.orders.give("slots", count=everyone)
        self.crowd.gather(self.options.jobs)
        self._go_on(4.0)
        self.faults = self._choose_faults()
        for number, fault in enumerate(self.faults):
            if self.clock.monotonic() > self._deadline - CALM:
                # A machine that is too slow for all of them is no fault.
                self.counted["faults left out for want of time"] = len(self.faults) - number
                break
            self._go_on(self._dice.expovariate(1 / self.options.pace))
            getattr(self, f"_{fault}")()
            if number % 50 == 49:
                said = f"{number + 1} of {len(self.faults)} faults, {self.sampler.count} runs over"
                sys.stdout.write(f"{said}\n")
                sys.stdout.flush()
        self._go_on(SETTINGS["LEASE"] + 2)
        self._calm_down()

    def _choose_faults(self) -> list[str]:
        told = self.options
        faults = (
            # One in eight kills takes two at once, so that two start at once.
            ["kill_two"] * (told.kills // 9)
            + ["kill"] * (told.kills - 2 * (told.kills // 9))
            + ["freeze"] * told.freezes
            + ["terminate"] * told.terminations
            + ["cut"] * told.cuts
            + ["outage"] * told.outages
            + ["restart"] * told.restarts
        )
        self._dice.shuffle(faults)
        return faults

    def _go_on(self, seconds: float) -> None:
        """Let time pass, with orders and looks."""
        until = self.clock.monotonic() + seconds
        while (now := self.clock.monotonic()) < until:
            self._keep_time(now)
            self._look(now)
            if now >= self._next["act"]:
                self._next["act"] = now + ACT
                self.people.act()
            self.clock.wait(threading.Event(), BEAT)

    def _look(self, now: float) -> None:
        if now >= self._next["look at all"]:
            self._next["look at all"] = now + LOOK_AT_ALL
            self.sampler.look(at_all=True)
        elif now >= self._next["look"]:
            self._next["look"] = now + LOOK
            self.sampler.look()

    def _keep_time(self, now: float) -> None:
        if now > self._deadline:
            raise BrokenOffError(f"not over after {self.options.longest:.0f} s")

    def _somebody(self, count: int = 1) -> list[int]:
        everyone = self.options.schedulers
        return self._dice.sample(range(everyone), min(count, everyone))

    def _kill(self) -> None:
        self.orders.give("kill", slots=self._somebody())

    def _kill_two(self) -> None:
        self.orders.give("kill", slots=self._somebody(2))

    def _freeze(self) -> None:
        lease = SETTINGS["LEASE"]
        is_long = self._dice.random() < 0.5
        seconds = self._dice.uniform(1.2, 2.5) * lease if is_long else self._dice.uniform(0.1, 0.5)
        self.counted["freezes longer than the lease" if is_long else "shorter freezes"] += 1
        self.orders.give("freeze", slots=self._somebody(), seconds=seconds)

    def _terminate(self) -> None:
        self.orders.give("terminate", slots=self._somebody())

    def _cut(self) -> None:
        now = self.clock.monotonic()
        if count := database.cut(self._dice):
            self.counted["connections cut"] += count
            self.disturbed.append((now - 0.1, now + 1.0))

    def _outage(self) -> None:
        """Kill all, and let nobody take their place for a while: occurrences are missed."""
        since = self.clock.monotonic()
        everyone = self.options.schedulers
        self.orders.give("kill", slots=list(range(everyone)))
        self.orders.give("slots", count=0)
        self._go_on(self._dice.uniform(1.0, 5.0))
        self.orders.give("slots", count=everyone)
        self.outages.append((since, self.clock.monotonic() + 1.0))
        self.counted["outages"] += 1

    def _restart(self) -> None:
        since = self.clock.monotonic()
        database.restart(self.options.restart_command)
        self.disturbed.append((since, self.clock.monotonic() + 2.0))
        self.outages.append((since, self.clock.monotonic() + 2.0))
        self.counted["restarts of the database"] += 1

    def _calm_down(self) -> None:
        """Pause all jobs, wait until no run is open and no dead process counts as alive, stop."""
        with_patience(self.people.resume_everything)
        for member in self.crowd.present:
            self._pause_for_good(member.name)
        self._wait_for("open runs", self.options.quiet, self._nothing_is_open)
        self._wait_for("processes that are dead", 20.0, self._nobody_dead_counts_as_alive)
        self.orders.give("stop")
        self._wait_for("schedulers to stop", 40.0, self._everybody_has_stopped)
        self.sampler.look(at_all=True)

    def _pause_for_good(self, name: str) -> None:
        member = next(each for each in self.crowd.members if each.name == name)
        if member.paused:
            return
        give_up = self.clock.monotonic() + PAUSE_PATIENCE
        while True:
            first = database.instant()
            try:
                jobs.pause(name)
            except (exceptions.InvalidRunState, OperationalError) as error:
                # The end of a pause has come and nobody has looked yet; or a deadlock's victim.
                if self.clock.monotonic() > give_up:
                    self.trouble.append(f"{name} cannot be paused: {error}")
                    return
                self._rest(0.2)
            else:
                member.book.close(database.span_since(first))
                return

    def _wait_for(self, what: str, seconds: float, question: object) -> None:
        give_up = self.clock.monotonic() + seconds
        while not question():  # type: ignore[operator]
            if self.clock.monotonic() > give_up:
                self.trouble.append(f"still waiting for {what} after {seconds:.0f} s")
                return
            self._rest(0.1)

    def _rest(self, seconds: float) -> None:
        now = self.clock.monotonic()
        self._keep_time(now)
        self._look(now)
        self.clock.wait(threading.Event(), seconds)

    @staticmethod
    def _nothing_is_open() -> bool:
        return not Run.objects.filter(status__in=[each.value for each in OPEN]).exists()

    def _nobody_dead_counts_as_alive(self) -> bool:
        return Process.objects.filter(state__in=ALIVE).count() <= self.options.schedulers

    def _everybody_has_stopped(self) -> bool:
        return not Process.objects.filter(state__in=ALIVE).exists()
