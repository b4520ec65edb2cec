"""One turn of the loop: write what came back, claim what is due, hand it out."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import DatabaseError, DataError, IntegrityError, transaction

from .. import lifecycle
from ..clock import Clock
from ..executors import Executor
from ..lifecycle import Applied, Draft, Finished, GivenBack, Published, Started
from ..models import Run
from ..models.vendors import read_now
from ..runner import Dispatch, Membership
from ..runner.reporting import tell_recorded
from ..states import Reason, RunStatus
from .ahead import Ahead
from .claiming import NOTHING, PATIENCE, Claimed, Claims
from .outbox import Letter, Outbox
from .steadiness import Steadiness
from .unwritten import Portions, announce

__all__ = ["Turn"]

logger = logging.getLogger("django_scheduler.engine")


class Turn:
    """The tick of one process. Its methods belong to the database thread."""

    def __init__(
        self,
        membership: Membership,
        clock: Clock,
        executors: Mapping[str, Executor],
        ahead: Ahead,
        claims: Claims,
        *,
        using: str,
        batch: int,
        poll_interval: timedelta,
        on_refused: Callable[[Mapping[uuid.UUID, int]], None],
    ) -> None:
        self._membership = membership
        self._clock = clock
        self._executors = executors
        self._ahead = ahead
        self._claims = claims
        self._using = using
        self._batch = batch
        self._poll_interval = poll_interval
        self._on_refused = on_refused
        self._steadiness = Steadiness(clock)
        self._look_at = clock.monotonic()
        self._told_to_look = threading.Event()
        self._outbox: Outbox | None = None
        self._portions = Portions(clock, batch)
        self.was_blind = False
        """Whether the last turn could not claim: its lease was not safe, or the clock jumped."""
        self.held: dict[uuid.UUID, str] = {}
        """The runs this process knows it owns, with their executors; compared with the database
        now and then."""

    def free_slots(self) -> dict[str, int]:
        """Return how many runs each executor could begin now, or in a moment."""
        return self._claims.free_slots()

    def only_until(self, moment: datetime) -> None:
        """From now on claim nothing that falls due after ``moment``."""
        self._claims.only_until(moment)

    def sees_due(self, moment: datetime) -> bool:
        """Look whether something has been due since ``moment`` and could be claimed."""
        return self._claims.is_due(self._claims.look(), by=moment)

    def look_soon(self) -> None:
        """Look for what is due in the next turn: something may have become so. From any thread."""
        self._told_to_look.set()

    def listen_to(self, outbox: Outbox) -> None:
        """Take facts from ``outbox`` from now on."""
        self._outbox = outbox

    def take(self, *, claim: bool = True) -> timedelta:
        """Do one turn and return how long to wait before the next.

        Raises:
            DatabaseError: nothing was written; the facts are kept for the next turn.
        """
        assert self._outbox is not None
        self._prepare(self._outbox)
        self.was_blind = not self._membership.is_safe()
        claim = claim and not self.was_blind
        if self._portions.are_on:
            return self._take_apart(self._outbox, claim)
        letters = self._outbox.take(self._batch)
        try:
            claimed, deferred = self._write_and_claim(letters, claim)
        except (DataError, IntegrityError):
            self._one_by_one(letters)
            return NOTHING
        except DatabaseError as error:
            self._keep(letters, error, self._outbox)
            raise
        except Exception:
            if not letters:
                raise
            self._one_by_one(letters)
            return NOTHING
        self._portions.written(self._outbox)
        self._take_on(claimed)
        if deferred:
            self._outbox.put_back(deferred)
            claimed.wait = min(claimed.wait, PATIENCE)
        return self._until_next(claimed.wait) if len(self._outbox) == len(deferred) else NOTHING

    def _take_apart(self, outbox: Outbox, claim: bool) -> timedelta:
        """Claim, and write of what came back as much as could lately be written at once.

        Neither waits for the other to be possible.
        """
        try:
            claimed, _ = self._write_and_claim([], claim)
            self._take_on(claimed)
        finally:
            letters = self._portions.next_of(outbox)
            if letters:
                self._write_portion(letters, outbox)
            if not len(outbox):
                self._portions.written(outbox)
        return min(self._until_next(claimed.wait), PATIENCE if len(outbox) else claimed.wait)

    def _write_portion(self, letters: list[Letter], outbox: Outbox) -> None:
        try:
            deferred = self.write(letters, patient=False)
        except (DataError, IntegrityError):
            self._one_by_one(letters)
        except DatabaseError as error:
            if not self._keep(letters, error, outbox):
                raise
        except Exception:
            self._one_by_one(letters)
        else:
            outbox.put_behind(deferred)
            self._portions.written(outbox)

    def _keep(self, letters: list[Letter], error: DatabaseError, outbox: Outbox) -> bool:
        """Keep letters for the next turn; return whether it is they that cannot be written."""
        try:
            at_fault = bool(letters) and self._claims.look() is not None
        except DatabaseError:
            at_fault = False
        if at_fault:
            self._portions.refuse(letters, error, outbox)
        else:
            for letter in letters:
                letter.problem = error
            outbox.put_back(letters)
        return at_fault

    def _take_on(self, claimed: Claimed) -> None:
        """Remember and hand out what was claimed."""
        for run, due_at in claimed.runs:
            self.held[run.id] = run.executor
            self._hand_out(run, due_at)
        self.release()

    def _prepare(self, outbox: Outbox) -> None:
        """Bring this process's own affairs up to date before the database is asked."""
        if self._told_to_look.is_set():
            self._told_to_look.clear()
            self._look_again_in(NOTHING)
        self.release()
        for dispatch in self._claims.reclaim():
            outbox.tell(GivenBack(**dispatch.guard, due_at=dispatch.due_at))

    def release(self) -> None:
        """Hand out what was held until now; usually a timer has been faster."""
        for dispatch in self._ahead.release():
            self.submit(dispatch)

    def submit(self, dispatch: Dispatch) -> None:
        """Give a run that is due to its executor. From any thread."""
        self._executors[dispatch.executor].submit(dispatch)

    def _until_next(self, wait: timedelta) -> timedelta:
        ahead = self._ahead.until_next()
        return wait if ahead is None else min(wait, ahead)

    def _hand_out(self, run: Run | Draft, due_at: datetime) -> None:
        """Give the run to its executor; a row that cannot be read fails alone."""
        try:
            dispatch = Dispatch.of(run, due_at)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            assert self._outbox is not None
            assert run.process is not None
            self._outbox.tell(
                Finished(
                    run.id, run.job_id, run.process, run.epoch, RunStatus.FAILED,
                    reason=Reason.ARGUMENTS.value,
                    error=f"The run's row cannot be read: {error}",
                    at=self._clock.now(), job_name=run.job_name,
                )
            )  # fmt: skip
        else:
            self._ahead.hold(dispatch)

    def _write_and_claim(self, letters: list[Letter], claim: bool) -> tuple[Claimed, list[Letter]]:
        """Write what came back and take what is due; return it with the letters to write later."""
        if not letters:
            if not claim:
                return Claimed(wait=self._poll_interval), []
            if self._until_look() > NOTHING or not self._sees_something():
                return Claimed(wait=min(self._until_look(), self._poll_interval)), []
        return self._transact(letters, claim)

    def _sees_something(self) -> bool:
        """Tell whether anything is due; while it is not, a turn is this one question."""
        sight = self._claims.look()
        steady = self._believes(sight.now)
        if steady and self._claims.is_due(sight):
            return True
        self._look_again_in(self._claims.until_next(sight) if steady else self._poll_interval)
        return False

    def _believes(self, now: datetime) -> bool:
        self.was_blind = not self._steadiness.trusts(now)
        return not self.was_blind

    def _transact(self, letters: list[Letter], claim: bool) -> tuple[Claimed, list[Letter]]:
        """Write what came back and claim, in one transaction; return the letters to write later."""
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            applied = self._apply(letters, now, patient=False)
            if not (claim and self._believes(now)):
                claimed = Claimed(wait=self._poll_interval)
            elif self._must_look(applied):
                claimed = self._claims.take(self._batch)
            else:
                claimed = Claimed(wait=self._until_look())
        self._look_again_in(claimed.wait)
        return claimed, self._settle(letters, applied)

    def _look_again_in(self, span: timedelta) -> None:
        self._look_at = self._clock.monotonic() + span.total_seconds()

    def _must_look(self, applied: Applied) -> bool:
        """Tell whether something may be due that was not when it was last looked for."""
        ended = any(isinstance(fact, (Finished, GivenBack)) for fact in applied.won)
        full = self._claims.was_full and ended
        return full or applied.opened or self._until_look() <= NOTHING

    def _until_look(self) -> timedelta:
        return timedelta(seconds=max(0.0, self._look_at - self._clock.monotonic()))

    def _apply(self, letters: list[Letter], now: datetime, *, patient: bool) -> Applied:
        """Write the facts of the letters, and what follows from them."""
        if not letters:
            return Applied()
        facts = [letter.fact for letter in letters]
        applied = lifecycle.apply(facts, now=now, using=self._using, patient=patient)
        for fact in applied.lost:
            level = logging.INFO if isinstance(fact, Finished) else logging.DEBUG
            logger.log(level, "Too late to say of run %s: %s", fact.run_id, type(fact).__name__)
        return applied

    def _settle(self, letters: list[Letter], applied: Applied) -> list[Letter]:
        """After the commit: answer whoever asked, and forget the runs that are not held here.

        Returns the letters that were not written and are to be written later.
        """
        put_off = {id(fact) for fact in applied.deferred}
        deferred = [letter for letter in letters if id(letter.fact) in put_off]
        letters = [letter for letter in letters if id(letter.fact) not in put_off]
        won = {id(fact) for fact in applied.won}
        ended = [letter.fact.run_id for letter in letters if isinstance(letter.fact, Finished)]
        self._claims.pace.note(self.held[run_id] for run_id in ended if run_id in self.held)
        for letter in letters:
            if isinstance(letter.fact, (Finished, GivenBack, Published)):
                self.held.pop(letter.fact.run_id, None)
            letter.answer(id(letter.fact) in won)
            if letter.was_announced:
                tell_recorded(letter.fact)
        refused = {f.run_id: f.epoch for f in applied.lost if isinstance(f, Started)}
        if refused:
            # They may run already, and must not: their stop was asked for, or they were taken.
            self._on_refused(refused)
        return deferred

    def write(self, letters: list[Letter], *, patient: bool = True) -> list[Letter]:
        """Write facts at once, in a transaction of their own; return those for later.

        Args:
            patient: wait for jobs whose rows somebody holds; then nothing is left for later.
        """
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            applied = self._apply(letters, now, patient=patient)
        return self._settle(letters, applied)

    def _one_by_one(self, letters: list[Letter]) -> None:
        """One bad value must not lose the others' outcomes: write each alone."""
        for letter in letters:
            problem = self._problem_of(letter)
            if problem is not None:
                self._write_bare(letter, problem)

    def _problem_of(self, letter: Letter) -> Exception | None:
        """Write one letter and return what about it cannot be written; None if it was."""
        assert self._outbox is not None
        try:
            self.write([letter])
        except (DataError, IntegrityError) as error:
            return error
        except DatabaseError:
            self._outbox.put_back([letter])
        except Exception as error:
            return error
        return None

    def _write_bare(self, letter: Letter, problem: Exception) -> None:
        """Keep at least how the run ended, when what it left cannot be stored."""
        fact = letter.fact
        if isinstance(fact, Finished):
            again = self._problem_of(Letter(fact.bare(problem)))
            if again is None:
                letter.answer(True)
                return
            problem = again
        # Not known here any more, so that the next look at what hangs gives the run up.
        self.held.pop(fact.run_id, None)
        announce(letter, problem)
        letter.answer(False)
