"""What a job says about late, missed and bounded occurrences, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..policies import CatchUp

__all__ = ["Policy"]


@dataclass(frozen=True)
class Policy:
    """What a job says about late, missed and bounded occurrences.

    Attributes:
        catch_up: what becomes of missed occurrences.
        catch_up_window: older than this is missed for good.
        catch_up_limit: how many missed occurrences ``all`` runs; the newest are kept.
        misfire_grace: the newest due occurrence is on time if late by at most this.
        start_at, end_at: no occurrence before or after; both ends belong to the window; None is
            no bound.
        remaining: how many more occurrences may run; None is no bound.
        jitter: each occurrence is due up to this later, by a hash of ``seed`` and the occurrence;
            None is none.
        seed: stable per job.
        room: how many more missed occurrences may be started now; None is no bound. Catching up
            is not overlapping: what the overlap policy would not let run waits. Of a fixed delay no
            more than one is ever missed, and that goes straight to the overlap policy.
    """

    catch_up: CatchUp = CatchUp.LATEST
    catch_up_window: timedelta = timedelta(hours=24)
    catch_up_limit: int = 100
    misfire_grace: timedelta = timedelta(seconds=60)
    start_at: datetime | None = None
    end_at: datetime | None = None
    remaining: int | None = None
    jitter: timedelta | None = None
    seed: str = ""
    room: int | None = None

    @property
    def spent(self) -> bool:
        """True if no further occurrence may run."""
        return self.remaining is not None and self.remaining <= 0

    def with_room(self, room: int) -> Policy:
        """Return the same policy with another ``room``. Asked for each job that is due."""
        other = object.__new__(Policy)
        other.__dict__.update(self.__dict__, room=room)
        return other
