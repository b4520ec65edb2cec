"""The only room that knows which database it speaks to."""

from __future__ import annotations

from .locks import locked
from .now import read_now
from .pooling import connection_problems
from .sessions import (
    begin_immediately,
    prepare_session,
    release_session,
    session_problems,
    writing,
)
from .transient import is_transient

__all__ = [
    "begin_immediately",
    "connection_problems",
    "is_transient",
    "locked",
    "prepare_session",
    "read_now",
    "release_session",
    "session_problems",
    "writing",
]
