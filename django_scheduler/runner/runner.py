"""Carries out one run: start mark, hooks, function, outcome. Nothing a job raises leaves here."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any

from .. import conf
from ..clock import Clock
from ..context import Facts as ContextFacts
from ..context import RunContext, activate
from ..exceptions import InvalidData, SchedulerError
from ..lifecycle import GivenBack, Left, Started
from ..registry import Definition, Hook
from ..states import Reason, RunStatus
from .capture import capturing
from .dispatch import Dispatch
from .functions import definition_of
from .outcome import Outcome, bounded_text, kept_result, of_error
from .reporting import Reporter
from .watch import Watch, Watched

__all__ = ["Runner"]

logger = logging.getLogger("django_scheduler.runs")


class Runner:
    """Carries out runs of one process. Safe to call from many threads at once.

    Args:
        clock: gives starts and durations.
        reporter: takes what is to be recorded.
        watch: knows which runs go on here, and passes orders to them.
    """

    def __init__(self, clock: Clock, reporter: Reporter, watch: Watch) -> None:
        self._clock = clock
        self._reporter = reporter
        self.watch = watch

    def carry_out(self, dispatch: Dispatch, *, started_at: datetime | None = None) -> None:
        """Call the run's function and report how it ended.

        ``started_at`` is the start that is on record already, as it is for a run a worker took.
        A run that may not begin any more (its stop was asked for, its owner given up) is given
        back: if this process still owns it, nobody else would ever lead it on.
        """
        if not self.watch.may_start():
            self._give_back(dispatch)
            return
        at = started_at or max(self._clock.now(), dispatch.due_at)
        context = RunContext(_context_facts(dispatch, at), self.watch.wake)
        watched = self.watch.enter(dispatch, context, at)
        try:
            if started_at is not None or self._mark_started(dispatch, watched):
                self._run(dispatch, context, watched)
            else:
                self._give_back(dispatch)
        finally:
            self.watch.leave(watched)

    def _give_back(self, dispatch: Dispatch) -> None:
        self._reporter.tell(GivenBack(**dispatch.guard, due_at=self._clock.now()))

    def _mark_started(self, dispatch: Dispatch, watched: Watched) -> bool:
        mark = Started(**dispatch.guard, at=watched.started_at, due_at=dispatch.due_at)
        if dispatch.needs_committed_start:
            return self._reporter.ask(mark)
        self._reporter.tell(mark)
        return True

    def _run(self, dispatch: Dispatch, context: RunContext, watched: Watched) -> None:
        with activate(context), capturing(conf.current().log_max_bytes) as tail:
            watched.tail = tail
            outcome = self._outcome_whatever_happens(dispatch, context)
        if watched.settle():
            self._reporter.tell(watched.finished(outcome, tail.text()))
        else:
            self._reporter.tell(Left(**dispatch.guard, at=self._clock.now()))

    def _outcome_whatever_happens(self, dispatch: Dispatch, context: RunContext) -> Outcome:
        """Return the outcome; an error of ours fails this run and not the thread it is in."""
        try:
            return self._outcome(dispatch, context)
        except BaseException as error:
            logger.exception("The run %s could not be carried out", dispatch.run_id)
            return of_error(error, context.stop_order())

    def _outcome(self, dispatch: Dispatch, context: RunContext) -> Outcome:
        try:
            definition = definition_of(dispatch.function)
            definition.check_arguments(dispatch.args, dispatch.kwargs)
        except SchedulerError as error:
            return of_error(error, None, called=False)
        return _Pipeline(definition, context).run()


def _context_facts(dispatch: Dispatch, started_at: Any) -> ContextFacts:
    return ContextFacts(
        job_name=dispatch.job_name,
        run_id=str(dispatch.run_id),
        key=dispatch.key,
        trigger=dispatch.trigger,
        attempt=dispatch.attempt,
        args=dispatch.args,
        kwargs=dispatch.kwargs,
        metadata=dispatch.metadata,
        schedule=dispatch.schedule,
        scheduled_for=dispatch.scheduled_for,
        started_at=started_at,
        missed=dispatch.missed,
        last_finished_at=dispatch.last_finished_at,
        last_success_at=dispatch.last_success_at,
    )


class _Pipeline:
    """on_start, the function, on_success or on_error, on_finally: in this order, once each."""

    def __init__(self, definition: Definition, context: RunContext) -> None:
        self._definition = definition
        self._context = context
        self._hook_errors: dict[str, str] = {}

    def run(self) -> Outcome:
        """Return how the run ended; it never raises."""
        if self._hook("on_start"):
            outcome = self._call()
            self._follow_up(outcome)
        else:
            outcome = Outcome()
            self._fail_by_hook(outcome, "on_start")
        if not self._hook("on_finally"):
            self._fail_by_hook(outcome, "on_finally")
        outcome.hook_errors = self._hook_errors
        return outcome

    def _call(self) -> Outcome:
        context, definition = self._context, self._definition
        leading = (context,) if definition.takes_context else ()
        try:
            result = definition.function(*leading, *context.args, **context.kwargs)
            if asyncio.iscoroutine(result):
                result = asyncio.run(result)
        except BaseException as error:
            self._error: BaseException | None = error
            return of_error(error, context.stop_order())
        self._error = None
        return self._success(result)

    def _success(self, result: Any) -> Outcome:
        outcome = Outcome()
        try:
            outcome.result = kept_result(result, conf.current().result_max_bytes)
        except InvalidData as problem:
            logger.warning("The result of the run was not kept. %s", problem)
        return outcome

    def _follow_up(self, outcome: Outcome) -> None:
        if outcome.status == RunStatus.SUCCEEDED:
            if not self._hook("on_success"):
                self._fail_by_hook(outcome, "on_success")
        elif outcome.status == RunStatus.FAILED:
            self._hook("on_error", self._error)
        elif outcome.status == RunStatus.STOPPED:
            self._hook("on_stop", self._error)

    def _hook(self, name: str, error: BaseException | None = None) -> bool:
        """Call the hook if there is one; return False if it failed and that counts."""
        hook = self._definition.hooks.get(name)
        if hook is None:
            return True
        try:
            self._await(hook, error)
        except BaseException as problem:
            self._hook_errors[name] = of_error(problem, None).error
            return hook.ignore_error
        return True

    def _await(self, hook: Hook, error: BaseException | None) -> None:
        answer = hook.call(self._context, error) if error is not None else hook.call(self._context)
        if asyncio.iscoroutine(answer):
            asyncio.run(answer)

    def _fail_by_hook(self, outcome: Outcome, name: str) -> None:
        if outcome.status != RunStatus.SUCCEEDED:
            return
        outcome.status, outcome.reason = RunStatus.FAILED, Reason.HOOK.value
        outcome.error = bounded_text(f"{name}: {self._hook_errors[name]}", 10_000)
