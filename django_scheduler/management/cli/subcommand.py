"""What a sub-command is, and what it answers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Subcommand"]


@dataclass(frozen=True)
class Answer:
    """What is printed: one of the two, and then the failure if there is one.

    Attributes:
        document: for programs: texts, numbers, lists and dicts with stable keys.
        text: for people.
        failure: why the exit code is 1 although the call itself was carried out; empty: it is 0.
    """

    document: Any
    text: str
    failure: str = ""


@dataclass(frozen=True)
class Subcommand:
    """One word after ``manage.py scheduler``.

    Attributes:
        name: the word.
        help: one line for the list of sub-commands.
        add_arguments: tells the parser what else may be said.
        answer: makes the call; it may raise any ``SchedulerError``.
    """

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    answer: Callable[[Namespace], Answer]
