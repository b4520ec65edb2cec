"""The function that every job of the chaos calls: it notes its call, takes time, and may fail."""

from __future__ import annotations

import threading
import uuid
from zlib import crc32

from django_scheduler import RunContext, job

from .effects import notes

STEP = 0.05


class BadLuckError(Exception):
    """The function failed, as its arguments had it fail."""


@job("chaos.work", takes_context=True)
def work(context: RunContext, seconds: float = 0.0, fail: int = 0, deaf: bool = False) -> str:
    """Take some seconds; fail in so many of a hundred attempts; be deaf to orders to stop."""
    file, call, outcome = notes(), str(uuid.uuid4()), "raised"
    file.write(
        "begun",
        id=call,
        at=file.clock.now().isoformat(),
        run=str(context.run_id),
        job=context.job_name,
        key=context.key,
        attempt=context.attempt,
    )
    try:
        _take(context, seconds, deaf)
        # By the attempt's own name, so that the same attempt fails wherever it is made.
        if crc32(f"{context.key} {context.attempt}".encode()) % 100 < fail:
            raise BadLuckError(context.key)
        outcome = "ok"
    except BadLuckError:
        raise
    except BaseException:
        outcome = "stopped"
        raise
    finally:
        file.write("ended", id=call, outcome=outcome)
    return f"{context.key} {context.attempt}"


def _take(context: RunContext, seconds: float, deaf: bool) -> None:
    clock = notes().clock
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        if not deaf:
            context.checkpoint()
        clock.wait(threading.Event(), min(STEP, left))
