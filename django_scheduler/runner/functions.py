"""Finding what a run is to call: a registered function, or an allowed management command."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from .. import conf, registry
from ..exceptions import FunctionNotRegistered
from ..models.validation import COMMAND_PREFIX
from ..registry import Definition

__all__ = ["definition_of"]


def definition_of(function: str) -> Definition:
    """Return what is registered under the name; a command becomes a definition that calls it.

    Raises:
        FunctionNotRegistered: neither is there, or the command is not allowed (any more).
    """
    if not function.startswith(COMMAND_PREFIX):
        return registry.get(function)
    command = function[len(COMMAND_PREFIX) :]
    if command not in conf.current().commands_allowed:
        raise FunctionNotRegistered(
            f"The command {command!r} is not in DJANGO_SCHEDULER['COMMANDS_ALLOWED'].",
            field="function",
        )

    def call(*args: Any, **kwargs: Any) -> None:
        call_command(command, *args, **kwargs)

    return Definition(function, call)
