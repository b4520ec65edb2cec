"""The sub-commands of ``manage.py scheduler``: each reads its words, makes one call, and answers.

They go through the facades like everybody else and must not know rows' rules, nor write any.
"""

from __future__ import annotations

from .code import SYNC
from .coming import NEXT
from .history import RUN, RUNS
from .orders import (
    PAUSE,
    PAUSE_RUN,
    RESUME,
    RESUME_RUN,
    RETRY,
    RUN_WITHIN,
    SKIP_NEXT,
    STOP,
    TRIGGER,
)
from .overview import LIST, SHOW
from .preview import EXPLAIN
from .subcommand import Answer, Subcommand

__all__ = ["SUBCOMMANDS", "Answer", "Subcommand"]

SUBCOMMANDS = (
    LIST,
    SHOW,
    NEXT,
    EXPLAIN,
    TRIGGER,
    PAUSE,
    RESUME,
    RUN_WITHIN,
    SKIP_NEXT,
    RUNS,
    RUN,
    STOP,
    PAUSE_RUN,
    RESUME_RUN,
    RETRY,
    SYNC,
)
