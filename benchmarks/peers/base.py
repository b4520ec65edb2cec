"""What is asked of each peer, and what it needs to be told."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone

__all__ = ["Peer", "django_ready"]


class Peer:
    """One scheduler. Methods that a peer has no way to do raise NotImplementedError."""

    package = ""
    setup = ""
    """In words: how it is run here."""

    apps: tuple[str, ...] = ()
    grid = True
    """Whether a one-second job keeps to seconds since its begin, or counts from its last run."""

    def prepare(self) -> None:
        """Make the tables."""
        django_ready()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)

    def due(self, count: int, at: datetime) -> None:
        """Store jobs that are due at one instant."""
        raise NotImplementedError

    def far(self, count: int) -> None:
        """Store jobs that are due in a year at the earliest."""
        raise NotImplementedError

    def each_second(self, count: int) -> None:
        """Store jobs of every second, spread over it where that is possible."""
        raise NotImplementedError

    def edit(self) -> None:
        """Change the first of the far jobs, past the running scheduler, to be due now."""
        raise NotImplementedError

    def schedulers(self) -> list[list[str]]:
        """Return the commands of one scheduler; with two of them, all are started twice."""
        return [[sys.executable, "-m", self.__module__]]

    def workers(self) -> list[list[str]]:
        """Return the commands of what carries jobs out, if that is another process."""
        return []


def django_ready() -> None:
    """Set Django up."""
    import django

    django.setup()


def prefix() -> str:
    """Return what keys of shared servers begin with."""
    return os.environ["BENCHMARK_PREFIX"]


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(timezone.utc)
