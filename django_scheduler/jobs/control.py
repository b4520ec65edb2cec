"""Whether jobs are planned: paused and resumed, one or all."""

from __future__ import annotations

from datetime import MAXYEAR, datetime, timezone

from .. import lifecycle
from ..exceptions import InvalidJob
from ..job_fields import is_storable
from ..models import Installation, Job
from ..models.vendors import writing
from ..policies import CatchUp
from ..states import JobState
from .rows import clock_of, expect, get, locked_job, now, using

__all__ = ["RESUME_MODES", "pause", "pause_all", "resume", "resume_all"]

RESUME_MODES = {"next": CatchUp.SKIP, "latest": CatchUp.LATEST, "all": CatchUp.ALL}
"""What becomes of the time of a pause when it ends."""


def pause(name: Job | str, reason: str = "", until: datetime | None = None, *, by: str = "") -> Job:
    """Stop planning the job, until :func:`resume` or ``until``; running runs go on.

    Args:
        reason: shown beside the state.
        until: resume by itself then; None: when somebody resumes it.
        by: who asked for it.

    Raises:
        InvalidRunState: the job is not active.
        InvalidJob: ``until`` does not know its time zone or is past.
    """
    _check_words(reason=reason, by=by)
    with writing(using()):
        job = locked_job(name)
        at = now()
        expect(job, JobState.ACTIVE, "paused")
        if until is not None:
            _check_coming(until, at)
        lifecycle.pause_job(
            job, clock_of(job), reason=reason, by=by[:150], until=until, now=at, using=using()
        )
    return get(job)


def _check_words(**words: object) -> None:
    for name, word in words.items():
        if not isinstance(word, str) or not is_storable(word):
            raise InvalidJob(f"{name} must be a text, not {word!a:.80}.", field=name)


def _check_coming(until: object, now: datetime) -> None:
    if not isinstance(until, datetime) or until.utcoffset() is None:
        raise InvalidJob(
            f"until is {until!r:.80}: give a datetime that knows its time zone, such as one made "
            "with django.utils.timezone.now().",
            field="until",
        )
    if until <= now:
        raise InvalidJob(f"until is {_told(until)}, which has passed.", field="until")
    if until.year >= MAXYEAR:
        raise InvalidJob(f"until is {until}: give a year before {MAXYEAR}.", field="until")


def _told(instant: datetime) -> str:
    try:
        return f"{instant.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
    except OverflowError:  # at the calendar's beginning
        return str(instant)


def resume(name: Job | str, mode: str = "next") -> Job:
    """Plan the job again; its next run is the first occurrence strictly after now.

    Paused time is not missed time: nothing is caught up, and nothing fires at once.

    Args:
        mode: ``next``; or ``latest`` (one run at once for all occurrences of the pause) or ``all``
            (one run each), back to the job's catch-up window and limit as for missed time.

    Raises:
        InvalidRunState: the job is not paused.
        InvalidJob: another mode.
        InvalidSchedule: the schedule cannot be read any more.
    """
    if not isinstance(mode, str) or mode not in RESUME_MODES:
        known = ", ".join(RESUME_MODES)
        raise InvalidJob(f"mode is {mode!r}; use one of: {known}.", field="mode")
    with writing(using()):
        job = locked_job(name)
        expect(job, JobState.PAUSED, "resumed")
        lifecycle.resume_job(
            job, clock_of(job), now=now(), using=using(), catch_up=RESUME_MODES[mode]
        )
        lifecycle.tell(lifecycle.DUE, using=using())
    return get(job)


def pause_all(reason: str = "", *, by: str = "") -> None:
    """Stop claiming anything, in the whole installation, until :func:`resume_all`.

    Raises:
        InvalidJob: ``reason`` or ``by`` is no text.
    """
    _check_words(reason=reason, by=by)
    with writing(using()):
        row = Installation.objects.using(using()).get_or_create(pk=Installation.ONLY)[0]
        # Paused already, it stays paused since then: what came due since was not missed.
        row.paused_at = row.paused_at or now()
        row.pause_reason, row.paused_by = reason, by[:150]
        row.save(using=using(), update_fields=["paused_at", "pause_reason", "paused_by"])


def resume_all() -> None:
    """Lift the pause of everything. Overdue jobs first move strictly past now; own pauses stay.

    What was due before the pause and not begun is recorded as missed. Overdue jobs move in
    batches of a transaction each, while the pause still holds.
    """
    rows = Installation.objects.using(using()).filter(pk=Installation.ONLY)
    since = rows.values_list("paused_at", flat=True).first()
    at = now()
    moved = True
    while moved and since is not None:
        with writing(using()):
            moved = lifecycle.skip_overdue(at, paused_at=since, using=using())
    with writing(using()):
        rows.update(paused_at=None, pause_reason="", paused_by="")
        lifecycle.tell(lifecycle.DUE, using=using())
