"""The only writer of a run's status, and of what follows from it.

Every function here wants to be called inside a transaction on the alias it is given, and takes
the instant ``now``. Moves are conditional on status, owner and epoch: who finds nothing to
change was too late, and nothing that would have followed happens.
"""

from __future__ import annotations

from .apply import Applied, apply
from .broken import mark_broken, skip_overdue
from .claims import claim_waiting, skip_unclaimable, take_dispatched, waiting_runs
from .clocks import (
    delete_if_idle,
    end_job,
    has_open_run,
    lock_clocks,
    note_planned,
    planning_policy,
    replan,
    resume_job,
    start_clock,
    stop_clock,
)
from .consequences import promote_left_behind
from .create import (
    Activity,
    active_runs,
    activity,
    insert,
    make_run,
    missed_record,
    occurrence_key,
    waiting_for_room,
)
from .drafts import Draft, Template, insert_drafts
from .facts import Fact, Finished, GivenBack, Left, Paused, Published, Resumed, Started
from .giving_way import supersede
from .notices import DUE, ORDERS, Hearer, heard_here, tell
from .orders import place, request_stop, run_anew, trigger, try_again
from .passing import (
    count_passed_over,
    follow_edit,
    pause_job,
    plan_on,
    record_passed_over,
    replan_edited,
    skip_next,
)
from .pausing import request_pause, request_resume, take_pause_back
from .progress import Order, Reported, orders_for, progress_fields, record_progress
from .room import Room, full_queues, lock_queues
from .takeover import free_unknown, orphans, redispatch_unreceived, take_over_orphans

__all__ = [
    "DUE",
    "ORDERS",
    "Activity",
    "Applied",
    "Draft",
    "Fact",
    "Finished",
    "GivenBack",
    "Hearer",
    "Left",
    "Order",
    "Paused",
    "Published",
    "Reported",
    "Resumed",
    "Room",
    "Started",
    "Template",
    "active_runs",
    "activity",
    "apply",
    "claim_waiting",
    "count_passed_over",
    "delete_if_idle",
    "end_job",
    "follow_edit",
    "free_unknown",
    "full_queues",
    "has_open_run",
    "heard_here",
    "insert",
    "insert_drafts",
    "lock_clocks",
    "lock_queues",
    "make_run",
    "mark_broken",
    "missed_record",
    "note_planned",
    "occurrence_key",
    "orders_for",
    "orphans",
    "pause_job",
    "place",
    "plan_on",
    "planning_policy",
    "progress_fields",
    "promote_left_behind",
    "record_passed_over",
    "record_progress",
    "redispatch_unreceived",
    "replan",
    "replan_edited",
    "request_pause",
    "request_resume",
    "request_stop",
    "resume_job",
    "run_anew",
    "skip_next",
    "skip_overdue",
    "skip_unclaimable",
    "start_clock",
    "stop_clock",
    "supersede",
    "take_dispatched",
    "take_over_orphans",
    "take_pause_back",
    "tell",
    "trigger",
    "try_again",
    "waiting_for_room",
    "waiting_runs",
]
