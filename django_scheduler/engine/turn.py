"""One turn of the loop: write what came back, claim what is due, hand it out."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError, DataError, IntegrityError, transaction

from .. import lifecycle
from ..clock import Clock
from ..executors import Executor
from ..lifecycle import Finished, GivenBack, Published
from ..models import Installation, Run
from ..models.vendors import read_now
from ..runner import Dispatch, Membership
from ..runner.reporting import record_failed
from ..states import Reason, RunStatus
from .enqueue import claim_due, next_due
from .outbox import Letter, Outbox
from .share import Share
from .steadiness import Steadiness

__all__ = ["Turn"]

logger = logging.getLogger("django_scheduler.engine")

PATIENCE = timedelta(milliseconds=50)
"""How long to wait when something is due that could not be taken: somebody else has it."""

NOTHING = timedelta(0)


class Turn:
    """The tick of one process. Its methods belong to the database thread."""

    def __init__(
        self,
        membership: Membership,
        clock: Clock,
        executors: Mapping[str, Executor],
        share: Share,
        *,
        using: str,
        batch: int,
        poll_interval: timedelta,
    ) -> None:
        self._membership = membership
        self._clock = clock
        self._executors = executors
        self._share = share
        self._using = using
        self._batch = batch
        self._poll_interval = poll_interval
        self._steadiness = Steadiness(clock)
        self._outbox: Outbox | None = None
        self.was_full = False
        """Whether an executor had no slot left after the last claim: more may be due."""
        self.held: set[uuid.UUID] = set()
        """The runs this process knows it owns; compared with the database now and then."""

    def listen_to(self, outbox: Outbox) -> None:
        """Take facts from ``outbox`` from now on."""
        self._outbox = outbox

    def take(self, *, claim: bool = True) -> timedelta:
        """Do one turn and return how long to wait before the next.

        Raises:
            DatabaseError: nothing was written; the facts are kept for the next turn.
        """
        assert self._outbox is not None
        letters = self._outbox.take(self._batch)
        claim = claim and self._membership.is_safe()
        room = {alias: ex.free_slots() for alias, ex in self._executors.items()} if claim else {}
        try:
            taken, deferred, wait = self._transact(letters, room, claim)
        except DatabaseError as error:
            if not isinstance(error, (DataError, IntegrityError)):
                self._outbox.put_back(letters)
                raise
            self._one_by_one(letters)
            return NOTHING
        except Exception:
            if not letters:
                raise
            self._one_by_one(letters)
            return NOTHING
        for run, due_at in taken:
            self.held.add(run.pk)
            self._hand_out(run, due_at)
        if deferred:
            self._outbox.put_back(deferred)
            wait = min(wait, PATIENCE)
        return wait if len(self._outbox) == len(deferred) else NOTHING

    def _hand_out(self, run: Run, due_at: datetime) -> None:
        """Give the run to its executor; a row that cannot be read fails alone."""
        try:
            dispatch = Dispatch.of(run, due_at)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            assert self._outbox is not None
            assert run.process is not None
            self._outbox.tell(
                Finished(
                    run.pk, run.job_id, run.process, run.epoch, RunStatus.FAILED,
                    reason=Reason.ARGUMENTS.value,
                    error=f"The run's row cannot be read: {error}",
                    at=self._clock.now(),
                )
            )  # fmt: skip
        else:
            self._executors[run.executor].submit(dispatch)

    def _transact(
        self, letters: list[Letter], room: dict[str, int], claim: bool
    ) -> tuple[list[tuple[Run, datetime]], list[Letter], timedelta]:
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            answers, deferred = self._apply(letters, now, patient=False)
            claim = claim and self._steadiness.trusts(now)
            taken = self._claim(room, now) if claim else []
            self.was_full = claim and any(slots <= 0 for slots in room.values())
            wait = self._wait(room, now, bool(taken)) if claim else self._poll_interval
        self._settle([one for one in letters if id(one.fact) not in deferred], answers)
        return taken, [one for one in letters if id(one.fact) in deferred], wait

    def _apply(
        self, letters: list[Letter], now: datetime, *, patient: bool
    ) -> tuple[set[int], set[int]]:
        """Return the ids of the facts that held, and of those whose jobs somebody holds."""
        if not letters:
            return set(), set()
        facts = [letter.fact for letter in letters]
        applied = lifecycle.apply(facts, now=now, using=self._using, patient=patient)
        for fact in applied.lost:
            level = logging.INFO if isinstance(fact, Finished) else logging.DEBUG
            logger.log(level, "Too late to say of run %s: %s", fact.run_id, type(fact).__name__)
        return {id(fact) for fact in applied.won}, {id(fact) for fact in applied.deferred}

    def _settle(self, letters: list[Letter], won: set[int]) -> None:
        """After the commit: answer whoever asked, and forget the runs that are not held here."""
        for letter in letters:
            if isinstance(letter.fact, (Finished, GivenBack, Published)):
                self.held.discard(letter.fact.run_id)
            letter.answer(id(letter.fact) in won)

    def write(self, letters: list[Letter]) -> None:
        """Write facts at once, in a transaction of their own."""
        with transaction.atomic(using=self._using):
            now = read_now(self._clock, self._using)
            answers, _ = self._apply(letters, now, patient=True)
        self._settle(letters, answers)

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
            bare = replace(
                fact, result=None, data={}, progress={}, log="", traceback="", hook_errors={},
                error=f"What the run left could not be stored: {type(problem).__name__}",
                run_again_in=None, retry_in=None,
            )  # fmt: skip
            again = self._problem_of(Letter(bare))
            if again is None:
                letter.answer(True)
                return
            problem = again
        # Not known here any more, so that the next look at what hangs gives the run up.
        self.held.discard(fact.run_id)
        record_failed(fact, problem)
        letter.answer(False)

    def _claim(self, room: dict[str, int], now: datetime) -> list[tuple[Run, datetime]]:
        if self._is_paused():
            return []
        waiting = lifecycle.claim_waiting(
            self._membership.id, room, self._share.of_runs(), now=now, using=self._using
        )
        for run, _ in waiting:
            room[run.executor] -= 1
        due = claim_due(
            self._membership.id, self._share, room, now=now, batch=self._batch, using=self._using
        )
        return waiting + due

    def _is_paused(self) -> bool:
        rows = Installation.objects.using(self._using)
        return rows.filter(pk=Installation.ONLY, paused_at__isnull=False).exists()

    def _wait(self, room: dict[str, int], now: datetime, took: bool) -> timedelta:
        """Return the time until something of this process's share is due."""
        if self._is_paused():
            return self._poll_interval
        free = [alias for alias, slots in room.items() if slots > 0]
        waiting = lifecycle.waiting_runs(self._using, free, self._share.of_runs())
        soonest = [
            next_due(self._share, self._using),
            waiting.order_by("due_at").values_list("due_at", flat=True).first(),
        ]
        known = [instant for instant in soonest if instant is not None]
        if not known:
            return self._poll_interval
        if min(known) <= now:
            return NOTHING if took else PATIENCE
        ahead = max(NOTHING, min(known) - self._clock.now())
        return min(ahead, self._poll_interval)
