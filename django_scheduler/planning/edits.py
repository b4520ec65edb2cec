"""What an edit of a schedule does to the occurrences around it, to be shown before it is saved.

An edit is never retroactive: the next run is the first occurrence of the new schedule strictly
after now. So a job that has had its day's run may get a second one, and one that waited for its
run may have to wait for longer. The one exception is a single instant: set anew, it is owed even
when it has passed, and runs at once. Days are those of the calendar in the new schedule's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from ..schedules import Schedule
from ..schedules.speech import Voice, in_words
from ..schedules.wall import zone_called
from .ahead import initial_high_water, next_from
from .policy import Policy

__all__ = ["EditNotice", "NoticeKind", "edit_notices"]

#: A job that runs more often than this runs soon again, whatever an edit does. Less than a day,
#: because a day is 23 hours long when clocks are set forward.
_RARE = timedelta(hours=20)


class NoticeKind(str, Enum):
    """What somebody who edits a schedule should know before it is stored."""

    REPEATS = "repeats"
    """The job has had its occurrence of the day, and would have another one the same day."""
    LEFT_OUT = "left_out"
    """Today's occurrence would not take place, and the new schedule has none left today."""
    AT_ONCE = "at_once"
    """The new schedule is an instant that has passed: it is owed, and would run right away."""
    ENDS = "ends"
    """No occurrence would come any more."""


@dataclass(frozen=True)
class EditNotice:
    """One thing that an edit would do.

    Attributes:
        kind: what it is.
        zone: the zone of the new schedule, in which the words are.
        before: the occurrence that was had (``repeats``), would not take place (``left_out``) or
            has passed (``at_once``).
        following: the next occurrence with the new schedule; None if there is none.
    """

    kind: NoticeKind
    zone: str
    before: datetime | None = None
    following: datetime | None = None

    def describe(self) -> str:
        """The notice in words, for people."""
        return in_words(self._told)

    def _told(self, voice: Voice) -> str:
        zone = zone_called(self.zone)
        values = {
            name: f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"
            for name, instant in (("before", self.before), ("following", self.following))
            if instant is not None
        }
        if self.kind is NoticeKind.ENDS:
            return voice.say("It would never run again: no occurrence lies ahead.")
        if self.kind is NoticeKind.AT_ONCE:
            return voice.say(
                "{before} ({zone}) has passed: saved like this, the job runs at once, and never "
                "again.",
                zone=self.zone,
                **values,
            )
        if self.kind is NoticeKind.REPEATS:
            return voice.say(
                "It has run for {before} and would run again the same day, at {following} "
                "({zone}).",
                zone=self.zone,
                **values,
            )
        if self.following is None:
            return voice.say(
                "The run of {before} ({zone}) would not take place; no further one is planned.",
                zone=self.zone,
                **values,
            )
        return voice.say(
            "The run of {before} would not take place; the next one would be at {following} "
            "({zone}).",
            zone=self.zone,
            **values,
        )


def edit_notices(
    old: Schedule | None,
    new: Schedule,
    now: datetime,
    *,
    coming: datetime | None = None,
    had: datetime | None = None,
    policy: Policy | None = None,
) -> list[EditNotice]:
    """What putting ``new`` in the place of ``old`` at ``now`` would do; empty if nothing special.

    Only a job that ran about once a day or more rarely can repeat or leave out its day's run.

    Args:
        old: what the job has been planned with; None for a new job.
        coming: the occurrence the job is planned for; None if it waits for none.
        had: the newest nominal occurrence the job has run for; None if it never has.
        policy: the window and the remaining runs the job would have.
    """
    # An instant that was there before and has passed is over, whatever else is edited.
    anew = new.one_shot and (old is None or _spec(old) != _spec(new))
    following, due, ended = next_from(
        new, initial_high_water(new, now) if anew else now, policy or Policy()
    )
    if coming is not None and coming == following:
        return []
    if ended:
        return [EditNotice(NoticeKind.ENDS, new.zone_name)]
    if due is not None and due <= now:
        return [EditNotice(NoticeKind.AT_ONCE, new.zone_name, following)]
    if old is None or not _is_rare(old, now):
        return []
    notice = _repeated(new, now, had, following) or _left_out(new, now, coming, following)
    return [notice] if notice else []


def _repeated(
    new: Schedule, now: datetime, had: datetime | None, following: datetime | None
) -> EditNotice | None:
    if had is None or following is None or not _is_rare(new, now):
        return None
    again = _same_day(new, had, following)
    return EditNotice(NoticeKind.REPEATS, new.zone_name, had, following) if again else None


def _left_out(
    new: Schedule, now: datetime, coming: datetime | None, following: datetime | None
) -> EditNotice | None:
    if coming is None or not _same_day(new, now, coming):
        return None
    if following is not None and _same_day(new, now, following):
        return None
    return EditNotice(NoticeKind.LEFT_OUT, new.zone_name, coming, following)


def _spec(schedule: Schedule) -> str:
    return f"{schedule.zone_name} {schedule}"


def _is_rare(schedule: Schedule, now: datetime) -> bool:
    """True if the next two occurrences are about a day apart or more; never of a fixed delay."""
    first = schedule.next_after(now)
    second = None if first is None else schedule.next_after(first)
    apart = second is None or first is None or second - first >= _RARE
    return apart and not schedule.fixed_delay


def _same_day(schedule: Schedule, one: datetime, other: datetime) -> bool:
    zone = zone_called(schedule.zone_name)
    return one.astimezone(zone).date() == other.astimezone(zone).date()
