"""Carries out one run in the process where it stands, and keeps that process's word alive.

Knows the registry, the context and how to report. It must not know why a run is due, nor who
chose this process for it.
"""

from __future__ import annotations

from .delivery import Delivery
from .dispatch import Dispatch
from .heartbeat import Heartbeat
from .identity import Identity, is_gone
from .membership import CLOCKS_APART, Membership
from .reporting import DirectReporter, Reporter
from .runner import Runner
from .transactions import end_transactions, open_transactions, tidy_connections
from .watch import Watch

__all__ = [
    "CLOCKS_APART",
    "Delivery",
    "DirectReporter",
    "Dispatch",
    "Heartbeat",
    "Identity",
    "Membership",
    "Reporter",
    "Runner",
    "Watch",
    "end_transactions",
    "is_gone",
    "open_transactions",
    "tidy_connections",
]
