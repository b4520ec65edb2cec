"""Carries out one run: start mark, hooks, function, outcome. Nothing a job raises leaves here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from .. import conf
from ..clock import Clock
from ..context import Facts as ContextFacts
from ..context import RunContext, activate
from ..exceptions import SchedulerError
from ..lifecycle import GivenBack, Left, Resumed, Started
from .calling import take_steps
from .capture import capturing
from .dispatch import Dispatch
from .functions import definition_of
from .holding import Holding
from .outcome import Outcome, of_error
from .past import RowsOfThePast
from .pipeline import Pipeline, Steps
from .reporting import Reporter
from .watch import Watch, Watched

__all__ = ["Runner"]

logger = logging.getLogger("django_scheduler.runs")


Perform = Callable[[Watched], Outcome]


def steps_or_outcome(watched: Watched) -> Steps | Outcome:
    """Return the steps of the run; the outcome of one whose function is not known here."""
    dispatch, context = watched.dispatch, watched.context
    try:
        definition = definition_of(dispatch.function)
    except SchedulerError as error:
        return of_error(error, None, called=False)
    pipeline = Pipeline(definition, context)
    watched.in_between = pipeline.in_between
    try:
        definition.check_arguments(dispatch.args, dispatch.kwargs)
    except SchedulerError as error:
        return pipeline.steps(misfit=error)
    return pipeline.steps()


def here(watched: Watched) -> Outcome:
    """Have the run's function called in this thread."""
    steps = steps_or_outcome(watched)
    return steps if isinstance(steps, Outcome) else take_steps(steps)


def whatever_happens(perform: Perform, watched: Watched) -> Outcome:
    """Return the outcome; an error of ours fails this run and not the thread it is in."""
    try:
        return perform(watched)
    except BaseException as error:
        return trouble(watched, error)


def trouble(watched: Watched, error: BaseException) -> Outcome:
    """Return the outcome of a run that an error of ours met, and log it."""
    logger.error("The run %s could not be carried out", watched.dispatch.run_id, exc_info=error)
    return of_error(error, watched.context.orders.to_stop)


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

    def carry_out(
        self, dispatch: Dispatch, *, started_at: datetime | None = None, perform: Perform = here
    ) -> None:
        """Have the run's function called and report how it ended.

        Args:
            started_at: the start that is on record already, as it is for a run a worker took.
            perform: has the function called, and returns the outcome; by default in this thread.
        """
        watched = self.begin(dispatch, started_at=started_at)
        if watched is None:
            return
        try:
            if started_at is not None or self._mark_started(watched):
                with self.inside(watched):
                    outcome = whatever_happens(perform, watched)
                self.end(watched, outcome)
            else:
                self.give_back(dispatch)
        finally:
            self.watch.leave(watched)

    def begin(self, dispatch: Dispatch, *, started_at: datetime | None = None) -> Watched | None:
        """Return the run as it is watched from now on; None if it may not begin any more.

        A run whose stop was asked for, or whose owner was given up, is given back: if this
        process still owns it, nobody else would ever lead it on. Who was given a run to watch
        must have the watch ``leave`` it.
        """
        if not self.watch.may_start():
            self.give_back(dispatch)
            return None
        at = started_at or max(self._clock.now(), dispatch.due_at)
        context = RunContext(_facts(dispatch, at), self.watch.wake, RowsOfThePast(dispatch))
        watched = self.watch.enter(dispatch, context, at)
        context.holder = Holding(watched, self._reporter, self._clock)
        return watched

    def start_mark(self, watched: Watched) -> Started:
        """Return the fact that says that the run has begun."""
        dispatch = watched.dispatch
        return Started(**dispatch.guard, at=watched.started_at, due_at=dispatch.due_at)

    def _mark_started(self, watched: Watched) -> bool:
        mark = self.start_mark(watched)
        if watched.dispatch.needs_committed_start:
            return self._reporter.ask(mark)
        self._reporter.tell(mark)
        return True

    @contextmanager
    def inside(self, watched: Watched) -> Iterator[None]:
        """Make the run the current one in this thread or task, and keep what it logs."""
        with activate(watched.context), capturing(conf.current().log_max_bytes) as tail:
            watched.tail = tail
            yield

    def end(self, watched: Watched, outcome: Outcome) -> None:
        """Report the outcome, or, of a run that was given up, that its function has left."""
        if watched.settle():
            if watched.is_held:
                self._free_what_is_left(watched, outcome)
            log = watched.tail.text() if watched.tail else ""
            self._reporter.tell(watched.finished(outcome, log))
            return
        left = Left(**watched.dispatch.guard, at=self._clock.now(), hook_errors=outcome.hook_errors)
        self._reporter.tell(left)
        if outcome.traceback:
            # Nothing of it is kept with a run whose end is on record.
            logger.warning(
                "Run %s of %s was over already when it failed: %s",
                watched.dispatch.run_id,
                watched.dispatch.job_name,
                outcome.error,
                extra=watched.about,
            )

    def _free_what_is_left(self, watched: Watched, outcome: Outcome) -> None:
        """Have the row run, so that it can end, and the thread or task leave that still holds.

        The function has left while a thread or task that it started holds at a checkpoint.
        """
        self._reporter.tell(Resumed(**watched.dispatch.guard, to_end=True))
        watched.context.orders.end(outcome.status, outcome.reason)

    def give_back(self, dispatch: Dispatch) -> None:
        """Let others have a run that has not begun here."""
        self._reporter.tell(GivenBack(**dispatch.guard, due_at=self._clock.now()))


def _facts(dispatch: Dispatch, started_at: datetime) -> ContextFacts:
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
