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
from ..exceptions import InvalidData, RunStopped
from ..registry import Definition
from ..states import Reason, RunStatus
from .outcome import ERROR_LENGTH, Outcome, bounded_text, kept_result, message_of, of_error

__all__ = ["Answer", "Call", "HookSteps", "Pipeline", "Steps", "no_hook"]

logger = logging.getLogger("django_scheduler.runs")

FOLLOWING = {
    RunStatus.SUCCEEDED: "on_success",
    RunStatus.FAILED: "on_error",
    RunStatus.TIMED_OUT: "on_error",
    RunStatus.INTERRUPTED: "on_error",
    RunStatus.STOPPED: "on_stop",
}
"""Which hook follows a function that ended so. None follows ``SkipRun``: nothing was done."""


@dataclass(frozen=True)
class Call:
    """Call this next."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    may_be_cut_short: bool = False
    """Whether it may be broken off when the run is to end: the function may, no hook may."""


@dataclass(frozen=True)
class Answer:
    """What came of a call: what it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


Steps = Generator[Call, Answer, Outcome]
HookSteps = Generator[Call, Answer, "BaseException | None"]


def no_hook(_name: str) -> HookSteps:
    """Return no steps at all: there is no such hook, or not yet."""
    yield from ()
    return None


class Pipeline:
    """One run of a function with its hooks."""

    def __init__(self, definition: Definition, context: RunContext) -> None:
        self._definition = definition
        self._context = context
        self._hook_errors: dict[str, str] = {}
        self._error: BaseException | None = None
        self._failed_in_between: tuple[str, BaseException] | None = None

    def steps(self, misfit: BaseException | None = None) -> Steps:
        """Return what is to be done; the last word is the outcome. They never raise.

        Args:
            misfit: why the function cannot be called with this run's arguments; it is not then.
        """
        if misfit is not None:
            self._error, outcome = misfit, of_error(misfit, None, called=False)
            yield from self._follow_up(outcome)
        elif (failure := (yield from self._hook("on_start"))) is None:
            outcome = yield from self._call()
            yield from self._follow_up(outcome)
            if self._failed_in_between is not None:
                self._fail_by_hook(outcome, *self._failed_in_between)
        else:
            outcome = Outcome()
            self._fail_by_hook(outcome, "on_start", failure)
        if (failure := (yield from self._hook("on_finally"))) is not None:
            self._fail_by_hook(outcome, "on_finally", failure)
        self._keep_state()
        outcome.hook_errors = self._hook_errors
        return outcome

    def _keep_state(self) -> None:
        """Keep the state as it is at the end, if it can be: what was kept before stays else."""
        try:
            self._context.keep_state()
        except InvalidData as problem:
            logger.warning("The state at the end of the run was not kept. %s", problem)

    def _call(self) -> Steps:
        """Have the function called, unless the run is to end already."""
        context, definition = self._context, self._definition
        early = context.orders.as_error()
        if early is not None:
            return self._judged(Answer(error=early))
        leading = (context,) if definition.takes_context else ()
        answer = yield Call(
            definition.function,
            (*leading, *context.args),
            context.kwargs,
            may_be_cut_short=True,
        )
        return self._judged(answer)

    def _judged(self, answer: Answer) -> Outcome:
        """Return the outcome as it will be recorded, so that the hooks go by the record."""
        orders = self._context.orders
        self._error = answer.error
        if answer.error is None:
            outcome = self._success(answer.value)
        else:
            outcome = of_error(answer.error, orders.to_stop)
        verdict = orders.verdict
        if verdict is not None:
            outcome.status, outcome.reason = verdict
            self._error = self._as_ordered(answer.error)
            if not outcome.error and outcome.status != RunStatus.STOPPED:
                outcome.error = message_of(self._error)
        return outcome

    def _as_ordered(self, error: BaseException | None) -> BaseException:
        """Return the order as an error; what the function raised of its own is its cause."""
        ordered = self._context.orders.as_error()
        assert ordered is not None
        if error is not None and type(error) is type(ordered):
            return error
        ordered.__cause__ = error
        return ordered

    def _success(self, result: Any) -> Outcome:
        outcome = Outcome()
        try:
            outcome.result = kept_result(result, conf.current().result_max_bytes)
        except InvalidData as problem:
            logger.warning("The result of the run was not kept. %s", problem)
        return outcome

    def _follow_up(self, outcome: Outcome) -> Generator[Call, Answer, None]:
        name = FOLLOWING.get(outcome.status)
        if name is None:
            return
        error = None if name == "on_success" else self._error
        failure = yield from self._hook(name, error)
        if failure is not None:
            self._fail_by_hook(outcome, name, failure)

    def in_between(self, name: str) -> HookSteps:
        """Return the steps of ``on_pause`` or ``on_resume``, taken while the function holds.

        One that fails, and is not marked ``ignore_error``, fails the run once the function has
        returned: it holds and goes on as it was told to, whatever the hook makes of it.
        """
        failure = yield from self._hook(name)
        if failure is not None:
            self._failed_in_between = name, failure
        return failure

    def _hook(self, name: str, error: BaseException | None = None) -> HookSteps:
        """Call the hook if there is one; return its error if it failed and that counts."""
        hook = self._definition.hooks.get(name)
        if hook is None:
            return None
        answer = yield Call(hook.call, hook.arguments(self._context, error))
        if answer.error is None:
            return None
        self._hook_errors[name] = message_of(answer.error)
        about = {"job": self._context.job_name, "run_id": self._context.run_id}
        # Of a run that was given up meanwhile nothing else may tell; and no traceback is kept.
        logger.warning("The hook %s failed", name, exc_info=answer.error, extra=about)
        return None if hook.ignore_error else answer.error

    def _fail_by_hook(self, outcome: Outcome, name: str, failure: BaseException) -> None:
        """Let a run that had succeeded fail; one that had ended otherwise keeps its own end."""
        if outcome.status != RunStatus.SUCCEEDED:
            return
        order = self._context.orders.to_stop
        if order is not None and isinstance(failure, RunStopped):
            # It left at a checkpoint because the run is to end, as the function might have.
            outcome.status, outcome.reason = order
            return
        blamed = of_error(failure, None)
        outcome.status, outcome.reason = RunStatus.FAILED, Reason.HOOK.value
        outcome.error = bounded_text(f"{name}: {self._hook_errors[name]}", ERROR_LENGTH)
        outcome.traceback, outcome.error_types = blamed.traceback, blamed.error_types
