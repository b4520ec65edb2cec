"""Facts told to others, after they have been committed.

Every receiver is called with ``send_robust``: one that raises is logged and changes nothing.
A thread that must not run receivers itself (the engine's database thread) hands its facts to a
queue with :func:`deliver_through`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

__all__ = [
    "announce",
    "announce_made",
    "announce_now",
    "deliver_through",
    "delivery_here",
    "gate",
    "job_added",
    "job_broken",
    "job_changed",
    "job_ended",
    "job_paused",
    "job_removed",
    "job_resumed",
    "name_of",
    "process_lost",
    "rescheduling_failed",
    "run_data_saved",
    "run_failed",
    "run_finished",
    "run_lost",
    "run_paused",
    "run_progressed",
    "run_queued",
    "run_record_failed",
    "run_resumed",
    "run_retry_planned",
    "run_skipped",
    "run_started",
    "run_stopped",
    "run_succeeded",
    "scheduler_started",
    "scheduler_stopped",
    "send",
]

logger = logging.getLogger("django_scheduler.signals")

job_added = Signal()
job_changed = Signal()
job_paused = Signal()
job_resumed = Signal()
job_removed = Signal()
job_ended = Signal()
job_broken = Signal()

run_queued = Signal()
run_started = Signal()
run_progressed = Signal()
run_data_saved = Signal()
run_paused = Signal()
run_resumed = Signal()
run_finished = Signal()
run_succeeded = Signal()
run_failed = Signal()
run_skipped = Signal()
run_stopped = Signal()
run_lost = Signal()
run_retry_planned = Signal()
run_record_failed = Signal()
rescheduling_failed = Signal()

scheduler_started = Signal()
scheduler_stopped = Signal()
process_lost = Signal()

Delivery = Callable[[Callable[[], None]], None]
_thread = threading.local()


def deliver_through(delivery: Delivery | None) -> None:
    """From now on, facts committed in this thread go to ``delivery``; None: they are sent here."""
    _thread.delivery = delivery


def delivery_here() -> Delivery | None:
    """Return where facts committed in this thread go; None: they are sent here."""
    delivery: Delivery | None = getattr(_thread, "delivery", None)
    return delivery


def announce(signal: Signal, *, using: str, sender: Any, **facts: Any) -> None:
    """Send ``signal`` once the present transaction on ``using`` is committed, and only then."""
    if not signal.has_listeners(sender) or _is_for_a_closed_log(signal, facts):
        return
    transaction.on_commit(partial(_hand_over, signal, sender, facts), using=using)


def announce_made(
    signal: Signal, make: Callable[[], dict[str, Any]], *, using: str, sender: Any
) -> None:
    """Like :func:`announce`, of facts that are made only if somebody listens."""
    if signal.has_listeners(sender):
        announce(signal, using=using, sender=sender, **make())


Gate = Callable[[dict[str, Any]], bool]
_gates: dict[int, Gate] = {}


def gate(signal: Signal, wants: Gate) -> None:
    """Let facts for which ``wants`` says no go unsent, while no other receiver is connected.

    For the log lines: a line that no handler wants is not worth a way through a queue.
    """
    _gates[id(signal)] = wants


def _is_for_a_closed_log(signal: Signal, facts: dict[str, Any]) -> bool:
    wants = _gates.get(id(signal))
    return wants is not None and len(signal.receivers) == 1 and not wants(facts)


def announce_now(signal: Signal, *, sender: Any, **facts: Any) -> None:
    """Send ``signal`` without waiting for a commit: of what no transaction says."""
    if signal.has_listeners(sender):
        _hand_over(signal, sender, facts)


def _hand_over(signal: Signal, sender: Any, facts: dict[str, Any]) -> None:
    delivery = delivery_here()
    if delivery is None:
        send(signal, sender, **facts)
    else:
        delivery(partial(send, signal, sender, **facts))


def send(signal: Signal, sender: Any, **facts: Any) -> None:
    """Call the receivers here and now; log those that raise. It raises only what a Ctrl-C does."""
    try:
        answers = signal.send_robust(sender, **facts)
    except KeyboardInterrupt:
        raise
    except BaseException:
        # A SystemExit, say: it ends the other receivers' turn, and nothing beyond.
        logger.exception("A receiver of %s tried to leave", _name(signal))
        return
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("A receiver of %s failed: %r", _name(signal), receiver, exc_info=answer)


def name_of(call: Callable[[], None]) -> str:
    """Return the name of the signal that ``call``, as a delivery is given it, sends."""
    args = getattr(call, "args", ())
    return _name(args[0]) if args else "a signal"


def _name(signal: Signal) -> str:
    return next((name for name, each in globals().items() if each is signal), "a signal")
