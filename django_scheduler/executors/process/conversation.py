"""The parent's side of one run: what the child says goes on record, orders reach the child.

Three threads: one that keeps the time and passes on orders, which is the pool's own, one that
listens to the child, one that takes its output. Only the first ends the child.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ... import conf, lifecycle
from ...clock import Clock
from ...context import Report
from ...exceptions import ChildDied
from ...lifecycle import Fact, Paused, Resumed
from ...runner import Reporter
from ...runner.outcome import Outcome, bounded_text, of_error
from ...runner.output import Lines
from ...runner.watch import Watched
from ...states import Reason, RunStatus
from .child_process import ChildProcess, how_it_ended
from .wire import plain, read

__all__ = ["Conversation", "Parent"]

logger = logging.getLogger("django_scheduler.runs")

FINISHING = timedelta(seconds=1)
"""What an interpreter has at least, however short the grace, to finish after its run is over."""

LOOK = 1.0
"""How often, in seconds, to look whether the child is there, should its pipe not have told."""

LOOK_SOON = 0.01
DRAIN = 1.0
"""How long, in seconds, to wait for the last words of a child that is gone. Only a process that
left its group can still hold the pipes then."""

ERROR_LENGTH = 10_000
TRACEBACK_LENGTH = 64 * 1024


@dataclass(frozen=True)
class Parent:
    """What this process is to a conversation.

    Attributes:
        grace: how long a child has to end, once it is told to stop or has told its outcome.
        wake: has what runs report written down soon.
    """

    reporter: Reporter
    clock: Clock
    grace: timedelta
    wake: Callable[[], None]


class Conversation:
    """One run in one child."""

    def __init__(self, child: ChildProcess, watched: Watched, parent: Parent) -> None:
        self._child = child
        self._watched = watched
        self._parent = parent
        self._clock = parent.clock
        self._orders = watched.context.orders
        self._stir = threading.Event()
        self._given = False
        self._silent = False
        self._stop_told = False
        self._pause_told = watched.dispatch.pause_requested
        self._held = contextlib.ExitStack()
        # Nobody can heed an order to pause before the function has begun.
        watched.asked_to_pause = None
        self._deadline: float | None = None
        self._killed = False
        self._outcome: Outcome | None = None

    def outcome(self) -> Outcome:
        """Have the run carried out and return how it ended; nothing of the child is left then."""
        threads = [threading.Thread(target=self._listen, name="scheduler-child", daemon=True)]
        if self._child.output is not None:
            threads.append(threading.Thread(target=self._drain, name="scheduler-output"))
            threads[-1].daemon = True
        self._orders.listen(self._stir.set)
        try:
            for thread in threads:
                thread.start()
            self._until_it_has_ended()
        finally:
            self._orders.unlisten(self._stir.set)
            code = self._child.end()
        for thread in threads:
            thread.join(DRAIN)
        return self._outcome or self._without_outcome(code)

    def _until_it_has_ended(self) -> None:
        while not self._child.has_ended():
            if self._given:
                self._pass_on_orders()
            self._keep_time()
            self._clock.wait(self._stir, self._pause())
            self._stir.clear()

    def _pass_on_orders(self) -> None:
        stop, pause = self._orders.to_stop, self._orders.to_pause
        if stop is not None and not self._stop_told:
            self._stop_told = True
            self._child.write({"kind": "stop", "status": stop[0].value, "reason": stop[1]})
        if pause is not self._pause_told:
            self._pause_told = pause
            self._child.write({"kind": "pause" if pause else "go_on"})

    def _keep_time(self) -> None:
        """Kill the child when it was to end and has not."""
        now = self._clock.monotonic()
        is_to_end = self._orders.to_stop or self._outcome or self._silent
        if self._deadline is None and is_to_end:
            self._deadline = now + self._grace().total_seconds()
        if self._deadline is not None and now >= self._deadline and not self._killed:
            self._killed = True
            logger.warning(
                "The child process %d did not end in time and is killed", self._child.pid
            )
            self._child.kill()

    def _grace(self) -> timedelta:
        stop = self._orders.to_stop
        if stop is None:
            return max(self._parent.grace, FINISHING)
        if stop[1] != Reason.SHUTDOWN.value:
            return self._parent.grace
        # After this budget the scheduler itself ends: what the child did must be on record by then.
        return min(self._parent.grace, 0.8 * conf.current().final_write_budget)

    def _pause(self) -> float:
        if self._silent:
            return LOOK_SOON
        if self._deadline is None or self._killed:
            return LOOK
        return min(LOOK, max(0.0, self._deadline - self._clock.monotonic()))

    def _listen(self) -> None:
        """Give the child its run, and take in what it says until it says no more."""
        try:
            with self._child.words as words:
                self._child.write(self._dispatch())
                self._given = True
                self._stir.set()
                for line in words:
                    self._take(line)
        finally:
            self._let_go()
            self._silent = True
            self._stir.set()

    def _let_go(self) -> None:
        """Let a run whose child died while it held be a running one: it has failed."""
        if self._watched.is_held:
            self._parent.reporter.tell(Resumed(**self._watched.dispatch.guard, to_end=True))
        self._held.close()

    def _dispatch(self) -> dict[str, Any]:
        return {
            "kind": "dispatch",
            "dispatch": plain(self._watched.dispatch),
            "started_at": self._watched.started_at.isoformat(),
            # Half: what is written each interval is then at most one and a half old.
            "interval": conf.current().monitor_interval.total_seconds() / 2,
        }

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            getattr(self, f"_take_{message['kind']}")(message)
        except Exception:
            logger.exception("Run %s: its child said %.200r", self._watched.dispatch.run_id, line)

    def _take_began(self, _message: dict[str, Any]) -> None:
        """Count from here how long the function takes to progress, or to heed an order to pause."""
        now = self._clock.monotonic()
        self._watched.changed = now
        if self._orders.to_pause:
            self._watched.asked_to_pause = now

    def _take_said(self, message: dict[str, Any]) -> None:
        report = read(Report, message["report"])
        said = self._watched.context.said
        news = report.data != said.report().data
        said.adopt(report)
        if news:
            self._parent.wake()

    def _take_log(self, message: dict[str, Any]) -> None:
        self._note(message["line"])

    def _take_console(self, message: dict[str, Any]) -> None:
        _print(message["text"])

    def _take_fact(self, message: dict[str, Any]) -> None:
        """Pass on what the child has to report; whoever asked gets the answer."""
        kind = getattr(lifecycle, message["name"])
        if not issubclass(kind, Fact):
            raise TypeError(kind)
        fact = read(kind, message["fields"])
        if isinstance(fact, Resumed):
            self._held.close()
        if message["id"] is None:
            self._parent.reporter.tell(fact)
            return
        answer = self._parent.reporter.ask(fact)
        if isinstance(fact, Paused) and answer:
            self._held.enter_context(self._watched.on_hold())
        self._child.write({"kind": "reply", "id": message["id"], "answer": answer})

    def _take_outcome(self, message: dict[str, Any]) -> None:
        self._held.close()
        self._outcome = read(Outcome, message["outcome"])
        self._stir.set()

    def _take_unfit(self, message: dict[str, Any]) -> None:
        error = f"The child process could not set up Django: {message['error']}"
        self._outcome = Outcome(
            RunStatus.FAILED,
            Reason.EXCEPTION.value,
            error=bounded_text(error, ERROR_LENGTH),
            traceback=bounded_text(message["traceback"], TRACEBACK_LENGTH),
            error_types=tuple(message["types"]),
        )
        self._stir.set()

    def _without_outcome(self, code: int) -> Outcome:
        if (stop := self._orders.to_stop) is not None:
            return Outcome(stop[0], stop[1])
        return of_error(
            ChildDied(f"The child process {how_it_ended(code)} before it told how the run ended."),
            None,
        )

    def _drain(self) -> None:
        """Keep what is printed with the run, and print it here as well."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        lines = Lines(self._note)
        assert self._child.output is not None
        with self._child.output as output:
            while chunk := output.read1(65536):  # type: ignore[attr-defined]
                text = decoder.decode(chunk)
                _print(text)
                lines.add(text)
        lines.flush()

    def _note(self, line: str) -> None:
        if self._watched.tail is not None:
            self._watched.tail.add(line)


def _print(text: str) -> None:
    """Print what a child prints where this process does; one that cannot must not lose the run."""
    with contextlib.suppress(Exception):
        sys.stderr.write(text)
        sys.stderr.flush()
