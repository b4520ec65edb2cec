"""on_start, the function, on_success or on_error, on_finally: in this order, once each.

A generator that says what is to be called next and is told what came of it. So the order is
written once, whether calls are made in a thread, in an event loop or elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import conf
from ..context import RunContext
from ..exceptions import InvalidData
from ..registry import Definition
from ..states import Reason, RunStatus
from .outcome import Outcome, bounded_text, kept_result, of_error

__all__ = ["Answer", "Call", "HookSteps", "Pipeline", "Steps", "no_hook"]

logger = logging.getLogger("django_scheduler.runs")


@dataclass(frozen=True)
class Call:
    """Call this next."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came of a call: what it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


Steps = Generator[Call, Answer, Outcome]
HookSteps = Generator[Call, Answer, bool]


def no_hook(_name: str) -> HookSteps:
    """Return no steps at all: there is no such hook, or not yet."""
    yield from ()
    return True


class Pipeline:
    """One run of a function with its hooks."""

    def __init__(self, definition: Definition, context: RunContext) -> None:
        self._definition = definition
        self._context = context
        self._hook_errors: dict[str, str] = {}
        self._error: BaseException | None = None
        self._failed_in_between = ""

    def steps(self) -> Steps:
        """Return what is to be done; the last word is the outcome. They never raise."""
        if (yield from self._hook("on_start")):
            outcome = yield from self._call()
            yield from self._follow_up(outcome)
        else:
            outcome = Outcome()
            self._fail_by_hook(outcome, "on_start")
        if not (yield from self._hook("on_finally")):
            self._fail_by_hook(outcome, "on_finally")
        outcome.hook_errors = self._hook_errors
        return outcome

    def _call(self) -> Steps:
        context, definition = self._context, self._definition
        leading = (context,) if definition.takes_context else ()
        answer = yield Call(definition.function, (*leading, *context.args), context.kwargs)
        self._error = answer.error
        if self._failed_in_between and answer.error is None:
            outcome = self._success(answer.value)
            self._fail_by_hook(outcome, self._failed_in_between)
            return outcome
        if answer.error is not None:
            return of_error(answer.error, context.orders.to_stop)
        return self._success(answer.value)

    def _success(self, result: Any) -> Outcome:
        outcome = Outcome()
        try:
            outcome.result = kept_result(result, conf.current().result_max_bytes)
        except InvalidData as problem:
            logger.warning("The result of the run was not kept. %s", problem)
        return outcome

    def _follow_up(self, outcome: Outcome) -> Generator[Call, Answer, None]:
        if outcome.status == RunStatus.SUCCEEDED:
            if not (yield from self._hook("on_success")):
                self._fail_by_hook(outcome, "on_success")
        elif outcome.status == RunStatus.FAILED:
            yield from self._hook("on_error", self._error)
        elif outcome.status == RunStatus.STOPPED:
            yield from self._hook("on_stop", self._error)

    def in_between(self, name: str) -> HookSteps:
        """Return the steps of ``on_pause`` or ``on_resume``, taken while the function holds.

        One that fails, and is not marked ``ignore_error``, fails the run once the function has
        returned: it holds and goes on as it was told to, whatever the hook makes of it.
        """
        good = yield from self._hook(name)
        if not good:
            self._failed_in_between = name
        return good

    def _hook(self, name: str, error: BaseException | None = None) -> HookSteps:
        """Call the hook if there is one; return False if it failed and that counts."""
        hook = self._definition.hooks.get(name)
        if hook is None:
            return True
        given = (self._context,) if error is None else (self._context, error)
        answer = yield Call(hook.call, given)
        if answer.error is None:
            return True
        self._hook_errors[name] = of_error(answer.error, None).error
        return hook.ignore_error

    def _fail_by_hook(self, outcome: Outcome, name: str) -> None:
        if outcome.status != RunStatus.SUCCEEDED:
            return
        outcome.status, outcome.reason = RunStatus.FAILED, Reason.HOOK.value
        outcome.error = bounded_text(f"{name}: {self._hook_errors[name]}", 10_000)
