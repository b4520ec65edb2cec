"""The jobs of a run: some steady ones that nobody touches, and many whose policies are diced."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from django_scheduler import jobs
from django_scheduler.models import Job

from .book import Book, Span

SCHEDULES = (
    "@every 1s", "@every 1s", "@every 2s", "@every 3s",
    "* * * * * *", "*/2 * * * * *", "1-59/3 * * * * *", "0,7,13,29,31,44,58 * * * * *",
)  # fmt: skip
"""What a diced job may have; an edit chooses another one."""

DELAY = "@every 1s after finish"
_DICED: dict[str, tuple[Any, ...]] = {
    "overlap": ("allow", "allow", "skip", "skip", "queue", "queue_all", "replace"),
    "catch_up": ("latest", "all", "skip"),
    "catch_up_limit": (None, None, 3),
    "misfire_grace": (None, 0, 0.5, 2),
    "on_lost": ("retry", "retry", "fail"),
    "priority": (0, 0, 1, 5, -3),
    "buffer_limit": (2, 10),
    "start_deadline": (None, None, None, 4),
    "timezone": ("UTC", "Europe/Paris"),
    "timeout": (None, None, None, 1.5),
    "jitter": (None, None, None, 0.3),
}
_RETRIES = (
    None,
    None,
    {"max_attempts": 3, "delay": 1, "jitter": 0.3},
    {"max_attempts": 2, "delay": 1},
)
_WORK = (
    {}, {}, {}, {"fail": 20}, {"fail": 50}, {"seconds": 0.2}, {"seconds": 0.2, "fail": 20},
    {"seconds": 1.2}, {"seconds": 3.0}, {"seconds": 2.0, "deaf": True},
)  # fmt: skip
_STEADY = {"catch_up": "all", "priority": 1}


@dataclass
class Member:
    """A job, what it owes, and when somebody may touch it.

    Attributes:
        busy_until: monotonic time before which no order is given, as a pause is to end by itself.
        paused: the way it was paused and not resumed yet: by hand, or not.
    """

    name: str
    book: Book
    policy: dict[str, Any]
    is_steady: bool = False
    busy_until: float = 0.0
    paused: bool = False
    brought_forward: bool = False
    removed: bool = False


@dataclass
class Crowd:
    """All jobs ever made, and the dice."""

    dice: Random
    members: list[Member] = field(default_factory=list)

    @property
    def present(self) -> list[Member]:
        """Those that were not removed."""
        return [each for each in self.members if not each.removed]

    def gather(self, count: int) -> None:
        """Make the steady ones, and so many others."""
        for number in range(3):
            self._add(f"steady {number}", "@every 1s", {**_STEADY, "overlap": "allow"}, {})
        self._add("steady and alone", "@every 1s", {**_STEADY, "overlap": "skip"}, {})
        for member in self.members:
            member.is_steady = True
        for each in ("retry", "fail"):
            self._add(
                f"delay {each}", DELAY, {"overlap": "skip", "on_lost": each}, {"seconds": 0.1}
            )
        for _ in range(count):
            self.invite()

    def invite(self) -> Member:
        """Make one more job, by the dice."""
        policy = {name: self.dice.choice(values) for name, values in _DICED.items()}
        # What must never be called twice for one occurrence has no retries.
        policy["retry"] = self.dice.choice(_RETRIES) if policy["on_lost"] == "retry" else None
        schedule = self.dice.choice(SCHEDULES)
        if schedule.startswith("@"):
            policy["timezone"] = "UTC"
        work = dict(self.dice.choice(_WORK))
        return self._add(f"job {len(self.members)}", schedule, policy, work)

    def _add(
        self, name: str, schedule: str, policy: dict[str, Any], work: dict[str, Any]
    ) -> Member:
        job = jobs.add(name, function="chaos.work", schedule=schedule, kwargs=work, **policy)
        member = Member(name, _book(job), policy)
        self.members.append(member)
        return member


def _book(job: Job) -> Book:
    """Begin a job's book: it owes nothing from before its creation."""
    schedule = job.parsed_schedule()
    book = Book(tracked=not schedule.fixed_delay, jitter=job.jitter or timedelta(0))
    book.open(schedule, Span(job.created_at, job.created_at))
    return book
