"""What people do meanwhile: trigger, pause, resume, edit, bring forward, skip, remove, add, stop.

Each act asks the database's clock before and after, so that the book knows between which instants
it took effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import OperationalError

from django_scheduler import exceptions, jobs, runs
from django_scheduler.clock import SystemClock
from django_scheduler.models import Run
from django_scheduler.states import OPEN

from . import database
from .book import Span
from .crowd import SCHEDULES, Crowd, Member

ALL_PAUSED = 1.5
"""Seconds for which everything is paused."""

SLACK = timedelta(seconds=3)
"""How far ahead of an order the occurrences lie that it may have dealt with."""


class _Spanned:
    """The instants an act took effect between, known after its block."""

    span: Span


@contextmanager
def _spanning() -> Iterator[_Spanned]:
    found = _Spanned()
    first = database.instant()
    yield found
    found.span = Span(first, database.instant())


class People:
    """Those who act, with the dice of the crowd."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._dice = crowd.dice
        self._clock = SystemClock()
        self.triggered: set[str] = set()
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self.nobody_ran: list[tuple[float, float]] = []
        """When everything was paused, in monotonic seconds."""
        self._all_paused_at: float | None = None

    def act(self) -> None:
        """Do one thing by the dice; what the product refuses is not done, nor what fails."""
        if self._all_paused_at is not None:
            # What else is ordered meanwhile would take effect nobody knows when.
            if self._clock.monotonic() - self._all_paused_at > ALL_PAUSED:
                self.resume_everything()
            return
        deed = self._dice.choices(list(_DEEDS), list(_DEEDS.values()))[0]
        try:
            deed(self)
            self.done[deed.__name__.strip("_").replace("_", " ")] += 1
        except (exceptions.InvalidRunState, exceptions.RunAlreadyActive):
            self.done["refused"] += 1
        except OperationalError as error:
            # A deadlock's victim: its transaction was rolled back as a whole.
            self.done[f"failed: {type(error.__cause__).__name__}"] += 1
            self.failures.append(str(error))

    def _someone(self, *, paused: bool = False) -> Member | None:
        now = self._clock.monotonic()
        free = [
            each
            for each in self._crowd.present
            if not each.is_steady and each.busy_until < now and each.paused == paused
        ]
        return self._dice.choice(free) if free else None

    def _trigger(self) -> None:
        member = self._someone(paused=self._dice.random() < 0.1)
        if member is not None:
            self.triggered.add(jobs.trigger(member.name).key)

    def _pause(self) -> None:
        member = self._someone()
        if member is None:
            return
        span = self._dice.choice([None, None, 1, 3])
        with _spanning() as order:
            until = None if span is None else database.instant() + timedelta(seconds=span)
            try:
                jobs.pause(member.name, until=until)
            except exceptions.InvalidJob:
                return  # so slow that the end had come before the beginning
        member.book.close(order.span)
        if until is None:
            member.paused = True
        else:
            member.book.open(jobs.get(member.name).parsed_schedule(), Span(until, until))
            member.busy_until = self._clock.monotonic() + span + 8

    def _resume(self) -> None:
        member = self._someone(paused=True)
        if member is not None:
            self.resume(member, self._dice.choice(["next", "next", "latest", "all"]))

    def resume(self, member: Member, mode: str) -> None:
        """Let a paused job go on."""
        with _spanning() as order:
            job = jobs.resume(member.name, mode=mode)
        member.paused = False
        if mode == "next":
            member.book.open(job.parsed_schedule(), order.span)
        else:
            member.book.reopen()

    def _edit_schedule(self) -> None:
        member = self._someone()
        if member is None or not member.book.tracked:
            return
        text = self._dice.choice(SCHEDULES)
        if text == jobs.get(member.name).schedule:
            return
        with _spanning() as order:
            job = jobs.update(member.name, schedule=text, timezone="UTC")
        member.book.open(job.parsed_schedule(), order.span)

    def _edit_fields(self) -> None:
        member = self._someone()
        if member is not None:
            jobs.update(member.name, priority=self._dice.randrange(9), description="edited")

    def _bring_forward(self) -> None:
        member = self._someone()
        if member is None:
            return
        member.brought_forward = True
        with _spanning() as order:
            jobs.run_within(member.name, self._dice.choice([0, 0.1, 0.5]))
        self._deal_ahead(member, order.span)

    def _skip_next(self) -> None:
        member = self._someone()
        if member is None:
            return
        with _spanning() as order:
            jobs.skip_next(member.name)
        self._deal_ahead(member, order.span)

    def _deal_ahead(self, member: Member, span: Span) -> None:
        """Note that what comes next may be dealt with before its time."""
        schedule = jobs.get(member.name).parsed_schedule()
        if member.book.tracked:
            following = schedule.upcoming(span.first, 20)
            member.book.ahead.update(each for each in following if each <= span.last + SLACK)
            member.book.ahead.update(following[:2])

    def _replace_member(self) -> None:
        """Remove a job and make another."""
        member = self._someone(paused=self._dice.random() < 0.3)
        if member is None or not member.book.tracked:
            return
        how = self._dice.choice(["leave", "leave", "stop"])
        first = database.instant()
        try:
            jobs.remove(member.name, running=how, timeout=2)
        except TimeoutError:
            self.done["removals not waited for to the end"] += 1
        finally:
            member.removed = not jobs.all().filter(name=member.name).exists()
            if member.removed:
                member.book.close(Span(first, database.instant()))
        self._crowd.invite()

    def _pause_everything(self) -> None:
        now = self._clock.monotonic()
        if any(each.busy_until > now for each in self._crowd.present):
            return  # a pause that ends by itself meanwhile would leave open what is owed
        with _spanning() as order:
            jobs.pause_all("chaos")
        self._all_paused_at = now
        for member in self._awake():
            member.book.close(order.span)

    def resume_everything(self) -> None:
        """Lift the pause of everything, if there is one."""
        if self._all_paused_at is None:
            return
        with _spanning() as order:
            jobs.resume_all()
        for member in self._awake():
            member.book.open(jobs.get(member.name).parsed_schedule(), order.span)
        self.nobody_ran.append((self._all_paused_at, self._clock.monotonic()))
        self._all_paused_at = None

    def _awake(self) -> list[Member]:
        return [each for each in self._crowd.present if not each.paused]

    def _stop_a_run(self) -> None:
        found = list(Run.objects.filter(status__in=[each.value for each in OPEN])[:20])
        if found:
            runs.stop(self._dice.choice(found))


_DEEDS: dict[Callable[[People], None], int] = {
    People._trigger: 10, People._pause: 4, People._resume: 5, People._edit_schedule: 4,
    People._edit_fields: 3, People._bring_forward: 4, People._skip_next: 2,
    People._replace_member: 2, People._stop_a_run: 4, People._pause_everything: 1,
}  # fmt: skip
"""What may be done, and how often beside the others."""
